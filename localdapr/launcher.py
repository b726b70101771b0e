"""Stands between localdapr and an app for a moment: reports itself to the keeper, then becomes it.

Run as a script: `launcher.py <fd> <command> ...`, as the leader of a new process group, `fd` being
the keeper's pipe. While this process holds the pipe open the keeper cannot miss the end of
localdapr, and when it lets go, the keeper has already been told: no app is ever unknown to it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
NOT_FOUND = 127  # as a shell answers for a command that cannot be run


def main() -> None:
    pipe, command = int(sys.argv[1]), sys.argv[2:]
    with contextlib.suppress(BrokenPipeError):  # localdapr tells the next keeper
        os.write(pipe, b"add %d\n" % os.getpid())
    end_with_parent()
    os.close(pipe)
    restore_signals()
    try:
        os.execvp(command[0], command)  # noqa: S606 - running this command is the purpose
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(NOT_FOUND)


def end_with_parent() -> None:
    """A second net below the keeper, where the system has one: SIGTERM when localdapr dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def restore_signals() -> None:
    """Python ignores these; an app must not inherit that."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    main()
