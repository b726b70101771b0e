"""The last decisions of managers, so that nobody looks through all orders for them.

`orders_decisions` is `{"decisions": [...]}` in the order in which they were heard of, at most KEPT;
one for an order and round, whose entry in the order's timeline was written before it.
"""

from collections.abc import Callable
from typing import Any

from pizza_common.event import OrderEvent
from pizza_common.locks import KeyLocks
from pizza_common.sidecar import Sidecar
from pizza_common.status import Status
from pizza_common.timeline import Entry, name_of
from pizza_common.writing import until_written

KEPT = 100
TOLD = frozenset({Status.VALIDATED, Status.REJECTED, Status.REMAKING})
"""What tells of a decision; that a rejected pizza is remade is told after it."""

_KEY = "orders_decisions"

Decision = dict[str, Any]
Decisions = list[Decision]


class DecisionLog:
    """Every method raises Unavailable and may be called again."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._locks = KeyLocks()

    def latest(self, limit: int) -> Decisions:
        """The decisions, the latest first."""
        return sorted(self._read()[0], key=lambda each: each["at"], reverse=True)[:limit]

    def note(self, event: OrderEvent, timeline: list[Entry]) -> None:
        """Take in what an event tells of a decision; told again, it changes nothing.

        The order's timeline has the event, and what came before its turn.
        """
        if event.status is Status.REMAKING:
            self._change(lambda decisions: _remade(decisions, event))
        else:
            self._change(lambda decisions: _decided(decisions, event, timeline))

    def forget(self, order_id: str) -> None:
        """Drop the decisions on an order."""
        self._change(lambda found: [each for each in found if each["order_id"] != order_id])

    def _change(self, change: Callable[[Decisions], Decisions]) -> None:
        with self._locks.held(_KEY):
            until_written(lambda: self._change_once(change))

    def _change_once(self, change: Callable[[Decisions], Decisions]) -> None:
        decisions, etag = self._read()
        changed = change(decisions)
        if changed != decisions:
            self._sidecar.save_state(_KEY, {"decisions": changed[-KEPT:]}, etag)

    def _read(self) -> tuple[Decisions, str]:
        value, etag = self._sidecar.get_state(_KEY)
        return (list(value["decisions"]) if value else []), etag


def _decided(decisions: Decisions, event: OrderEvent, timeline: list[Entry]) -> Decisions:
    if any(_is_of(each, event) for each in decisions):
        return decisions
    by, reason = _by_and_reason(event)
    decision = {
        "order_id": event.order_id,
        "round": event.attempt,
        "approved": event.status is Status.VALIDATED,
        "by": by,
        "reason": reason,
        "at": event.at,
    }
    told = (Status.REMAKING.value, event.attempt)
    remade = any(name_of(entry)[:2] == told for entry in timeline)
    return [*decisions, decision | ({"remake": True} if remade else {})]


def _remade(decisions: Decisions, event: OrderEvent) -> Decisions:
    return [{**each, "remake": True} if _is_of(each, event) else each for each in decisions]


def _is_of(decision: Decision, event: OrderEvent) -> bool:
    return (decision["order_id"], decision["round"]) == (event.order_id, event.attempt)


def _by_and_reason(event: OrderEvent) -> tuple[str, str | None]:
    """The event's detail is who said why, as far as it is known."""
    by, detail = event.by or "", event.detail or ""
    return by, detail.removeprefix(by).removeprefix(": " if by else "") or None
