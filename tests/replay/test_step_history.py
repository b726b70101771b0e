"""The steps that are read from histories as the engine writes them."""

import itertools

import pytest
from dapr.ext.workflow import WorkflowHistoryEvent

from localdapr.replaying import load_history
from step_history import history_of
from tests.replay.conftest import INSTANCE
from tests.replay.golden_histories import golden
from tests.replay.shop_answers import ANSWERS, after_waiting, three_pizzas


def steps_of(events, instance=INSTANCE, pizzas=1):
    seen = [WorkflowHistoryEvent._from_proto(event) for event in events]
    return history_of(instance, seen, pizzas).steps


def named(steps, name):
    (found,) = [step for step in steps if step.name == name]
    return found


def failing(step, times):
    """A step that fails so often and then answers."""
    left = itertools.count(1)

    def answer(given):
        if next(left) <= times:
            raise RuntimeError("not now")
        return ANSWERS[step](given)

    return {step: answer}


def test_an_order_s_steps_are_in_its_history_with_the_wait_and_the_event_that_ended_it(play, env):
    play().pass_time(100).decide(approved=True)
    steps = steps_of(env.history(INSTANCE))
    assert {step.state for step in steps} == {"done"}
    assert [(step.kind, step.name) for step in steps if step.kind != "activity"] == [
        ("child", "cook_round"),
        ("wait", "ValidationComplete"),
        ("event", "ValidationComplete"),
    ]
    assert named([step for step in steps if step.kind == "wait"], "ValidationComplete").seconds
    assert [step.name for step in steps][:3] == ["order_pizza", "ask_loyalty", "authorize_payment"]


def test_tries_of_a_step_are_one_step_with_its_errors_and_all_the_time_it_took(play, env):
    play(failing("reserve_stock", 3)).pass_time(10)
    step = named(steps_of(env.history(INSTANCE)), "reserve_stock")
    assert (step.state, step.tries, len(step.failures)) == ("done", 4, 3)
    assert step.failures[0][1] == "not now"
    assert step.seconds == pytest.approx(0.5 + 1 + 2, abs=0.1)


def test_a_step_that_waits_to_be_tried_again_is_retrying(play, env, fail):
    play({"deliver_pizza": fail}).decide(approved=True)
    step = named(steps_of(env.history(INSTANCE)), "deliver_pizza")
    assert (step.state, step.tries, step.ended_at) == ("retrying", 1, None)


def test_a_step_that_gave_up_has_failed_and_what_it_began_is_undone(play, env, refuse):
    play({"deliver_pizza": refuse}).decide(approved=True).end()
    steps = steps_of(env.history(INSTANCE))
    assert named(steps, "deliver_pizza").state == "failed"
    assert named(steps, "recall_delivery").state == "done"


def test_each_round_and_each_try_of_a_pizza_is_a_child_with_its_id(play, env):
    cook = failing("cook_one_pizza", 6)
    play(cook, order=three_pizzas()).pass_time(60).decide(approved=False, remake=True)
    rounds = [step for step in steps_of(env.history(INSTANCE)) if step.kind == "child"]
    assert [step.instance for step in rounds] == [f"{INSTANCE}:round-1", f"{INSTANCE}:round-2"]
    first = rounds[0].instance
    pizzas = [
        step.instance
        for step in steps_of(env.history(first), first, pizzas=3)
        if step.kind == "child"
    ]
    assert pizzas[:3] == [f"{first}:pizza-{pizza}-1" for pizza in (1, 2, 3)]
    for pizza in pizzas:
        assert env.history(pizza), "the engine knows it by this id"


def test_a_pizza_that_failed_is_a_child_with_the_number_of_its_try(play, env):
    left = itertools.count(1)

    def cook(given):
        if given["pizza"] == 2 and next(left) <= 6:
            raise RuntimeError("burnt")
        return ANSWERS["cook_one_pizza"](given)

    play({"cook_one_pizza": cook}, order=three_pizzas()).pass_time(60)
    first = f"{INSTANCE}:round-1"
    pizzas = [s for s in steps_of(env.history(first), first, pizzas=3) if s.kind == "child"]
    assert pizzas[-1].instance == f"{first}:pizza-2-2"
    assert [step.state for step in pizzas] == ["done", "failed", "done", "done"]


def test_an_order_that_waits_for_a_driver_waits_for_a_timer(play, env):
    play({"deliver_pizza": after_waiting(2)}).decide(approved=True).end()
    waits = [s for s in steps_of(env.history(INSTANCE)) if s.kind == "wait"]
    assert [step.name for step in waits] == ["ValidationComplete", "timer", "timer"]
    assert all(step.seconds for step in waits[1:])


def test_a_pause_is_a_step_and_a_terminated_order_s_last_step_is_stopped(play, env):
    order = play()
    env.suspend(INSTANCE)
    order.pass_time(30)
    assert steps_of(env.history(INSTANCE))[-1].state == "running"
    env.resume(INSTANCE)
    env.terminate(INSTANCE)
    wait, pause = steps_of(env.history(INSTANCE))[-2:]
    assert (pause.kind, pause.state, pause.seconds) == ("pause", "done", 30)
    assert (wait.kind, wait.state) == ("wait", "stopped")


@pytest.mark.parametrize("path", golden(), ids=lambda path: path.stem)
def test_every_history_that_was_ever_recorded_can_be_read(path):
    events = load_history(path)
    steps = steps_of(events, pizzas=45)
    scheduled = sum(event.WhichOneof("eventType") == "taskScheduled" for event in events)
    assert sum(step.tries for step in steps if step.kind == "activity") == scheduled
    assert all(step.kind != "child" or step.instance for step in steps)
