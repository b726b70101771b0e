"""Every way out of the story, with the exact steps and undos on the way."""

import pytest

from tests.replay.shop_answers import ANSWERS, after_waiting, feast, three_pizzas
from tests.replay.story_steps import (
    APPROVED,
    CONFIRMED,
    COOKED,
    DELIVERED,
    FAILED,
    TAKEN,
    UNDO_ALL,
    UNDO_COOKING,
    UNDO_PAYING,
    WAITING,
    ended,
)

REMAKE = "Pizza validation failed - need to remake"


def only(status, answer):
    """An answer for `announce` that fails for one status."""
    return lambda given: answer(given) if given["status"] == status else None


def test_an_approved_pizza_is_delivered_and_then_paid(play):
    order = play()
    assert (order.done, order.place) == (WAITING, "waiting_for_validation")
    order.decide(approved=True)
    assert order.done == DELIVERED
    assert order.place == "delivered"
    assert order.result == ended(
        "completed",
        final_status="delivered",
        delivery_result={"order_id": "123", "status": "delivered", "driver": "Ann"},
    )


@pytest.mark.parametrize(
    ("step", "done", "undone"),
    [
        ("order_pizza", TAKEN, ["cancel_order"]),
        (
            "authorize_payment",
            [*TAKEN, "ask_loyalty", "authorize_payment", "reserve_stock"],
            UNDO_PAYING,
        ),
        (
            "reserve_stock",
            [*TAKEN, "ask_loyalty", "authorize_payment", "reserve_stock"],
            UNDO_PAYING,
        ),
        ("confirm_order", CONFIRMED, UNDO_PAYING),
        ("cook_one_pizza", [*CONFIRMED, "cook_one_pizza"], UNDO_COOKING),
        ("open_validation", COOKED, UNDO_COOKING),
        ("validate_pizza", WAITING, UNDO_COOKING),
        ("deliver_pizza", [*APPROVED, "deliver_pizza"], UNDO_ALL),
    ],
)
def test_a_refused_step_undoes_itself_and_all_before_it(play, refuse, step, done, undone):
    order = play({step: refuse})
    if not order.state.output:
        order.decide(approved=True)
    assert order.end() == ended("failed", error="no")
    assert order.done == done + undone + FAILED
    assert order.place == "failed"


@pytest.mark.parametrize("undo", UNDO_ALL)
def test_an_undo_that_gives_up_is_named_and_stops_no_other(play, refuse, undo):
    order = play({"deliver_pizza": refuse, undo: refuse}).decide(approved=True)
    assert order.end() == ended("failed", error="no", needs_attention=[f"{undo}: no"])
    told = ["announce needs_attention", *FAILED]
    assert order.done == [*APPROVED, "deliver_pizza", *UNDO_ALL, *told]


def test_what_was_delivered_is_paid_for_though_the_answer_was_lost(play, fail):
    told = ANSWERS["deliver_pizza"]
    order = play({"deliver_pizza": fail, "recall_delivery": told}).decide(approved=True)
    assert order.end() == ended("completed", final_status="delivered", delivery_result=told({}))
    assert order.done == [*APPROVED, *["deliver_pizza"] * 12, "recall_delivery", "capture_payment"]
    assert order.place == "delivered"


def test_an_order_queues_for_a_driver_as_long_as_it_takes(play):
    order = play({"deliver_pizza": after_waiting(40)}, driver_seconds=5).decide(approved=True)
    assert order.place == "waiting_for_driver"
    order.pass_time(5)
    assert order.done == [*APPROVED, "deliver_pizza", "deliver_pizza"]
    assert order.end()["status"] == "completed"
    assert order.done == [*APPROVED, *["deliver_pizza"] * 41, "capture_payment"]


def test_an_order_that_no_driver_ever_comes_for_is_called_off(play):
    order = play({"deliver_pizza": after_waiting(9999)}, driver_hours=0.5).decide(approved=True)
    begun = order.env.now
    assert order.end() == ended("failed", error="every driver was on the road for too long")
    assert 1700 < (order.env.now - begun).total_seconds() <= 1800
    assert order.done[-len(UNDO_ALL) - 1 :] == UNDO_ALL + FAILED


def test_a_cancelled_order_that_cannot_be_undone_has_failed(play, refuse):
    order = play({"refund_payment": refuse}).cancel("hungry no more")
    assert order.end() == ended(
        "failed", error="hungry no more", needs_attention=["refund_payment: no"]
    )


def test_an_undo_is_tried_for_a_quarter_of_an_hour(play, refuse, fail):
    order = play({"confirm_order": refuse, "release_stock": fail})
    begun = order.env.now
    assert order.end()["needs_attention"] == ["release_stock: not now"]
    assert order.done.count("release_stock") == 22
    assert 14 * 60 < (order.env.now - begun).total_seconds() < 17 * 60


def test_an_approval_that_cannot_be_announced_is_not_delivered(play, refuse):
    order = play({"announce": only("validated", refuse)}).decide(approved=True)
    assert order.end() == ended("failed", error="no")
    assert order.done == APPROVED + UNDO_COOKING + FAILED


def test_an_end_that_cannot_be_announced_needs_attention(play, refuse):
    order = play({"confirm_order": refuse, "announce": refuse})
    assert order.end() == ended("failed", error="no", needs_attention=["announce: no"])


def test_a_delivered_pizza_that_cannot_be_charged_stays_delivered_and_needs_attention(play, refuse):
    order = play({"capture_payment": refuse}).decide(approved=True)
    assert order.result["status"] == "completed"
    assert order.result["needs_attention"] == ["capture_payment: no"]
    assert order.done == [*DELIVERED, "announce needs_attention"]


