"""The script of the processes that see to it that no app outlives localdapr, however that ends.

Standard library only and run by path, so that it starts at once. In two parts:

keeper_process.py                  the keeper: ends the apps' process groups when localdapr is gone
keeper_process.py FD COMMAND...    a launcher: reports itself to the keeper, then becomes the app

The keeper reads lines from standard input, a pipe: "add <pgid>", "drop <pgid>". The end of the
pipe means that localdapr has ended: whatever group is left gets SIGTERM, then SIGKILL. While a
launcher holds the pipe (FD) open the keeper cannot miss that end, and when it lets go, the keeper
has already been told: no app is ever unknown to it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE = 3.0  # seconds between SIGTERM and SIGKILL
POLL = 0.02
PR_SET_PDEATHSIG = 1
NOT_FOUND = 127  # as a shell answers for a command that cannot be run


def keep() -> None:
    """The keeper's life."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end_groups(read_groups(sys.stdin.buffer), GRACE)


def read_groups(lines: Iterable[bytes]) -> set[int]:
    """The process groups that are still to be kept when the pipe ends."""
    groups: set[int] = set()
    for line in lines:
        verb, _, group = line.decode("ascii", "replace").partition(" ")
        if group.strip().isdecimal():
            (groups.add if verb == "add" else groups.discard)(int(group))
    return groups


def end_groups(groups: set[int], grace: float) -> None:
    """SIGTERM, and after `grace` seconds SIGKILL for what is left."""
    deadline = time.monotonic() + grace
    left = {group for group in groups if send(group, signal.SIGTERM)}
    while left and time.monotonic() < deadline:
        time.sleep(POLL)
        left = {group for group in left if send(group, 0)}
    for group in left:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Whether the group still had a process to send the signal to."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # it exists but is not ours, or (macOS) only zombies are left
        return True
    return True


def launch(pipe: int, command: list[str]) -> None:
    """Become the command, as the leader of a new process group that the keeper knows."""
    with contextlib.suppress(BrokenPipeError):  # localdapr tells the next keeper
        os.write(pipe, b"add %d\n" % os.getpid())
    end_with_parent()
    os.close(pipe)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these; an app must not
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - running this command is the purpose
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.exit(NOT_FOUND)


def end_with_parent() -> None:
    """A second net below the keeper, where the system has one: SIGTERM when localdapr dies."""
    if sys.platform == "linux":
        import ctypes  # what the keeper need not wait for

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        launch(int(sys.argv[1]), sys.argv[2:])
    else:
        keep()
