"""The keeper's own process: ends the apps' process groups when localdapr is gone.

Run as a script with the read end of a pipe as standard input; standard library only, so that it
starts at once. Lines on the pipe: "add <pgid>", "drop <pgid>". The end of the pipe means that
localdapr has ended, however it did: whatever group is left gets SIGTERM, then SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE = 3.0  # seconds between SIGTERM and SIGKILL
POLL = 0.02


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end_groups(read_groups(sys.stdin.buffer), GRACE)


def read_groups(lines: Iterable[bytes]) -> set[int]:
    """The process groups that are still to be kept when the pipe ends."""
    groups: set[int] = set()
    for line in lines:
        verb, _, group = line.decode("ascii", "replace").partition(" ")
        if not group.strip().isdecimal():
            continue
        if verb == "add":
            groups.add(int(group))
        else:
            groups.discard(int(group))
    return groups


def end_groups(groups: set[int], grace: float) -> None:
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


if __name__ == "__main__":
    main()
