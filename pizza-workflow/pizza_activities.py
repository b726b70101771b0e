"""The steps of the story: one function each, one effect each, safe to run twice.

Their inputs and answers are the models of `steps.py`. The peers know a step by order id and
attempt and answer a repeat as the first time. Each raises PeerRefused (final) or an Unavailable
(tried again by the workflow). Their undos are in `undo_activities.py`.
"""

from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import BaseModel

from pizza_common.errors import Conflict
from pizza_common.event import OrderEvent
from pizza_common.faults import Faults
from pizza_common.order import Order
from pizza_common.sidecar import Sidecar
from pizza_common.status import (
    DELIVERY_STAGES,
    KITCHEN_STAGES,
    STOREFRONT_STAGES,
    Stage,
    Status,
)
from pizza_common.writing import until_written
from start_record import StartRecords
from steps import (
    Announcement,
    Bill,
    Claim,
    CookedPizza,
    Decision,
    Delivery,
    Gift,
    NonRetryableError,
    OnePizza,
    Payment,
    Promise,
    Reservation,
    Step,
    StepInput,
    Taken,
    Told,
    Undoing,
)
from validation_slip import ValidationSlips

STOREFRONT = "pizza-storefront"
KITCHEN = "pizza-kitchen"
DELIVERY = "pizza-delivery"
LOYALTY = "pizza-loyalty"

GRACE_SECONDS = 30.0
"""What a peer may take beyond the seconds of its stages."""

POLITE_SECONDS = 3.0
"""What a peer may take that the order can do without."""

NOT_OPEN = "the round is not open"
MAY_REPEAT = "an earlier round was decided just so; to decide this one like it, name its round"

Json = dict[str, Any]

log = structlog.get_logger()


@dataclass
class Shop:
    """What the steps work with: the sidecar, and the factor on the peers' stage seconds.

    `faults` are what an operator armed, where that is allowed at all.
    """

    sidecar: Sidecar
    time_scale: float = 1.0
    faults: Faults | None = None

    def do(self, step: Step, given: BaseModel) -> Any:
        """The step's answer. Raises what it raises, or InjectedFault before or after it."""
        if self.faults is None:
            return step(self, given)
        self.faults.strike(step.__name__)
        answer = step(self, given)
        self.faults.strike(step.__name__, after=True)
        return answer


def claim_order(shop: Shop, given: Claim) -> None:
    """Note which workflow the order belongs to. Raises NonRetryableError when it has another."""
    try:
        StartRecords(shop.sidecar).claim_for(given.order, given.instance)
    except Conflict as taken:
        raise NonRetryableError(str(taken)) from taken


def order_pizza(shop: Shop, given: StepInput) -> Taken:
    """The storefront takes the order."""
    timeout = stage_seconds(shop, STOREFRONT_STAGES)
    answer = shop.sidecar.invoke(STOREFRONT, "order", given.order.sent(), timeout=timeout)
    return Taken.model_validate(answer)


def ask_loyalty(shop: Shop, given: StepInput) -> Gift:
    """What the customer need not pay: their cheapest pizza, if this order has their gift.

    It is claimed for this order, so that no other one has it, too.
    """
    path = f"loyalty/{given.order.customer.key}/gifts"
    claim = shop.sidecar.invoke(LOYALTY, path, {"order_id": given.order.id}, timeout=POLITE_SECONDS)
    if claim.get("free") is not True:
        return Gift()
    menu = shop.sidecar.invoke(STOREFRONT, "menu", timeout=POLITE_SECONDS, method="GET")
    return Gift(free_cents=_cheapest_cents(given.order, menu))


def authorize_payment(shop: Shop, given: Bill) -> Payment:
    """The customer's money is set aside."""
    body = given.order.sent() | ({"free_cents": given.free_cents} if given.free_cents else {})
    return Payment.model_validate(_post(shop, STOREFRONT, "payments", body))


def reserve_stock(shop: Shop, given: StepInput) -> Reservation:
    """The ingredients are set aside."""
    answer = _post(shop, KITCHEN, "stock/reservations", given.order.sent())
    return Reservation.model_validate(answer)


