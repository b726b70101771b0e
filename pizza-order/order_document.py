"""The document of an order in the state store, and what follows from it. Pure functions.

A document is `{"order", "timeline", "page", "since", "after"?}`. Of an order that was forgotten a
mark is left, `{"deleted": true, "at"}`, which expires: what was said until then is about that order
and does not bring it back; what is said later is about a new order of the same id, whose document
keeps that time as `after`.
"""

from typing import Any, TypeGuard

from attention import attention_of, told_to_people
from order_index import Place
from pizza_common.errors import Conflict
from pizza_common.event import moment
from pizza_common.order import Order
from pizza_common.status import FINAL, NOTICES, Status, stuck_at
from pizza_common.timeline import Entry, status_of

Document = dict[str, Any]


def is_there(known: Document | None) -> TypeGuard[Document]:
    """Whether there is an order, and no mark of one that was forgotten."""
    return known is not None and "deleted" not in known


def end_of_the_last(known: Document | None, otherwise: str) -> str:
    """Until when what was said is about an order of this id that was forgotten; "" if none was."""
    if known is None:
        return ""
    end: str = known.get("at", otherwise) if "deleted" in known else known.get("after", "")
    return end


def anew(order: Order, timeline: list[Entry], after: str) -> Document:
    """The document of an order of which nothing is known yet."""
    return {"order": order.sent(), "timeline": timeline, **({"after": after} if after else {})}


def registered(known: Document | None, order: Order) -> Document | None:
    """The document once the order is entered; None when it was. Raises Conflict."""
    if not is_there(known):
        return anew(order, [], end_of_the_last(known, moment()))
    if not order.same_content(Order.model_validate(known["order"])):
        raise Conflict(f"order {order.id} is already there with other content")
    return None


def summary(known: Document) -> dict[str, Any]:
    """The order, where it stands, and what a person has to see to, if anything."""
    status = status_of(known["timeline"])
    told = attention_of(known["timeline"])
    attention = {"needs_attention": told} if told else {}
    return {**known["order"], "status": status.value, **attention}


def listed(known: Document) -> dict[str, Any]:
    """What a list shows of an order: its summary, since when it is there, and when it got on."""
    rounds = (entry.get("attempt", 1) for entry in known["timeline"])
    times = {"placed_at": known["since"], "updated_at": last_said(known)}
    return {**summary(known), **times, "attempt": max(rounds, default=1)}


def is_over(known: Document) -> bool:
    """Whether nothing more is expected of it."""
    return "deleted" in known or status_of(known["timeline"]) in FINAL


def last_said(known: Document) -> str:
    """When the order last got on. A notice is said about it, also by those who found it stuck."""
    said: list[str] = [
        entry["at"] for entry in known["timeline"] if Status(entry["status"]) not in NOTICES
    ]
    return max(said, default=known["since"])


def announced_and_last_said(known: Document) -> tuple[bool, str]:
    """For sorting: those first that were not announced as stuck where they are."""
    timeline = known["timeline"]
    return stuck_at(status_of(timeline)) in told_to_people(timeline), last_said(known)


def is_at(known: Document, place: Place) -> bool:
    """Whether this entry of the list is the order's own."""
    return "deleted" not in known and bool(known["page"] == place[0])


def key_of(order_id: str) -> str:
    """Where the document is kept."""
    return f"order_{order_id}"
