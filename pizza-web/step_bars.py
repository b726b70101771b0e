"""The steps of a workflow's history as bars of a timeline. Pure functions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from display import words
from shop import Json

WIDTH = 1000
LEAST = 6
"""A bar is at least so wide, so that it is seen."""

ROWS = 100

_CHILD = re.compile(
    r":(?P<child>(?:round-\d+:)?(?P<kind>round|pizza)-(?P<number>\d+)(?:-(?P<again>\d+))?)$"
)


@dataclass(frozen=True)
class Bar:
    """A step; `child` names the workflow that does it.

    `x`, `width` and the `marks` of failed tries are in thousandths of the timeline.
    """

    label: str
    kind: str
    state: str
    depth: int
    began_at: str
    took: str
    tries: int
    error: str | None
    undoes: bool
    child: str | None
    x: int
    width: int
    marks: list[int]


@dataclass(frozen=True)
class Timeline:
    """All bars of an order, and how many rows were left out."""

    bars: list[Bar]
    left_out: int


def timeline(history: Json, now: str) -> Timeline:
    """The bars of an order's workflow and its rounds; what lasts is drawn until `now`."""
    began = history["began_at"] or now
    end = max(history["ended_at"] or now, began)
    scale = _Scale(_time(began), max(_time(end) - _time(began), 0.001))
    rows = list(_rows(history, 0))
    bars = [_bar(step, depth, scale, end) for step, depth in rows[-ROWS:]]
    return Timeline(bars, int(history["left_out"]) + max(0, len(rows) - ROWS))


def lasting(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, part, part_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // part} {part_name}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


@dataclass(frozen=True)
class _Scale:
    began: float
    seconds: float

    def x(self, at: str) -> int:
        place = (_time(at) - self.began) / self.seconds * WIDTH
        return round(min(max(place, 0), WIDTH))


def _rows(history: Json, depth: int) -> Iterator[tuple[Json, int]]:
    for step in history["steps"]:
        yield step, depth
        if step.get("history"):
            yield from _rows(step["history"], depth + 1)


def _bar(step: Json, depth: int, scale: _Scale, end: str) -> Bar:
    ended = step["ended_at"] or end
    x = min(scale.x(step["began_at"]), WIDTH - LEAST)
    seconds = step["seconds"]
    if seconds is None:
        seconds = max(0.0, _time(ended) - _time(step["began_at"]))
    return Bar(
        label=_label(step),
        kind=step["kind"],
        state=step["state"],
        depth=depth,
        began_at=step["began_at"],
        took=lasting(seconds),
        tries=step["tries"],
        error=step["error"] or _last_error(step),
        undoes=step["undoes"],
        child=_child(step),
        x=x,
        width=max(LEAST, scale.x(ended) - x),
        marks=[scale.x(failure["at"]) for failure in step["failures"]],
    )


def _last_error(step: Json) -> str | None:
    failures = step["failures"]
    return str(failures[-1]["error"]) if failures else None


def _label(step: Json) -> str:
    name = str(step["name"])
    if step["kind"] == "wait":
        return "Waiting" if name == "timer" else f"Waiting, until {name}"
    if step["kind"] == "event":
        return f"Event {name}"
    child = _CHILD.search(step["instance_id"] or "")
    if child is not None:
        again = f", try {child['again']}" if child["again"] not in (None, "1") else ""
        return f"{words(child['kind'])} {child['number']}{again}"
    return words(name) + (" (undo)" if step["undoes"] else "")


def _child(step: Json) -> str | None:
    """The child as `GET /history/<order_id>?child=` names it."""
    found = _CHILD.search(step["instance_id"] or "")
    return found["child"] if found else None


def _time(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