def confirm_order(shop: Shop, given: Promise) -> None:
    """The customer is told the price and the time."""
    body = given.model_dump(mode="json")
    _post(shop, STOREFRONT, f"orders/{given.order.id}/confirm", body)


def cook_one_pizza(shop: Shop, given: OnePizza) -> CookedPizza:
    """The kitchen cooks one pizza of the order."""
    body = {"order": given.order.sent(), "pizza": given.pizza, "attempt": given.attempt}
    path = f"cook/{given.order.id}/pizzas/{given.pizza}"
    timeout = stage_seconds(shop, KITCHEN_STAGES)
    return CookedPizza.model_validate(shop.sidecar.invoke(KITCHEN, path, body, timeout=timeout))


def open_validation(shop: Shop, given: Undoing) -> None:
    """From now on a manager may decide about this attempt, even while the workflow is paused."""
    ValidationSlips(shop.sidecar).open(given.order.id, given.attempt)


def validate_pizza(shop: Shop, given: Undoing) -> None:
    """Ask for a manager, by marking the order as waiting."""
    _publish(shop, given.order, Status.WAITING_FOR_VALIDATION, attempt=given.attempt)


def settle_decision(shop: Shop, given: Told) -> Decision | None:
    """Write what the workflow was told on the slip; what is obeyed is what stands there first.

    None when it may repeat what was said of an earlier round, or the round is not open any more.
    """
    slips, said, named = ValidationSlips(shop.sidecar), given.decision.said(), given.decision.round
    written = until_written(
        lambda: slips.settle(given.order.id, given.attempt, said, named is not None)
    )
    if written is None:
        slip, _ = slips.read(given.order.id)
        is_open = slip is not None and slip.round == given.attempt and slip.decision is None
        reason = MAY_REPEAT if is_open else NOT_OPEN
        log.warning("decision passed over", round=given.attempt, reason=reason)
        return None
    settled = Decision.model_validate(written)
    if settled.said() != said:
        log.warning("decision passed over", round=given.attempt, reason="another was first")
    return settled


def close_validation(shop: Shop, given: Undoing) -> Decision | None:
    """End the round undecided; a decision that was accepted before is given instead."""
    written = ValidationSlips(shop.sidecar).close(given.order.id, given.attempt)
    return Decision.model_validate(written) if written else None


def deliver_pizza(shop: Shop, given: StepInput) -> Delivery:
    """A driver brings it to the customer."""
    timeout = stage_seconds(shop, DELIVERY_STAGES)
    answer = shop.sidecar.invoke(DELIVERY, "deliver", given.order.sent(), timeout=timeout)
    return Delivery.model_validate(answer)


def capture_payment(shop: Shop, given: StepInput) -> None:
    """The money that was set aside is taken."""
    _post(shop, STOREFRONT, f"payments/{given.order.id}/capture", {"order_id": given.order.id})


def announce(shop: Shop, given: Announcement) -> None:
    """Publish a status to the order book."""
    _publish(
        shop,
        given.order,
        given.status,
        attempt=given.attempt,
        repeat=given.repeat,
        detail=given.detail[:500] if given.detail else None,
        by=given.by[:100] if given.by else None,
    )


STEPS = (
    claim_order,
    order_pizza,
    ask_loyalty,
    authorize_payment,
    reserve_stock,
    confirm_order,
    cook_one_pizza,
    open_validation,
    validate_pizza,
    settle_decision,
    close_validation,
    deliver_pizza,
    capture_payment,
    announce,
)


def stage_seconds(shop: Shop, stages: tuple[Stage, ...]) -> float:
    """How long a peer may take for its stages."""
    return GRACE_SECONDS + shop.time_scale * sum(stage.seconds for stage in stages)


def _publish(shop: Shop, order: Order, status: Status, **more: Any) -> None:
    shop.sidecar.publish(OrderEvent.announce(order, status, "pizza-workflow", **more))


def _post(shop: Shop, app_id: str, path: str, body: Json) -> Json:
    return shop.sidecar.invoke(app_id, path, body, timeout=GRACE_SECONDS)


def _cheapest_cents(order: Order, menu: Json) -> int:
    prices = {each["pizza_type"]: each["prices"] for each in menu["pizzas"]}
    return min(prices[pizza.pizza_type][pizza.size] for pizza in order.all_items())
