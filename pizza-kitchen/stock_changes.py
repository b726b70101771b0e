"""The last purchases and corrections of the stock: who changed what, when and why.

Kept as `{"changes": [...]}`, oldest first, at most KEPT; written together with the levels.
"""

from typing import Any

from pizza_common.event import moment
from pizza_common.ledger import Beside
from stock import Levels, Restock

KEY = "stock_changes"
KEPT = 100

Changes = dict[str, Any]


def noting(ingredient: str, delivery: Restock, key: str | None, by: str) -> Beside:
    """Notes a delivery beside the change that it makes."""

    def note(before: Levels, after: Levels, known: Changes | None) -> Changes:
        left, had = after[ingredient]["available"], before[ingredient]["available"]
        entry = {
            "at": moment(),
            "by": by,
            "ingredient": ingredient,
            "action": "bought" if delivery.available is None else "corrected",
            "units": left - had,
            "available": left,
            "reason": delivery.reason,
            "idempotency_key": key,
        }
        return {"changes": [*(known or {"changes": []})["changes"], entry][-KEPT:]}

    return Beside(KEY, note)


def latest_first(known: Changes | None) -> list[dict[str, Any]]:
    """The entries as they are shown."""
    return list(reversed(known["changes"])) if known else []
