"""The entry point of `localdapr` and of `python -m localdapr`.

It imports nothing but what guards the rest: the modules of the commands take up to a second.
"""

import os
import signal

INTERRUPTED = 130  # what a shell shows for a process that Ctrl-C has ended


def main() -> None:
    """A Ctrl-C while modules are loaded ends the process: nothing has begun, nothing is printed."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # and not ignored, as for a job in the background
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from localdapr.cli import main as run_command

    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, handler)
    run_command()


if __name__ == "__main__":
    main()
