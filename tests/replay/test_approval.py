"""The manager's decision: rounds, reminders, escalation, and what is never applied."""

import pytest

from tests.replay.story_steps import (
    CANCELLED,
    COOKED,
    FAILED,
    ROUND_2,
    UNDO_COOKING,
    UNDO_PAYING,
    WAITING,
    ended,
)

REMAKE = "Pizza validation failed - need to remake"
REMINDED = ["announce validation_reminder", "announce validation_reminder 2"]
REMADE = [*WAITING, "announce rejected", "announce remaking", *ROUND_2]


def told(order, status):
    return [g for name, g in order.env.calls if name == "announce" and g["status"] == status]


def test_a_rejected_pizza_is_undone(play):
    order = play().decide(approved=False, reason="burnt", approver="Ann")
    assert order.done == [*WAITING, "announce rejected", *UNDO_COOKING, *FAILED]
    assert order.result == ended("failed", error=REMAKE)


@pytest.mark.parametrize("approved", [True, False])
def test_approver_and_reason_are_kept_in_the_order_book(play, approved):
    order = play().decide(approved=approved, reason="a look", approver="Ann")
    (verdict,) = told(order, "validated" if approved else "rejected")
    assert (verdict["detail"], verdict["by"]) == ("Ann: a look", "Ann")


def test_a_remade_pizza_waits_for_its_own_decision(play):
    order = play().decide(approved=False, remake=True)
    assert (order.done, order.place) == (REMADE, "waiting_for_validation")
    order.decide(2, approved=True)
    assert order.done == [*REMADE, "announce validated 2", "deliver_pizza", "capture_payment"]


def test_each_pizza_that_was_made_is_discarded(play):
    order = play().decide(approved=False, remake=True).decide(2, approved=False)
    assert order.done[-6:] == ["discard_pizza 2", *UNDO_COOKING, *FAILED]


@pytest.mark.parametrize("remakes", [0, 1, 2])
def test_a_pizza_is_remade_as_often_as_the_terms_say(play, remakes):
    order = play(remakes=remakes)
    for round_ in range(1, remakes + 2):
        order.decide(round_, approved=False, remake=True)
    assert order.result == ended("failed", error=REMAKE)
    assert sum(step.startswith("cook_one_pizza") for step in order.done) == remakes + 1


@pytest.mark.parametrize(
    "data",
    [
        None,
        "yes",
        [],
        {},
        {"round": 2, "approved": True},
        {"order_id": "124", "approved": True},
        {"approved": "yes"},
        {"round": 1, "approved": "true"},
        {"round": 1, "approved": 1},
        {"round": 1, "approved": None},
    ],
)
def test_a_decision_of_another_round_or_shape_is_never_applied(play, data):
    order = play().tell("ValidationComplete", data)
    assert order.done == WAITING
    assert order.decide(approved=True).result["status"] == "completed"


def test_a_doubled_decision_does_not_meet_the_remade_pizza(play):
    order = play().decide(approved=False, remake=True).decide(approved=True)
    assert (order.done, order.place) == (REMADE, "waiting_for_validation")


def test_a_decision_after_the_end_changes_nothing(play):
    order = play().decide(approved=False)
    result, done = order.result, order.done
    order.decide(approved=True)
    assert (order.result, order.done) == (result, done)


def test_reminders_are_evenly_spaced_and_then_the_order_is_cancelled(play):
    order = play(validation_seconds=3600, reminders=2)
    order.pass_time(1199)
    assert order.done == WAITING
    order.pass_time(1)
    assert order.done == WAITING + REMINDED[:1]
    order.pass_time(1200)
    assert order.done == WAITING + REMINDED
    order.pass_time(1200)
    assert order.done == [
        *WAITING,
        *REMINDED,
        "close_validation",
        "announce escalated",
        *UNDO_COOKING,
        *CANCELLED,
    ]
    why = "No manager validated the pizza within 1:00:00"
    assert order.result == ended("cancelled", reason=why)


def test_a_decision_after_a_reminder_counts(play):
    order = play(reminders=1).pass_time(400).decide(approved=True)
    assert order.result["status"] == "completed"
    assert "close_validation" not in order.done


def test_the_reminders_of_a_remake_begin_anew(play):
    order = play(reminders=1).pass_time(400).decide(approved=False, remake=True).pass_time(400)
    reminders = told(order, "validation_reminder")
    assert [(each["attempt"], each.get("repeat")) for each in reminders] == [(1, 1), (2, 1)]


def test_a_reminder_that_cannot_be_sent_stops_nothing(play, fail):
    def mute(given):
        return fail(given) if given["status"] == "validation_reminder" else None

    order = play({"announce": mute}, reminders=1).pass_time(400).decide(approved=True)
    assert order.result["status"] == "completed"


def test_passed_over_decisions_do_not_move_the_deadline(play):
    order = play(validation_seconds=100).pass_time(60).decide(7, approved=True).pass_time(40)
    assert order.result["status"] == "cancelled"


def test_a_decision_that_was_accepted_but_never_told_counts_at_the_deadline(play):
    order = play({"close_validation": lambda _: {"round": 1, "approved": True}}).pass_time(600)
    assert order.result["status"] == "completed"
    assert order.done[len(WAITING) : len(WAITING) + 2] == ["close_validation", "announce validated"]


def test_a_round_that_cannot_be_closed_is_undone(play, refuse):
    order = play({"close_validation": refuse}).pass_time(600)
    assert order.result == ended("failed", error="no")


def test_a_remake_for_which_there_are_no_ingredients_is_undone(play, refuse):
    def second_is_refused(given):
        if given["attempt"] == 2:
            refuse(given)
        return {"order_id": "123", "status": "cooked", "pizza": 1, "attempt": 1}

    order = play({"cook_one_pizza": second_is_refused}).decide(approved=False, remake=True)
    assert order.result == ended("failed", error="no")
    undone = ["cook_one_pizza 2", "discard_pizza 2", "discard_pizza", *UNDO_PAYING, *FAILED]
    assert order.done[-6:] == undone[-6:]
    assert order.done[: len(COOKED)] == COOKED
