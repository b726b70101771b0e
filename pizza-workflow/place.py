"""Where an order is in its workflow: the values of the custom status, in order."""

from collections.abc import Mapping
from enum import StrEnum

from pizza_common.status import Status


class Place(StrEnum):
    """Coarser than the order book's statuses: one for each step that may be asked about."""

    SCHEDULED = Status.SCHEDULED.value
    TAKING_ORDER = "taking_order"
    PAYING = "paying"
    CONFIRMING = "confirming"
    COOKING = "cooking"
    WAITING_FOR_VALIDATION = Status.WAITING_FOR_VALIDATION.value
    REJECTED = Status.REJECTED.value
    VALIDATED = Status.VALIDATED.value
    DELIVERING = "delivering"
    WAITING_FOR_DRIVER = Status.WAITING_FOR_DRIVER.value
    DELIVERED = Status.DELIVERED.value
    CANCELLING = "cancelling"
    CANCELLED = Status.CANCELLED.value
    UNDOING = "undoing"
    FAILED = Status.FAILED.value


# A cancel is accepted here. Not at `validated`: the pizza is being handed over. None is an
# order whose workflow has not begun.
CANCELLABLE = frozenset(
    {
        None,
        Place.SCHEDULED,
        Place.TAKING_ORDER,
        Place.PAYING,
        Place.CONFIRMING,
        Place.COOKING,
        Place.WAITING_FOR_VALIDATION,
        Place.REJECTED,
    }
)

# Why not elsewhere, for the one who would like to cancel; of an order that is not over.
TOO_LATE: Mapping[str, str] = {
    Place.VALIDATED: "is approved and being handed over",
    Place.DELIVERING: "is on its way",
    Place.WAITING_FOR_DRIVER: "is approved and waits only for a driver",
    Place.CANCELLING: "is being cancelled already",
    Place.UNDOING: "is being called off already",
}

# A manager may decide here once the slip is open. `cooking` because a paused workflow stays
# there when the pizza is done.
DECIDABLE = frozenset({Place.COOKING, Place.WAITING_FOR_VALIDATION})
