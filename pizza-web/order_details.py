"""All that the services know of one order, as far as they answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from display import money
from parallel import Answer, Question, answers
from pizza_common.errors import NotFound, PizzaError
from shop import shop

FINAL = frozenset({"COMPLETED", "FAILED", "TERMINATED"})

_NOT_ASKED = Answer()


@dataclass(frozen=True)
class OrderDetails:
    """An order as each service sees it; None for what is not there or could not be asked."""

    order_id: str
    book: Answer
    workflow: Answer = _NOT_ASKED
    history: Answer = _NOT_ASKED
    payment: Answer = _NOT_ASKED
    reservation: Answer = _NOT_ASKED
    drivers: Answer = _NOT_ASKED

    @property
    def runtime_status(self) -> str | None:
        """The engine's status of the workflow."""
        return None if self.workflow.said is None else str(self.workflow.said["runtime_status"])

    @property
    def is_final(self) -> bool:
        """Whether no workflow works on it, and that is known."""
        return self.workflow.is_unknown or self.runtime_status in FINAL

    @property
    def driver(self) -> str | None:
        """Who is on the road with it."""
        roster = (self.drivers.said or {}).get("drivers", ())
        return next((d["driver"] for d in roster if d["order_id"] == self.order_id), None)

    @property
    def brought_by(self) -> str | None:
        """Who delivered it."""
        result = (self.workflow.said or {}).get("result") or {}
        driver: str | None = (result.get("delivery_result") or {}).get("driver")
        return driver

    @property
    def held_cents(self) -> int:
        """Money that is set aside or taken and was not given back."""
        payment = self.payment.said or {}
        if payment.get("status") == "authorized":
            return int(payment["authorized_cents"])
        return int(payment.get("captured_cents", 0)) - int(payment.get("refunded_cents", 0))

    @property
    def money(self) -> str:
        """The same as a sentence has it; "" when there is none."""
        if not self.held_cents:
            return ""
        done = "taken" if (self.payment.said or {}).get("status") == "captured" else "set aside"
        return f"{money(self.held_cents)} that is {done}"

    @property
    def ingredients(self) -> str:
        """What is reserved still, as a sentence has it; "" when nothing is."""
        held = (self.reservation.said or {}).get("ingredients", {})
        return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in held.items())


def details_of(order_id: str, *, with_history: bool = True) -> OrderDetails:
    """Ask all at the same time. Raises NotFound for an order that nobody knows."""
    paths = {
        "workflow": ("pizza-workflow", f"/get-status/{order_id}"),
        "payment": ("pizza-storefront", f"/payments/{order_id}"),
        "reservation": ("pizza-kitchen", f"/stock/reservations/{order_id}"),
        "drivers": ("pizza-delivery", "/drivers"),
    }
    if with_history:
        paths["history"] = ("pizza-workflow", f"/history/{order_id}")
    questions: dict[str, Question] = {"book": partial(shop().order, order_id)}
    questions |= {name: partial(shop().get, *path) for name, path in paths.items()}
    found = answers(questions)
    if found["book"].is_unknown and found["workflow"].is_unknown:
        raise NotFound(f"There is no order {order_id}.")
    return OrderDetails(order_id, **found)


def errors_of(details: OrderDetails) -> list[PizzaError]:
    """Why something of it is not known, but for what is not there."""
    found = (
        details.book,
        details.workflow,
        details.history,
        details.payment,
        details.reservation,
        details.drivers,
    )
    return [each.error for each in found if each.error is not None and not each.is_unknown]
