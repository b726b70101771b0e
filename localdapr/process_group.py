"""A process group by its number: signal it, and see whether anything of it still runs."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ENDED = "ZX"  # states of /proc/<pid>/stat: a zombie, or dead


def signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def is_gone(group: int) -> bool:
    """Whether nothing of the group runs; call it only after its leader was reaped."""
    # As the first process of a container localdapr inherits orphans, and only it can reap them.
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    # A first process that does not reap leaves zombies for ever: not worth waiting for.
    return sys.platform == "linux" and all(state in ENDED for state in _states(group))


def _states(group: int) -> Iterator[str]:
    """The state letter of each process of the group."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The command's name stands in brackets and may hold anything, brackets too.
            state, _, of_group = stat.read_text("utf-8", "replace").rpartition(")")[2].split()[:3]
            if int(of_group) == group:
                yield state
