"""Cancelling at every place, and what pauses and approvals do to it."""

import pytest

TAKEN = ["order_pizza"]
COOKED = [*TAKEN, "cook_pizza"]
WAITING = [*COOKED, "validate_pizza"]
APPROVED = [*WAITING, "announce validated"]
REFUND = ["refund_order"]
DISCARD = ["discard_pizza", *REFUND]
CANCELLED = ["announce cancelled"]


def cancelled(reason=None):
    return {"order_id": "123", "status": "cancelled", "reason": reason}


def test_an_order_cancelled_before_its_first_turn_is_only_taken_and_refunded(play):
    order = play().cancel("a slip").run()
    assert order.done == TAKEN + REFUND + CANCELLED
    assert order.result == cancelled("a slip")


@pytest.mark.parametrize(
    ("step", "done", "undone"),
    [
        ("order_pizza", TAKEN, REFUND),
        ("cook_pizza", COOKED, DISCARD),
        ("validate_pizza", WAITING, DISCARD),
        ("announce", APPROVED, DISCARD),
    ],
)
def test_a_cancel_amid_a_step_shows_at_once_and_lets_the_step_finish(play, step, done, undone):
    order = play(hold={step}).decide(approved=True).run()
    order.cancel("hungry no more").run()
    assert order.statuses[-1] == "cancelling"
    assert order.done == done[:-1]
    order.finish(step).run()
    assert order.done == done + undone + CANCELLED
    assert order.result == cancelled("hungry no more")
    assert order.statuses[-2:] == ["cancelling", "cancelled"]


def test_a_cancel_while_a_manager_is_awaited_undoes_all(play):
    order = play().run().cancel().run()
    assert order.done == WAITING + DISCARD + CANCELLED
    assert order.result == cancelled()


def test_a_cancel_amid_a_remake_discards_both_pizzas(play):
    order = play().run().decide(approved=False, remake=True)
    order.hold = {"cook_pizza"}
    order.run().cancel().run().finish("cook_pizza").run()
    assert order.done[-5:] == ["cook_pizza 2", "discard_pizza 2", *DISCARD, *CANCELLED]


def test_a_cancel_amid_a_step_that_fails_is_a_cancel(play, refuse):
    order = play({"cook_pizza": refuse}, hold={"cook_pizza"}).run().cancel().run()
    order.finish("cook_pizza").run()
    assert order.done == COOKED + DISCARD + CANCELLED
    assert order.result == cancelled()


def test_a_cancel_amid_the_delivery_comes_too_late(play):
    order = play(hold={"deliver_pizza"}).decide(approved=True).run()
    order.cancel().run().finish("deliver_pizza").run()
    assert order.result["status"] == "completed"
    assert order.statuses[-2:] == ["delivering", "delivered"]


def test_a_second_cancel_changes_nothing(play):
    order = play().run().cancel("first").cancel("second").run()
    assert order.result == cancelled("first")


@pytest.mark.parametrize("data", [None, "please", 7, {"why": "?"}])
def test_a_cancel_of_any_shape_cancels(play, data):
    assert play().run().tell("CancelOrder", data).run().result == cancelled()


@pytest.mark.parametrize("cancel_first", [True, False])
def test_a_cancel_beside_an_approval_during_a_pause_wins(play, cancel_first):
    order = play().run().suspend().run()
    if cancel_first:
        order.cancel().decide(approved=True).run()
    else:
        order.decide(approved=True).cancel().run()
    order.resume().run()
    assert order.done == (WAITING if cancel_first else APPROVED) + DISCARD + CANCELLED
    assert order.result == cancelled()


def test_a_cancel_and_an_approval_during_a_pause_amid_cooking_cancel(play):
    order = play(hold={"cook_pizza"}).run().suspend().run()
    order.finish("cook_pizza").run().decide(approved=True).cancel().run()
    assert order.statuses[-1] == "cooking"
    order.resume().run()
    assert order.result == cancelled()


def test_an_approval_during_a_pause_counts_after_it(play):
    order = play(hold={"cook_pizza"}).run().suspend().run()
    order.finish("cook_pizza").run().decide(approved=True).run()
    assert order.done == COOKED
    assert order.resume().run().result["status"] == "completed"


def test_an_order_paused_while_it_is_cancelled_is_undone_after_the_pause(play):
    order = play(hold={"cook_pizza"}).run().cancel().run().suspend().run()
    order.finish("cook_pizza").run()
    assert order.done == COOKED
    order.resume().run()
    assert order.done == COOKED + DISCARD + CANCELLED
