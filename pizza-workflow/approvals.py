"""Which pizzas wait for a manager, and how long they do.

The order book lists the orders and what was said of them; the slips tell which of them are not
decided; the terms are in the input of each workflow and never change, so that the engine is asked
once for each order that waits.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from messages import Approval, CustomerName
from monitor_activities import ORDER_BOOK
from pizza_common.event import moment
from pizza_common.order import StepOrder
from pizza_common.sidecar import Sidecar
from pizza_common.status import Status
from pizza_common.timeline import is_paused
from ticket import Terms
from validation_slip import ValidationSlips
from workflow_client import WorkflowClient

MANY = 100

_ASK_SECONDS = 10.0
_REMEMBERED = 1000

# A paused order's workflow has not yet said that it waits, and can be decided all the same.
_STATUSES = (Status.COOKED, Status.WAITING_FOR_VALIDATION)
_QUERY = urlencode(
    {
        "oldest": "true",
        "timeline": "true",
        "limit": MANY,
        "status": [status.value for status in _STATUSES],
    },
    doseq=True,
)

Listed = dict[str, Any]
Timeline = list[dict[str, Any]]


class Approvals:
    """Reads only. Every method raises Unavailable."""

    def __init__(self, sidecar: Sidecar, workflows: WorkflowClient) -> None:
        self._sidecar = sidecar
        self._slips = ValidationSlips(sidecar)
        self._workflows = workflows
        # By the time of its placing, too: an id that was forgotten may be another order's.
        self._terms = lru_cache(_REMEMBERED)(self._terms_of)

    def waiting(self) -> tuple[list[Approval], bool]:
        """Those that are cancelled first come first; and whether there may be more."""
        path = f"orders?{_QUERY}"
        answer = self._sidecar.invoke(ORDER_BOOK, path, timeout=_ASK_SECONDS, method="GET")
        orders: list[Listed] = answer["orders"]
        found = sorted(self._approvals(orders), key=_urgency)
        return found, len(orders) == MANY

    def _approvals(self, orders: list[Listed]) -> Iterable[Approval]:
        rounds = self._slips.waiting_among([listed["order_id"] for listed in orders])
        for listed in orders:
            round_ = rounds.get(listed["order_id"])
            if round_ is None:
                continue
            terms = self._terms(listed["order_id"], listed["placed_at"])
            if terms is not None:
                yield _approval(listed, round_, terms)

    def _terms_of(self, order_id: str, _placed_at: str) -> Terms | None:
        """None when no workflow waits for a decision that the front desk could tell it."""
        found = self._workflows.find(order_id)
        ticket = found.ticket if found else None
        return ticket.terms if ticket else None


def _approval(listed: Listed, round_: int, terms: Terms) -> Approval:
    timeline: Timeline = listed["timeline"]
    since = _latest(timeline, round_, *_STATUSES) or listed["updated_at"]
    reminders = [each["at"] for each in _said(timeline, round_, Status.VALIDATION_REMINDER)]
    paused = is_paused(timeline)  # what comes due meanwhile happens when it is resumed
    left = max(0, terms.reminders - len(reminders))
    heard = datetime.fromisoformat(max([since, *reminders]))
    return Approval(
        order_id=listed["order_id"],
        round=round_,
        items=list(StepOrder.model_validate(listed).all_items()),
        customer=CustomerName(name=listed["customer"]["name"]),
        waiting_since=since,
        reminders=len(reminders),
        reminder_at=moment(heard + terms.patience) if left and not paused else None,
        cancelled_at=None if paused else moment(heard + terms.patience * (left + 1)),
        paused=paused,
        remakes_left=max(0, terms.remakes + 1 - round_),
    )


def _said(timeline: Timeline, round_: int, *statuses: Status) -> Timeline:
    entries = (entry for entry in timeline if entry["status"] in statuses)
    return [entry for entry in entries if (entry.get("attempt") or 1) == round_]


def _latest(timeline: Timeline, round_: int, *statuses: Status) -> str | None:
    return max((entry["at"] for entry in _said(timeline, round_, *statuses)), default=None)


def _urgency(approval: Approval) -> tuple[bool, str, str]:
    return approval.paused, approval.cancelled_at or "", approval.waiting_since
