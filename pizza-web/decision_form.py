"""The form by which a manager decides, as it was filled in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pizza_common.errors import PeerRefused
from plain_words import plain

APPROVE, REJECT, REMAKE = "approve", "reject", "remake"

_DONE = {
    APPROVE: "approved",
    REJECT: "rejected",
    REMAKE: "rejected, and is made again",
}


@dataclass(frozen=True)
class DecisionForm:
    """About one round of an order, so that it never meets a pizza that it was not made for."""

    order_id: str = ""
    round: str = ""
    verdict: str = ""
    reason: str = ""

    @classmethod
    def sent(cls, form: Mapping[str, str]) -> Self:
        """What a browser sent."""
        return cls(**{name: form.get(name, "").strip() for name in cls.__dataclass_fields__})

    def errors(self) -> dict[str, str]:
        """What cannot be sent on, by field. Whose pizza is rejected is told why."""
        if self.verdict not in _DONE or not re.fullmatch("[0-9]{1,3}", self.round):
            return {"form": "Choose what to do."}
        if self.verdict != APPROVE and not self.reason:
            return {"reason": "Say what is wrong with it."}
        return {}

    def body(self, approver: str) -> dict[str, Any]:
        """What pizza-workflow is sent."""
        said = {"reason": self.reason, "approver": approver}
        return {
            "order_id": self.order_id,
            "round": int(self.round),
            "approved": self.verdict == APPROVE,
            "remake": self.verdict == REMAKE,
            **{name: value for name, value in said.items() if value},
        }

    def told_by(self, refused: PeerRefused) -> dict[str, str]:
        """What pizza-workflow says about the reason, or about the whole."""
        told = dict(refused.errors)
        if "reason" in told:
            return {"reason": plain(told["reason"])}
        return {"form": refused.said}

    def done(self) -> str:
        """That it counts."""
        return f"Order {self.order_id} is {_DONE[self.verdict]}."
