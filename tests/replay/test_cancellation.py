"""Cancelling at every place, and what pauses and approvals do to it."""

import pytest

from tests.replay.conftest import INSTANCE
from tests.replay.shop_answers import ANSWERS
from tests.replay.story_steps import (
    APPROVED,
    CANCELLED,
    CONFIRMED,
    COOKED,
    TAKEN,
    UNDO_COOKING,
    UNDO_PAYING,
    WAITING,
    ended,
)

PAYING = [*TAKEN, "ask_loyalty", "authorize_payment", "reserve_stock"]


def cancelled(reason=None):
    return ended("cancelled", reason=reason)


class Amid:
    """The order, as a step sees it that is at work."""

    def __init__(self, env):
        self.env = env

    def tell(self, event, data):
        self.env.raise_event(INSTANCE, event, data)

    @property
    def place(self):
        return self.env.state(INSTANCE).custom_status


@pytest.fixture
def amid(env, play):
    """Begin an order in which something happens while a step is at work."""

    def begin(step, happens):
        def answer(given):
            if step != "announce" or given["status"] == "validated":
                happens(Amid(env))
            return ANSWERS[step](given)

        return play({step: answer})

    return begin


@pytest.mark.parametrize(
    ("step", "done", "undone"),
    [
        ("order_pizza", TAKEN, ["cancel_order"]),
        ("authorize_payment", PAYING, UNDO_PAYING),
        ("reserve_stock", PAYING, UNDO_PAYING),
        ("confirm_order", CONFIRMED, UNDO_PAYING),
        ("cook_one_pizza", COOKED, UNDO_COOKING),
        ("validate_pizza", WAITING, UNDO_COOKING),
        ("announce", APPROVED, UNDO_COOKING),
    ],
)
def test_a_cancel_amid_a_step_shows_at_once_and_lets_the_step_finish(amid, step, done, undone):
    seen = []

    def cancel(order):
        order.tell("CancelOrder", {"reason": "hungry no more"})
        seen.append(order.place)

    order = amid(step, cancel)
    if not order.result:
        order.decide(approved=True)
    assert seen == ["cancelling"]
    assert order.done == done + undone + CANCELLED
    assert order.result == cancelled("hungry no more")
    assert order.place == "cancelled"


def test_a_cancel_while_a_manager_is_awaited_undoes_all(play):
    order = play().cancel()
    assert order.done == WAITING + UNDO_COOKING + CANCELLED
    assert order.result == cancelled()


def test_a_cancel_amid_a_remake_discards_both_pizzas(play):
    order = play().decide(approved=False, remake=True).cancel()
    assert order.done[-6:] == ["discard_pizza 2", *UNDO_COOKING, *CANCELLED]


def test_a_cancel_amid_a_step_that_fails_is_a_cancel(amid, refuse):
    def cancel_and_refuse(order):
        order.tell("CancelOrder", {"reason": None})
        refuse({})

    order = amid("cook_one_pizza", cancel_and_refuse)
    assert order.done == [*CONFIRMED, "cook_one_pizza", *UNDO_COOKING, *CANCELLED]
    assert order.result == cancelled()


def test_a_cancel_amid_the_delivery_comes_too_late(amid):
    order = amid("deliver_pizza", lambda order: order.tell("CancelOrder", {"reason": "late"}))
    order.decide(approved=True)
    assert (order.result["status"], order.place) == ("completed", "delivered")


def test_a_cancel_amid_the_escalation_is_one_cancellation(amid):
    order = amid("close_validation", lambda order: order.tell("CancelOrder", {"reason": "slow"}))
    assert order.pass_time(600).result["status"] == "cancelled"
    assert order.done[-5:] == UNDO_COOKING + CANCELLED


def test_a_second_cancel_changes_nothing(play):
    assert play().cancel("first").cancel("second").result == cancelled("first")


@pytest.mark.parametrize("data", [None, "please", 7, {"why": "?"}])
def test_a_cancel_of_any_shape_cancels(play, data):
    assert play().tell("CancelOrder", data).result == cancelled()


@pytest.mark.parametrize("cancel_first", [True, False])
def test_a_cancel_beside_an_approval_during_a_pause_wins(env, play, cancel_first):
    order = play()
    env.suspend(INSTANCE)
    if cancel_first:
        order.cancel().decide(approved=True)
    else:
        order.decide(approved=True).cancel()
    assert order.done == WAITING
    env.resume(INSTANCE)
    assert order.done == (WAITING if cancel_first else APPROVED) + UNDO_COOKING + CANCELLED
    assert order.result == cancelled()


def test_a_paused_orders_pizzas_are_finished_and_may_be_decided_before_it_goes_on(env, amid):
    order = amid("cook_one_pizza", lambda order: env.suspend(INSTANCE))
    assert (order.done, order.place) == (COOKED, "cooking")
    order.decide(approved=True)
    assert order.done == COOKED
    env.resume(INSTANCE)
    assert order.result["status"] == "completed"


def test_a_cancel_and_an_approval_during_a_pause_amid_cooking_cancel(env, amid):
    order = amid("cook_one_pizza", lambda order: env.suspend(INSTANCE))
    order.decide(approved=True).cancel()
    assert order.place == "cooking"
    env.resume(INSTANCE)
    assert order.result == cancelled()
    assert order.done == WAITING + UNDO_COOKING + CANCELLED


def test_an_order_paused_while_it_is_cancelled_is_undone_after_the_pause(env, amid):
    def cancel_and_pause(order):
        order.tell("CancelOrder", {"reason": None})
        env.suspend(INSTANCE)

    order = amid("cook_one_pizza", cancel_and_pause)
    assert order.done == COOKED
    env.resume(INSTANCE)
    assert order.done == COOKED + UNDO_COOKING + CANCELLED


def test_a_terminated_order_undoes_nothing_and_takes_its_children_along(env, amid):
    order = amid("cook_one_pizza", lambda order: env.terminate(INSTANCE))
    assert order.state.status == "TERMINATED"
    assert order.done == [*CONFIRMED, "cook_one_pizza"]
    assert env.state(f"{INSTANCE}:round-1").status == "TERMINATED"


@pytest.mark.parametrize(
    ("told", "by"),
    [
        ("Ann", "Ann"),
        ("", None),
        (7, None),
        ("A\nnn", None),
        ("\ud800", None),
    ],
)
def test_who_cancelled_is_kept_in_the_order_book(env, play, told, by):
    play().tell("CancelOrder", {"reason": "hungry no more", "by": told})
    said = {"status": "cancelled", "attempt": 1, "repeat": 1, "detail": "hungry no more"}
    (announced,) = [given for name, given in env.calls if name == "announce"][-1:]
    assert announced == {"order": announced["order"], **said, **({"by": by} if by else {})}
