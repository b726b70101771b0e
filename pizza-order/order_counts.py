"""How many orders stand where, and what became of those of the last hours.

Counted are the newest orders and the unfinished ones, so the work does not grow with the number of
orders; the answer says how far it looked.
"""

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from order_document import Document, is_over, summary
from order_lists import OrderLists
from order_search import EVERY_ORDER
from pizza_common.event import moment
from pizza_common.status import Status
from pizza_common.timeline import status_of

HOUR = timedelta(hours=1)

_OPEN = 1000  # unfinished orders that are looked at, at most
_FRESH_SECONDS = 2.0

Counts = dict[str, Any]


class OrderCounts:
    """Counts anew when the last count is older than a moment, whoever asks and how often."""

    def __init__(self, lists: OrderLists) -> None:
        self._lists = lists
        self._lock = threading.Lock()
        self._known: tuple[float, Counts] | None = None

    def counts(self) -> Counts:
        """By status, and by the hour in which orders were placed. Raises Unavailable."""
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > _FRESH_SECONDS:
                self._known = (time.monotonic(), self._count(datetime.now(UTC)))
            return self._known[1]

    def _count(self, now: datetime) -> Counts:
        newest, whole = self._lists.newest()
        unfinished = list(islice(self._lists.open_documents(EVERY_ORDER), _OPEN))
        orders = {known["order"]["order_id"]: known for known in [*unfinished, *newest]}
        since = None if whole else min((known["since"] for known in newest), default=None)
        return {
            "counted_at": moment(now),
            "orders": len(orders),
            "whole": whole,
            "complete_since": since,
            "unfinished": sum(not is_over(known) for known in orders.values()),
            "unfinished_whole": len(unfinished) < _OPEN,
            "needs_attention": sum("needs_attention" in summary(k) for k in orders.values()),
            "by_status": by_status(orders.values()),
            "hours": by_hour(newest, since, now),
        }


def by_status(orders: Iterable[Document]) -> dict[str, int]:
    """How many orders stand where, in the order of the statuses; those with none are left out."""
    found = Counter(status_of(known["timeline"]) for known in orders)
    return {status.value: found[status] for status in Status if found[status]}


def by_hour(
    orders: Collection[Document], since: str | None, now: datetime, hours: int = 12
) -> list[dict[str, Any]]:
    """The last hours, the oldest first; orders from before `since` were not looked at."""
    this = now.replace(minute=0, second=0, microsecond=0)
    begins = [moment(this - HOUR * ago) for ago in reversed(range(hours))]
    placed: dict[str, Counter[str]] = {begin: Counter() for begin in begins}
    for known in orders:
        hour = placed.get(known["since"][:13] + ":00:00.000Z")
        if hour is not None:
            hour[_ending(known)] += 1
    return [
        {"from": begin, "placed": found.total(), **_endings(found)}
        | {"complete": since is None or since <= begin}
        for begin, found in placed.items()
    ]


def _endings(found: Counter[str]) -> dict[str, int]:
    return {name: found[name] for name in ("delivered", "stopped", "unfinished")}


def _ending(known: Document) -> str:
    if not is_over(known):
        return "unfinished"
    return "delivered" if status_of(known["timeline"]) == Status.DELIVERED else "stopped"
