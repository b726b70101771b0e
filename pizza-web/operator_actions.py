"""What an operator may ask of an order: whether it can be asked now, what it does and leaves."""

from collections.abc import Callable
from dataclasses import dataclass

from order_details import OrderDetails
from shop import Json, Shop

NO_WORKFLOW = "No workflow has begun for this order."
AT_WORK = "Its workflow is at work on it; cancel or terminate it first."


@dataclass(frozen=True)
class Effects:
    """What it undoes or does, and what it leaves as it is."""

    does: list[str]
    leaves: list[str]


@dataclass(frozen=True)
class Action:
    """`refusal` says why it cannot be asked now, "" when it can."""

    name: str
    label: str
    done: str
    ask: Callable[[Shop, str, Json], Json]
    refusal: Callable[[OrderDetails], str]
    effects: Callable[[OrderDetails], Effects]
    has_reason: bool = False


def _steered(path: str) -> Callable[[Shop, str, Json], Json]:
    return lambda shop, order_id, more: shop.post(
        "pizza-workflow", path, {"order_id": order_id, **more}
    )


def _status(details: OrderDetails) -> str:
    """The engine's status; a sentence where there is none."""
    if details.workflow.error is not None:
        return NO_WORKFLOW if details.workflow.is_unknown else "pizza-workflow does not answer."
    return details.runtime_status or ""


def _unless(wanted: str) -> Callable[[OrderDetails], str]:
    def refusal(details: OrderDetails) -> str:
        status = _status(details)
        if status == wanted or " " in status:
            return "" if status == wanted else status
        return f"Its workflow is {status}, not {wanted}."

    return refusal


def _no_cancel(details: OrderDetails) -> str:
    said = details.workflow.said
    if said is None:
        return _status(details)
    if details.is_final:
        return f"It is over: {details.runtime_status}."
    return "" if said.get("cancellable", True) else str(said.get("why_not") or "It is too late.")


def _no_terminate(details: OrderDetails) -> str:
    if details.workflow.said is None:
        return _status(details)
    return f"It is over: {details.runtime_status}." if details.is_final else ""


def _no_undo(what: Callable[[OrderDetails], str], nothing: str) -> Callable[[OrderDetails], str]:
    def refusal(details: OrderDetails) -> str:
        if not details.is_final:
            return AT_WORK if details.workflow.said is not None else _status(details)
        return "" if what(details) else nothing

    return refusal


def _no_forget(details: OrderDetails) -> str:
    return "" if details.is_final else AT_WORK


def _pause(_details: OrderDetails) -> Effects:
    return Effects(
        ["A step that has begun is finished, and no other begins, until you resume the order."],
        [
            "Nothing is undone: money and ingredients stay set aside.",
            "A manager may still decide about the pizza, and the customer may still cancel.",
        ],
    )


def _resume(_details: OrderDetails) -> Effects:
    return Effects(["The order goes on where it was paused."], [])


def _cancel(details: OrderDetails) -> Effects:
    does = ["The order stops at its next safe point, and everything that it began is undone."]
    if details.money:
        does.append(f"{details.money} is given back.")
    if details.ingredients:
        does.append(f"Reserved ingredients go back into the stock: {details.ingredients}.")
    return Effects(
        [*does, "The customer is told."],
        ["A step that has begun is finished first. What was cooked by then is thrown away."],
    )


def _terminate(details: OrderDetails) -> Effects:
    left = ["Nothing is undone, and the customer is not told."]
    if details.money:
        left.append(f"{details.money} stays so, until you refund it.")
    if details.ingredients:
        left.append(f"Ingredients stay reserved, until you release them: {details.ingredients}.")
    if details.driver:
        left.append(f"The driver {details.driver} stays with the order, until you recall them.")
    does = ["The workflow and its children end where they stand. Nothing resumes them."]
    return Effects(does, left)


def _refund(details: OrderDetails) -> Effects:
    return Effects(
        [f"{details.money} is given back to the customer. That cannot be undone."],
        ["Ingredients and driver are left as they are."],
    )


def _release(details: OrderDetails) -> Effects:
    return Effects(
        [f"These ingredients are available again: {details.ingredients}."],
        ["What was cooked stays used."],
    )


def _recall(details: OrderDetails) -> Effects:
    return Effects([f"The driver {details.driver} is called back and is free again."], [])


def _forget(details: OrderDetails) -> Effects:
    held = [f"{details.money}: what is only set aside becomes void."] if details.money else []
    return Effects(
        ["The whole shop forgets the order, and its id may be used for another one.", *held],
        ["A receipt of money that was taken is kept; it cannot be refunded any more."],
    )


ACTIONS = (
    Action("pause", "Pause", "paused", _steered("/pause-order"), _unless("RUNNING"), _pause),
    Action("resume", "Resume", "resumed", _steered("/resume-order"), _unless("SUSPENDED"), _resume),
    Action(
        "cancel",
        "Cancel",
        "being cancelled",
        _steered("/cancel-order"),
        _no_cancel,
        _cancel,
        has_reason=True,
    ),
    Action(
        "terminate",
        "Terminate",
        "terminated",
        _steered("/terminate-order"),
        _no_terminate,
        _terminate,
    ),
    Action(
        "refund",
        "Refund",
        "refunded",
        lambda shop, order_id, _: shop.post("pizza-storefront", f"/payments/{order_id}/refund", {}),
        _no_undo(lambda details: details.money, "No money is set aside or taken."),
        _refund,
    ),
    Action(
        "release",
        "Release ingredients",
        "without reserved ingredients",
        lambda shop, order_id, _: shop.delete("pizza-kitchen", f"/stock/reservations/{order_id}"),
        _no_undo(lambda details: details.ingredients, "No ingredients are reserved."),
        _release,
    ),
    Action(
        "recall",
        "Recall the driver",
        "without a driver",
        lambda shop, order_id, _: shop.post("pizza-delivery", f"/deliver/{order_id}/recall", {}),
        _no_undo(lambda details: details.driver or "", "No driver is on the road with it."),
        _recall,
    ),
    Action(
        "forget",
        "Forget",
        "forgotten",
        lambda shop, order_id, _: shop.delete("pizza-order", f"/order/{order_id}"),
        _no_forget,
        _forget,
    ),
)
BY_NAME = {action.name: action for action in ACTIONS}
