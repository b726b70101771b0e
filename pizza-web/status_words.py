"""What the pages say for each status of an order. The statuses are names for programs."""

from display import words
from pizza_common.status import Status

PHRASES = {
    Status.RECEIVED: "Received",
    Status.SCHEDULED: "Ordered for later",
    Status.VALIDATING: "The shop reads the order",
    Status.PROCESSING: "The shop takes the order",
    Status.CONFIRMED: "Order taken",
    Status.PAYMENT_AUTHORIZED: "Money set aside",
    Status.STOCK_RESERVED: "Ingredients set aside",
    Status.ORDER_CONFIRMED: "Order confirmed",
    Status.COOKING_PREPARING_INGREDIENTS: "Preparing ingredients",
    Status.COOKING_MAKING_DOUGH: "Making the dough",
    Status.COOKING_ADDING_TOPPINGS: "Adding the toppings",
    Status.COOKING_BAKING: "In the oven",
    Status.COOKING_QUALITY_CHECK: "Out of the oven",
    Status.COOKED: "Cooked",
    Status.WAITING_FOR_VALIDATION: "Waits for the manager's approval",
    Status.VALIDATION_REMINDER: "The manager was reminded",
    Status.ESCALATED: "Nobody approved it in time",
    Status.VALIDATED: "Approved",
    Status.REJECTED: "Not approved",
    Status.REMAKING: "To be made again",
    Status.WAITING_FOR_DRIVER: "Waits for a driver",
    Status.DELIVERY_FINDING_DRIVER: "Finding a driver",
    Status.DELIVERY_DRIVER_ASSIGNED: "A driver takes it",
    Status.DELIVERY_PICKED_UP: "The driver has it",
    Status.DELIVERY_ON_THE_WAY: "The driver is on the way",
    Status.DELIVERY_ARRIVING: "The driver is almost there",
    Status.DELIVERY_AT_LOCATION: "The driver is at the door",
    Status.DELIVERED: "Delivered",
    Status.PAYMENT_CAPTURED: "Paid",
    Status.DELIVERY_RECALLED: "The driver was called back",
    Status.PIZZA_DISCARDED: "Pizzas thrown away",
    Status.STOCK_RELEASED: "Ingredients put back",
    Status.PAYMENT_VOIDED: "Money free again",
    Status.PAYMENT_REFUNDED: "Money paid back",
    Status.ORDER_CANCELLED: "Order taken back",
    Status.CANCELLED: "Cancelled",
    Status.NEEDS_ATTENTION: "The shop looks into it",
    Status.FAILED: "Called off by the shop",
    Status.TERMINATED: "Stopped by the shop",
    Status.PAUSED: "On hold",
    Status.RESUMED: "Goes on",
}


def phrase(status: str) -> str:
    """`In the oven` for `cooking_baking`; a name that is no status, in its own words."""
    return PHRASES[Status(status)] if status in set(Status) else words(status)
