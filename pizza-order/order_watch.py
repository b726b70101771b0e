"""What is told of an order's states when they are new: a line in the log, and counters.

Told after the document that holds them was written, by the replica that wrote it. So what is
delivered twice is told once; a crash between the two leaves it untold.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import structlog

from pizza_common.metrics import Metrics
from pizza_common.status import Status
from pizza_common.timeline import Entry, name_of, status_of

Document = dict[str, Any]

NOWHERE = "none"
DELETED = "deleted"

log = structlog.get_logger()


class Change(NamedTuple):
    """A state that an order reached, and the one that stands before it in the timeline.

    `late` says that later ones were known already.
    """

    entry: Entry
    previous: str | None
    late: bool


class OrderWatch:
    """Tells of every document that was written."""

    def __init__(self, metrics: Metrics) -> None:
        self._states = metrics.counter(
            "pizza_order_states_total",
            "States that orders reached, each once for an order and round, notices included; "
            "one that is delivered again is not counted, one that a crash cut off may be missing.",
            "status",
        )
        self._entered = metrics.counter(
            "pizza_order_entered_total",
            "Orders that came to stand in a state, each time they did; `deleted` is one, too. "
            "Those that entered it less those that left it are in it.",
            "status",
        )
        self._left = metrics.counter(
            "pizza_order_left_total",
            "Orders that went on from a state; from `none` goes an order of which the book hears "
            "for the first time, and from `deleted` one that has the id of a deleted one.",
            "status",
        )
        # At zero from the beginning: Prometheus sees no increase where there was no number.
        for status in Status:
            for counter in (self._states, self._entered, self._left):
                counter.labels(status.value)
        self._entered.labels(DELETED)
        self._left.labels(NOWHERE)
        self._left.labels(DELETED)

    def saw(self, order_id: str, before: Document | None, after: Document) -> None:
        """Tell what is new in a document that was written; what is logged is counted by then."""
        stood, stands = _standing(before), _standing(after)
        if stood != stands:
            self._left.labels(stood).inc()
            self._entered.labels(stands).inc()
        for change in changes(before, after):
            entry = change.entry
            self._states.labels(entry["status"]).inc()
            more = {name: entry[name] for name in ("attempt", "repeat") if name in entry}
            log.info(
                "order state",
                order_id=order_id,
                status=entry["status"],
                previous=change.previous,
                late=change.late,
                **more,
            )


def changes(before: Document | None, after: Document) -> Iterator[Change]:
    """What the later document has that the earlier one has not."""
    if before is not None and "deleted" in before:
        before = None
    if before is None and "timeline" in after and not after["timeline"]:
        yield Change({"status": Status.RECEIVED.value}, None, late=False)
    known = {name_of(entry) for entry in (before or {}).get("timeline", ())}
    registered = before is not None and not known
    previous = Status.RECEIVED.value if registered else None
    timeline = after.get("timeline", ())
    for number, entry in enumerate(timeline, 1):
        if name_of(entry) not in known:
            yield Change(entry, previous, late=number < len(timeline))
        previous = entry["status"]


def _standing(known: Document | None) -> str:
    if known is None:
        return NOWHERE
    return DELETED if "deleted" in known else status_of(known["timeline"]).value
