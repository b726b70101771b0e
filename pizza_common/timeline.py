"""The timeline of an order: what was said of it, each status once a round, in order.

Events may come twice, late and out of order: the same set of events always ends in the same
timeline. Entries are dicts as `OrderEvent.entry` makes them.
"""

from collections.abc import Iterable
from typing import Any

from pizza_common.status import HOLDS, NOTICES, UNDOING, Rank, Status, in_round, rank

Entry = dict[str, Any]


def merge(entries: Iterable[Entry], new: Entry) -> list[Entry]:
    """The timeline with one more entry; of two with the same status and round, the earlier."""
    known = {name_of(entry): entry for entry in entries}
    name = name_of(new)
    known[name] = min(known.get(name, new), new, key=_age)
    rounds = [attempt for status, attempt, _ in known if in_round(Status(status))]
    last_round = max(rounds, default=1)
    ranked = [entry for entry in known.values() if entry["status"] not in HOLDS]
    holds = [entry for entry in known.values() if entry["status"] in HOLDS]
    timeline = sorted(ranked, key=lambda entry: _rank(entry, last_round))
    for hold in sorted(holds, key=lambda entry: (entry["at"], name_of(entry))):
        timeline.insert(_place_by_time(timeline, hold), hold)
    return timeline


def status_of(entries: list[Entry]) -> Status:
    """The status of the highest rank; notices do not count.

    Nor does what is undone of an order that was delivered, unless its delivery was recalled.
    """
    told = [Status(entry["status"]) for entry in entries]
    arrived = Status.DELIVERED in told and Status.DELIVERY_RECALLED not in told
    silent = NOTICES | UNDOING if arrived else NOTICES
    return next((status for status in reversed(told) if status not in silent), Status.RECEIVED)


def is_paused(entries: Iterable[Entry]) -> bool:
    """Whether the later of the two notices says so; each may be told many times."""
    told = [(entry["at"], entry["status"]) for entry in entries if entry["status"] in HOLDS]
    return bool(told) and max(told)[1] == Status.PAUSED


def name_of(entry: Entry) -> tuple[str, int, int]:
    """What an entry tells, whenever it was told: status, round, and which time in it."""
    return entry["status"], entry.get("attempt", 1), entry.get("repeat", 1)


def _age(entry: Entry) -> tuple[str, ...]:
    return entry["at"], entry["service"], entry.get("detail", ""), entry.get("by", "")


def _place_by_time(timeline: list[Entry], entry: Entry) -> int:
    """Behind the last one that is not younger."""
    places = range(len(timeline), 0, -1)
    return next((place for place in places if timeline[place - 1]["at"] <= entry["at"]), 0)


def _rank(entry: Entry, last_round: int) -> Rank:
    """A pizza discarded for a remake ends its round; discarded at last, it is part of the undo."""
    status, attempt, repeat = name_of(entry)
    if status == Status.PIZZA_DISCARDED and attempt < last_round:
        return (1, attempt, len(Status), repeat)
    return rank(Status(status), attempt, repeat)
