"""`ValidationComplete` as anyone raises it below HTTP: without a round, at any moment, twice."""

import pytest
from structlog.testing import capture_logs

from pizza_activities import Shop, close_validation, open_validation, settle_decision
from steps import input_of
from tests.replay.conftest import INSTANCE
from tests.replay.story_steps import COOKED, DELIVERED, WAITING
from tests.unit.fake_sidecar import FakeSidecar
from validation_slip import ValidationSlips
from worker import as_json

SETTLED = [*WAITING, "settle_decision", "announce validated"]
TOLD = [*SETTLED, *DELIVERED[len(WAITING) + 1 :]]
BURNT = {"approved": False, "remake": True, "reason": "burnt"}


@pytest.fixture
def sidecar():
    return FakeSidecar()


@pytest.fixture
def slips(sidecar):
    return ValidationSlips(sidecar)


@pytest.fixture
def on_slip(sidecar):
    """The steps that read and write the slip, as they are."""

    def real(step):
        return lambda given: as_json(step(Shop(sidecar), input_of(step).model_validate(given)))

    steps = (open_validation, settle_decision, close_validation)
    return {step.__name__: real(step) for step in steps}


@pytest.fixture
def order(play, on_slip):
    return play(on_slip)


def reasons(logs):
    return [line["reason"] for line in logs if line["event"] == "decision passed over"]


@pytest.mark.parametrize("more", [{}, {"order_id": "123"}, {"round": 1}])
def test_an_approval_decides_the_round_that_waits_and_stands_on_the_slip(order, slips, more):
    order.say(approved=True, approver="Ann", **more)
    assert order.done == TOLD
    assert order.result["status"] == "completed"
    decision = {"round": 1, "approved": True, "remake": False, "approver": "Ann"}
    assert slips.read("123")[0].decision == decision
    assert slips.read("123")[0].raised


def test_a_rejection_may_ask_for_a_remake_which_waits_for_a_decision_of_its_own(order):
    order.say(**BURNT)
    assert (order.done[-1], order.place) == ("validate_pizza 2", "waiting_for_validation")
    assert order.say(approved=True).result["status"] == "completed"


def test_a_decision_that_comes_twice_does_not_decide_the_next_round(order):
    with capture_logs() as logs:
        order.say(**BURNT).say(**BURNT)
    assert (order.done[-1], order.place) == ("settle_decision 2", "waiting_for_validation")
    assert "name its round" in reasons(logs)[0]
    order.say(**BURNT, round=2)
    assert order.done[-1] == "validate_pizza 3"


def test_a_decision_on_an_order_that_was_forgotten_meanwhile_repeats_nothing(order, slips):
    slips.forget("123")
    with capture_logs() as logs:
        order.say(approved=True)
    assert reasons(logs) == ["the round is not open"]


def test_what_was_said_while_a_round_was_decided_does_not_decide_the_next(env, order):
    env.suspend(INSTANCE)
    order.say(**BURNT).say(approved=True)
    with capture_logs() as logs:
        env.resume(INSTANCE)
    assert (order.done[-1], order.place) == ("validate_pizza 2", "waiting_for_validation")
    assert reasons(logs) == ["the round is decided"]


def test_an_approval_during_a_pause_counts_after_it(env, order):
    env.suspend(INSTANCE)
    order.say(approved=True)
    assert order.done == WAITING
    env.resume(INSTANCE)
    assert order.done == TOLD


def test_an_approval_a_moment_before_the_order_waits_counts(env, play, on_slip):
    def cooked_and_approved(given):
        env.raise_event(INSTANCE, "ValidationComplete", {"approved": True})
        return on_slip["open_validation"](given)

    order = play({**on_slip, "open_validation": cooked_and_approved})
    assert order.done == [*COOKED, *TOLD[len(COOKED) :]]


def test_a_decision_that_the_front_desk_wrote_first_is_obeyed(order, slips):
    slip, etag = slips.read("123")
    desk = slips.decide("123", slip, etag, {"approved": False, "remake": False})
    order.say(approved=True)
    assert order.result["status"] == "failed"
    assert slips.read("123")[0].decision == desk.decision


def test_the_end_of_an_order_that_was_decided_so_is_not_touched_by_the_front_desks_event(order):
    order.say(approved=True)
    done = order.done
    assert order.decide(approved=False).done == done


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"order_id": "123"}, "approved: Field required"),
        ({"approved": "yes"}, "approved: Input should be a valid boolean"),
        ({"order_id": "7", "approved": True}, "it is about order 7"),
        ({"round": 3, "approved": True}, "it is about round 3"),
        ({"approved": True, "approver": "\ud800"}, "approver: Value error, is not Unicode"),
        ({"approved": False, "reason": "\udfff"}, "reason: Value error, is not Unicode"),
        ("yes", "Input should be a JSON object"),
    ],
)
def test_what_is_passed_over_is_said_once_with_its_reason(order, data, reason):
    with capture_logs() as logs:
        order.tell("ValidationComplete", data)
        order.say(approved=True)
    (line,) = [line for line in logs if line["log_level"] == "warning"]
    assert (line["event"], line["order_id"]) == ("decision passed over", "123")
    assert reason in line["reason"]
    assert order.result["status"] == "completed"
