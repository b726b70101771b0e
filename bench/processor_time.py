"""The processor time of processes, by what they are."""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of(pids: Mapping[str, int]) -> dict[str, float]:
    """What each has used since it began."""
    return {name: _seconds(pid) for name, pid in pids.items()}


def by_kind(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was used between, the replicas of one kind together."""
    used: defaultdict[str, float] = defaultdict(float)
    for name, seconds in after.items():
        used[kind_of(name)] += seconds - before.get(name, 0.0)
    return dict(used)


def kind_of(part: str) -> str:
    """`pizza-kitchen-2-daprd` is of the kind `pizza-kitchen-daprd`."""
    words = [word for word in part.split("-") if not word.isdigit()]
    return "-".join(words)


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
