"""Every status of an order, in order, and the stages that take time.

An order passes through phases: it is taken and paid for, cooked and checked (again at a remake,
which is another round), delivered. Undoing and ending rank above all of these. A later rank wins,
whenever its event arrives. Notices are told beside: they do not change where an order stands.
"""

from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """What is said about an order on topic `orders` and by pizza-order."""

    RECEIVED = "received"
    SCHEDULED = "scheduled"
    VALIDATING = "validating"
    PROCESSING = "processing"
    CONFIRMED = "confirmed"
    PAYMENT_AUTHORIZED = "payment_authorized"
    STOCK_RESERVED = "stock_reserved"
    ORDER_CONFIRMED = "order_confirmed"
    COOKING_PREPARING_INGREDIENTS = "cooking_preparing_ingredients"
    COOKING_MAKING_DOUGH = "cooking_making_dough"
    COOKING_ADDING_TOPPINGS = "cooking_adding_toppings"
    COOKING_BAKING = "cooking_baking"
    COOKING_QUALITY_CHECK = "cooking_quality_check"
    COOKED = "cooked"
    WAITING_FOR_VALIDATION = "waiting_for_validation"
    VALIDATION_REMINDER = "validation_reminder"
    ESCALATED = "escalated"
    VALIDATED = "validated"
    REJECTED = "rejected"
    REMAKING = "remaking"
    WAITING_FOR_DRIVER = "waiting_for_driver"
    DELIVERY_FINDING_DRIVER = "delivery_finding_driver"
    DELIVERY_DRIVER_ASSIGNED = "delivery_driver_assigned"
    DELIVERY_PICKED_UP = "delivery_picked_up"
    DELIVERY_ON_THE_WAY = "delivery_on_the_way"
    DELIVERY_ARRIVING = "delivery_arriving"
    DELIVERY_AT_LOCATION = "delivery_at_location"
    DELIVERED = "delivered"
    PAYMENT_CAPTURED = "payment_captured"
    DELIVERY_RECALLED = "delivery_recalled"
    PIZZA_DISCARDED = "pizza_discarded"
    STOCK_RELEASED = "stock_released"
    PAYMENT_VOIDED = "payment_voided"
    PAYMENT_REFUNDED = "payment_refunded"
    ORDER_CANCELLED = "order_cancelled"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"
    FAILED = "failed"
    TERMINATED = "terminated"
    PAUSED = "paused"
    RESUMED = "resumed"


class Stage(NamedTuple):
    """A status that lasts; the seconds are those of time scale 1."""

    status: Status
    seconds: float


STOREFRONT_STAGES = (
    Stage(Status.VALIDATING, 1),
    Stage(Status.PROCESSING, 2),
    Stage(Status.CONFIRMED, 1),
)
KITCHEN_STAGES = (
    Stage(Status.COOKING_PREPARING_INGREDIENTS, 2),
    Stage(Status.COOKING_MAKING_DOUGH, 3),
    Stage(Status.COOKING_ADDING_TOPPINGS, 2),
    Stage(Status.COOKING_BAKING, 5),
    Stage(Status.COOKING_QUALITY_CHECK, 1),
)
DELIVERY_STAGES = (
    Stage(Status.DELIVERY_FINDING_DRIVER, 2),
    Stage(Status.DELIVERY_DRIVER_ASSIGNED, 1),
    Stage(Status.DELIVERY_PICKED_UP, 2),
    Stage(Status.DELIVERY_ON_THE_WAY, 5),
    Stage(Status.DELIVERY_ARRIVING, 2),
    Stage(Status.DELIVERY_AT_LOCATION, 1),
)

MONEY_MOVED = frozenset({Status.PAYMENT_CAPTURED, Status.PAYMENT_VOIDED, Status.PAYMENT_REFUNDED})
"""Where the money went, which an operator may send back while and after all else goes on."""

HOLDS = frozenset({Status.PAUSED, Status.RESUMED})
"""Told at any time; they stand in the timeline where their time puts them."""

NOTICES = MONEY_MOVED | HOLDS | {Status.VALIDATION_REMINDER, Status.NEEDS_ATTENTION}
"""Told about an order, each as often as needed, while it stands where it stood."""

UNDOING = frozenset({Status.PIZZA_DISCARDED, Status.STOCK_RELEASED, Status.ORDER_CANCELLED})
"""What undoes an order, unless it was delivered: then only with the delivery recalled."""

FINAL = frozenset({Status.DELIVERED, Status.CANCELLED, Status.FAILED, Status.TERMINATED})
"""Nothing more is expected of the order."""

PATIENCE_SECONDS = 60.0
"""What an order may stay in a status beyond the seconds of its stage before it counts as stuck."""

PIZZAS_AT_ONCE = 20
"""Pizzas of an order that are cooked at a time, so that others have room beside them."""

# These begin or end when people or the order's workflow say so, or when its turn has come.
_UNHURRIED = frozenset(
    {
        Status.RECEIVED,
        Status.SCHEDULED,
        Status.WAITING_FOR_VALIDATION,
        Status.WAITING_FOR_DRIVER,
    }
)

_STAGE_SECONDS: dict[Status, float] = dict(STOREFRONT_STAGES + KITCHEN_STAGES + DELIVERY_STAGES)
_ORDER = list(Status)
_ROUND = range(
    _ORDER.index(Status.COOKING_PREPARING_INGREDIENTS), _ORDER.index(Status.REMAKING) + 1
)

Rank = tuple[int, int, int, int]


def allowed_seconds(status: Status, time_scale: float, pizzas: int = 1) -> float | None:
    """How long an order may stay in a status; None when only its workflow can tell.

    A stage of the kitchen is said when the first pizza comes to it, and waits for all others.
    """
    if status in FINAL | _UNHURRIED:
        return None
    seconds = _STAGE_SECONDS.get(status, 0)
    if status in dict(KITCHEN_STAGES):
        seconds += (pizzas - 1) // PIZZAS_AT_ONCE * sum(stage.seconds for stage in KITCHEN_STAGES)
    return PATIENCE_SECONDS + time_scale * seconds


def stuck_at(status: Status) -> str:
    """What a notice says of an order that stays in a status for too long."""
    return f"stuck at {status.value}"


def in_round(status: Status) -> bool:
    """Whether a remake passes through this status again."""
    return _ORDER.index(status) in _ROUND


def rank(status: Status, attempt: int = 1, repeat: int = 1) -> Rank:
    """Where a status stands: before, in or after the rounds; in them, first by round."""
    place = _ORDER.index(status)
    if place in _ROUND:
        return (1, attempt, place, repeat)
    return (0 if place < _ROUND.start else 2, place, attempt, repeat)
