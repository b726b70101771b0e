"""Every way out of the story, with the exact steps and undos on the way."""

import pytest

TAKEN = ["order_pizza"]
COOKED = [*TAKEN, "cook_pizza"]
WAITING = [*COOKED, "validate_pizza"]
APPROVED = [*WAITING, "announce validated"]
OUT = [*APPROVED, "deliver_pizza"]
REFUND = ["refund_order"]
DISCARD = ["discard_pizza", *REFUND]
RECALL = ["recall_delivery", *DISCARD]
FAILED = ["announce failed"]
CANCELLED = ["announce cancelled"]

REMAKE = "Pizza validation failed - need to remake"


def ended(status, **more):
    return {"order_id": "123", "status": status, **more}


def only(status, answer):
    """An answer for `announce` that fails for one status."""
    return lambda ticket: answer(ticket) if ticket["status"] == status else None


def test_an_approved_pizza_is_delivered(play):
    order = play({"deliver_pizza": lambda _: {"driver": "Ann"}}).run()
    assert order.done == WAITING
    order.decide(approved=True).run()
    assert order.done == OUT
    assert order.result == ended(
        "completed", final_status="delivered", delivery_result={"driver": "Ann"}
    )
    assert order.statuses == [
        "taking_order",
        "cooking",
        "waiting_for_validation",
        "validated",
        "delivering",
        "delivered",
    ]


@pytest.mark.parametrize(
    ("step", "done", "undone"),
    [
        ("order_pizza", TAKEN, REFUND),
        ("cook_pizza", COOKED, DISCARD),
        ("validate_pizza", WAITING, DISCARD),
        ("deliver_pizza", OUT, RECALL),
    ],
)
def test_a_refused_step_undoes_itself_and_all_before_it(play, refuse, step, done, undone):
    order = play({step: refuse}).decide(approved=True).run()
    assert order.done == done + undone + FAILED
    assert order.result == ended("failed", error="no")
    assert order.statuses[-2:] == ["undoing", "failed"]


def test_an_approval_that_cannot_be_announced_is_not_delivered(play, refuse):
    order = play({"announce": only("validated", refuse)}).decide(approved=True).run()
    assert order.done == APPROVED + DISCARD + FAILED
    assert order.result == ended("failed", error="no")


def test_a_step_that_fails_for_a_while_is_tried_again(play, fail):
    answers = iter([fail, fail, lambda _: {}])
    order = play({"cook_pizza": lambda ticket: next(answers)(ticket)}).run()
    assert order.done == [*TAKEN, "cook_pizza", "cook_pizza", "cook_pizza", "validate_pizza"]


def test_a_step_is_tried_for_more_than_a_minute_and_then_undone(play, fail):
    order = play({"cook_pizza": fail})
    begun = order.now
    order.run()
    assert order.done == [*TAKEN, *["cook_pizza"] * 12, *DISCARD, *FAILED]
    assert 60 < (order.now - begun).total_seconds() < 120


def test_a_rejected_pizza_is_undone(play):
    order = play().run().decide(approved=False, reason="burnt").run()
    assert order.done == [*WAITING, "announce rejected", *DISCARD, *FAILED]
    assert order.result == ended("failed", error=REMAKE)


def test_a_remade_pizza_waits_for_its_own_decision(play):
    order = play().run().decide(approved=False, remake=True).run()
    remade = [*WAITING, "announce rejected", "cook_pizza 2", "validate_pizza 2"]
    assert order.done == remade
    order.decide(2, approved=True).run()
    assert order.done == [*remade, "announce validated 2", "deliver_pizza"]
    assert order.result["status"] == "completed"


def test_each_pizza_that_was_made_is_discarded(play):
    order = play().run().decide(approved=False, remake=True).run().decide(2, approved=False).run()
    assert order.done[-4:] == ["discard_pizza 2", *DISCARD, *FAILED]


def test_a_pizza_is_made_three_times_at_most(play):
    order = play()
    for round_ in (1, 2, 3):
        order.decide(round_, approved=False, remake=True)
    order.run()
    assert [step for step in order.done if step.startswith("cook")] == [
        "cook_pizza",
        "cook_pizza 2",
        "cook_pizza 3",
    ]
    assert order.result == ended("failed", error=REMAKE)


@pytest.mark.parametrize(
    "data", [None, "yes", [], {}, {"approved": True}, {"round": 2, "approved": True}]
)
def test_a_decision_of_no_round_or_of_another_is_passed_over(play, data):
    order = play().run().tell("ValidationComplete", data).run()
    assert order.done == WAITING
    assert order.decide(approved=True).run().result["status"] == "completed"


def test_a_doubled_decision_does_not_meet_the_remade_pizza(play):
    order = play().run().decide(approved=False, remake=True).decide(approved=True).run()
    assert order.statuses[-1] == "waiting_for_validation"
    assert order.done[-1] == "validate_pizza 2"


@pytest.mark.parametrize("word", ["true", 1, None])
def test_only_true_approves(play, word):
    assert play().run().decide(approved=word).run().result["error"] == REMAKE


def test_an_undecided_pizza_is_undone_after_the_deadline(play):
    order = play({"close_validation": lambda _: None}, seconds=3600).run()
    order.pass_time(3599).run()
    assert order.done == WAITING
    order.pass_time(1).run()
    assert order.done == [*WAITING, "close_validation", *DISCARD, *FAILED]
    assert order.result == ended("failed", error="No manager validated the pizza within 1:00:00")


def test_passed_over_decisions_do_not_move_the_deadline(play):
    order = play({"close_validation": lambda _: None}, seconds=100).run()
    order.pass_time(60).decide(7, approved=True).run()
    order.pass_time(40).run()
    assert order.result["status"] == "failed"


def test_a_decision_that_was_accepted_but_never_told_counts_at_the_deadline(play):
    written = {"round": 1, "approved": True}
    order = play({"close_validation": lambda _: written}).run().pass_time(600).run()
    assert order.done == [*WAITING, "close_validation", "announce validated", "deliver_pizza"]


def test_an_undo_that_gives_up_is_recorded_and_stops_no_other(play, refuse):
    order = play({"deliver_pizza": refuse, "discard_pizza": refuse}).decide(approved=True).run()
    assert order.done == OUT + RECALL + FAILED
    assert order.result == ended("failed", error="no", needs_attention=["discard_pizza: no"])


def test_an_undo_is_tried_as_often_as_a_step(play, refuse, fail):
    order = play({"cook_pizza": refuse, "discard_pizza": fail}).run()
    assert order.done.count("discard_pizza") == 12
    assert order.result["needs_attention"] == ["discard_pizza: not now"]


def test_an_end_that_cannot_be_announced_needs_attention(play, refuse):
    order = play({"cook_pizza": refuse, "announce": refuse}).run()
    assert order.result == ended("failed", error="no", needs_attention=["announce: no"])