def test_an_answer_that_cannot_be_read_stops_the_order(play):
    order = play({"authorize_payment": lambda _: {"amount": "a lot"}})
    assert order.end()["error"].startswith("authorize_payment answered: ")
    assert order.done[-4:] == UNDO_PAYING + FAILED


def test_a_step_that_fails_for_a_while_is_tried_again(play, fail):
    answers = iter([fail, fail, lambda _: None])
    order = play({"confirm_order": lambda given: next(answers)(given)}).pass_time(10)
    assert order.done == [*CONFIRMED, "confirm_order", "confirm_order", *WAITING[len(CONFIRMED) :]]


def test_a_step_is_tried_for_more_than_a_minute_and_then_undone(play, fail):
    order = play({"order_pizza": fail})
    begun = order.env.now
    order.end()
    assert order.done == ["order_pizza"] * 12 + ["cancel_order"] + FAILED
    assert 60 < (order.env.now - begun).total_seconds() < 120


def test_money_and_stock_are_asked_for_at_the_same_time_and_both_are_undone(play, fail, refuse):
    order = play({"authorize_payment": refuse, "reserve_stock": fail}).pass_time(30)
    asked = order.done
    assert "refund_payment" not in asked, "the stock is still being asked for"
    assert order.end()["error"] == "no"
    assert order.done[-4:] == UNDO_PAYING + FAILED


def test_the_tenth_pizza_is_free(play):
    order = play({"ask_loyalty": lambda _: {"free_cents": 1450}}).decide(approved=True)
    given = {name: given for name, given in order.env.calls}
    assert given["authorize_payment"]["free_cents"] == 1450
    assert given["confirm_order"]["total_cents"] == 0


def test_an_order_goes_on_without_loyalty(play, fail):
    order = play({"ask_loyalty": fail}).pass_time(1)
    assert order.place == "waiting_for_validation"
    assert order.done.count("ask_loyalty") == 2


def test_the_customer_is_told_when_the_pizza_comes(play):
    order = play(lead_seconds=1800)
    given = {name: given for name, given in order.env.calls}
    assert given["confirm_order"]["estimated_at"] == "2030-01-01T00:30:00Z"


def test_each_pizza_is_cooked_by_a_child_workflow_and_all_are_joined(play):
    order = play(order=three_pizzas())
    cooking = ["cook_one_pizza", "cook_one_pizza #2", "cook_one_pizza #3"]
    assert order.done[len(CONFIRMED) :] == [*cooking, *WAITING[len(CONFIRMED) + 1 :]]
    child = order.env.state("pizza-order-123:round-1:pizza-3-1")
    assert (child.status, child.output["pizza"]) == ("COMPLETED", 3)


def test_a_pizza_that_fails_is_cooked_again_and_the_others_are_left_alone(play, fail):
    burnt = iter([fail] * 6)

    def cook(given):
        broken = next(burnt, None) if given["pizza"] == 2 else None
        return broken(given) if broken else {**COOKED_PIZZA, "pizza": given["pizza"]}

    order = play({"cook_one_pizza": cook}, three_pizzas()).pass_time(60)
    assert order.place == "waiting_for_validation"
    cooked = [step for step in order.done if step.startswith("cook_one")]
    assert (cooked.count("cook_one_pizza"), cooked.count("cook_one_pizza #3")) == (1, 1)
    assert cooked.count("cook_one_pizza #2") == 7
    assert order.env.state("pizza-order-123:round-1:pizza-2-1").status == "FAILED"
    assert order.env.state("pizza-order-123:round-1:pizza-2-2").status == "COMPLETED"


def test_of_a_feast_twenty_pizzas_are_cooked_at_a_time(play, fail):
    slow = iter([fail])

    def cook(given):
        broken = next(slow, None) if given["pizza"] == 7 else None
        return broken(given) if broken else {**COOKED_PIZZA, "pizza": given["pizza"]}

    def begun():
        return [given["pizza"] for name, given in order.env.calls if name == "cook_one_pizza"]

    order = play({"cook_one_pizza": cook}, feast())
    assert begun() == [*range(1, 21)]
    order.pass_time(1)
    assert begun() == [*range(1, 21), 7, *range(21, 46)]
    assert order.place == "waiting_for_validation"


def test_of_a_feast_those_that_fail_in_any_batch_are_cooked_again(play, fail):
    burnt = {1: iter([fail] * 6), 45: iter([fail] * 6)}

    def cook(given):
        broken = next(burnt.get(given["pizza"], iter(())), None)
        return broken(given) if broken else {**COOKED_PIZZA, "pizza": given["pizza"]}

    order = play({"cook_one_pizza": cook}, feast()).pass_time(120)
    assert order.place == "waiting_for_validation"
    assert order.env.called()["cook_one_pizza"] == 45 + 12


def test_a_pizza_that_always_fails_is_given_up_and_all_is_undone(play, fail):
    order = play({"cook_one_pizza": fail}, cook_tries=3)
    assert order.end() == ended("failed", error="not now")
    assert order.done.count("cook_one_pizza") == 18
    assert order.done[-len(UNDO_COOKING) - 1 :] == UNDO_COOKING + FAILED


def test_a_pizza_that_is_refused_is_not_cooked_again(play, refuse):
    order = play({"cook_one_pizza": refuse}, three_pizzas())
    assert order.end() == ended("failed", error="no")
    assert order.done.count("cook_one_pizza") == 1


def test_an_order_keeps_the_terms_it_was_started_with(play):
    order = play(remakes=0).decide(approved=False, remake=True)
    assert order.result["error"] == REMAKE


COOKED_PIZZA = {"order_id": "123", "status": "cooked", "attempt": 1}
