"""The script between localdapr and an app: it starts the app, and a guard that outlives both.

    app_guard.py LIFE COMMAND...

LIFE is the read end of a pipe whose other end only localdapr holds. The process that runs this
becomes the command, as the leader of its process group; before that it has left behind a guard.
When the pipe ends, localdapr has ended, however it did: the guard ends the group by SIGTERM, then
SIGKILL. A byte in the pipe says that the group is gone, and the guard goes too. Standard library
only and run by path, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

GRACE = 3.0  # seconds between SIGTERM and SIGKILL
POLL = 0.02
PR_SET_PDEATHSIG = 1
NOT_FOUND = 127  # as a shell answers for a command that cannot be run


def main(life: int, command: list[str]) -> None:
    """Leave a guard behind and become the command."""
    group = os.getpid()
    if os.fork() == 0:
        leave()
        if os.fork() == 0:  # a child of nobody: the app must not meet one that it does not know
            guard(life, group)
        os._exit(0)
    os.wait()
    os.close(life)
    end_with_parent()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these; an app must not
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - running this command is the purpose
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(NOT_FOUND)


def leave() -> None:
    """Go into a session of its own, deaf to what is meant for others, with no share of output."""
    os.setsid()
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # who reads the app's output waits for its end
        os.dup2(nothing, stream)


def guard(life: int, group: int) -> None:
    """Wait for the end of the pipe, and see to the group when it comes unannounced."""
    if not os.read(life, 1):
        end_group(group)


def end_group(group: int) -> None:
    """SIGTERM, and after the grace SIGKILL for what is left."""
    deadline = time.monotonic() + GRACE
    left = send(group, signal.SIGTERM)
    while left and time.monotonic() < deadline:
        time.sleep(POLL)
        left = send(group, 0)
    send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Whether the group still had a process to send the signal to."""
    with contextlib.suppress(PermissionError):  # it is there, or (macOS) only zombies are left
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return False
    return True


def end_with_parent() -> None:
    """A second net below the guard, where the system has one: SIGTERM when localdapr dies."""
    if sys.platform == "linux":
        import ctypes  # what the guard need not wait for

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
