"""What the pages say for an entry of a timeline: what happened, by whom, and more of it."""

import re
from collections.abc import Sequence
from typing import Any, get_args

from markupsafe import Markup, escape

from display import moment, money
from pizza_common.principal import Role
from pizza_common.status import Status
from status_words import PHRASES, phrase

Json = dict[str, Any]

_CENTS_OR_TIME = re.compile(r"\b(\d+) cents\b|\b(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z)")

_PLAIN = (
    (re.compile(r"Pizza validation failed\b.*"), "The manager did not approve it"),
    (re.compile(r"No manager validated the pizza within .*"), PHRASES[Status.ESCALATED]),
    (re.compile(r"pizza-kitchen: (The kitchen has not enough .*)"), r"\1"),
)
"""Why the workflow or a service calls an order off, in the words of the pages."""

_CALLED_OFF_BY_A_PERSON = "cancelled"
"""The detail of an order that was cancelled without a reason."""


def happened(entry: Json) -> str:
    """What it tells. An order that somebody cancelled is so also if not all could be undone."""
    return PHRASES[Status.CANCELLED] if _is_cancelled(entry) else phrase(entry["status"])


def doer(entry: Json) -> str:
    """`by Maria`, `by the manager`; "" where nobody in particular did it."""
    name: str = entry.get("by") or ""
    if name.startswith("pizza-"):
        return "by the shop"
    article = "the " if name in get_args(Role) else ""
    return f"by {article}{name}" if name else ""


def said(entry: Json) -> Markup:
    """The detail, with its amounts and times as pages show them; "" where it repeats the rest."""
    detail, _ = _plain(entry)
    if detail in (entry.get("by"), entry["status"], happened(entry), _CALLED_OFF_BY_A_PERSON):
        return Markup()
    parts, end = [], 0
    for found in _CENTS_OR_TIME.finditer(detail):
        parts.append(escape(detail[end : found.start()]))
        parts.append(escape(money(int(found[1]))) if found[1] else moment(found[2], "day-time"))
        end = found.end()
    return Markup("").join([*parts, escape(detail[end:])])


def said_to_customers(entry: Json) -> Markup:
    """The same without what is the shop's own affair: its steps, services and their errors."""
    _, is_plain = _plain(entry)
    is_error = entry["status"] == Status.FAILED and not (is_plain or _is_cancelled(entry))
    is_inside = entry["status"] == Status.NEEDS_ATTENTION or is_error
    return Markup() if is_inside else said(entry)


def without_turning_back(timeline: Sequence[Json]) -> list[Json]:
    """Entries in the order book's order; one that is younger than what follows shows no time.

    It was told late, as the end of what went on at the same time, or what was undone at last.
    """
    shown: list[Json] = []
    earliest = max((entry["at"] for entry in timeline), default="")
    for entry in reversed(timeline):
        earliest = min(earliest, entry["at"])
        shown.append({**entry, "shown_at": entry["at"] if entry["at"] == earliest else None})
    return shown[::-1]


def _is_cancelled(entry: Json) -> bool:
    """Of those that failed, only who was cancelled by somebody has a `by`."""
    by_somebody = entry.get("by") or entry.get("detail") == _CALLED_OFF_BY_A_PERSON
    return entry["status"] == Status.FAILED and bool(by_somebody)


def _plain(entry: Json) -> tuple[str, bool]:
    """The detail without the name that stands before it, and whether it is a known reason."""
    detail: str = entry.get("detail") or ""
    for reason, plain in _PLAIN:
        if reason.fullmatch(detail):
            return reason.sub(plain, detail), True
    return detail.removeprefix(f"{entry.get('by')}: "), False
