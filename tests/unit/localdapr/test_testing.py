"""WorkflowEnvironment, as a user of localdapr.testing meets it."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from dapr.ext.workflow import RetryPolicy, when_any

from localdapr.errors import UsageError
from localdapr.replaying import IncompatibleCodeError, load_history, save_history
from localdapr.testing import StuckError, WorkflowEnvironment

TWICE = RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=2)


def cook(ctx, size):
    return f"{size} pizza"


def deliver(ctx, pizza):
    return f"{pizza} delivered"


def story(ctx, order):
    pizza = yield ctx.call_activity(cook, input=order["size"], retry_policy=TWICE)
    ctx.set_custom_status("waiting")
    approved = yield ctx.wait_for_external_event("Approved")
    if not approved:
        raise ValueError("rejected")
    return (yield ctx.call_activity(deliver, input=pizza))


def patient(ctx, _):
    answer = ctx.wait_for_external_event("Answer")
    late = ctx.create_timer(timedelta(days=2))
    first = yield when_any([answer, late])
    return "late" if first == late else answer.get_result()


def countdown(ctx, n):
    yield ctx.create_timer(timedelta(hours=1))
    if n:
        ctx.continue_as_new(n - 1, save_events=True)
        return None
    return (yield ctx.wait_for_external_event("go"))


def family(ctx, sizes):
    total = []
    for size in sizes:
        total.append((yield ctx.call_child_workflow(child, input=size)))
    return total


def child(ctx, size):
    return (yield ctx.call_activity(cook, input=size))


@pytest.fixture
def env():
    stories = [story, patient, countdown, family, child]
    with WorkflowEnvironment(workflows=stories, activities=[cook, deliver]) as environment:
        yield environment


def test_a_story_runs_to_its_end(env) -> None:
    order = env.start(story, {"size": "large"})
    assert env.state(order).custom_status == "waiting"
    env.raise_event(order, "approved", True)
    assert env.state(order).output == "large pizza delivered"
    assert env.called() == {"cook": 1, "deliver": 1}


def test_days_pass_at_once(env) -> None:
    order, before = env.start(patient), env.now
    assert env.wait(order).output == "late"
    assert env.now - before == timedelta(days=2)


def test_the_clock_moves_only_as_far_as_told(env) -> None:
    order = env.start(patient)
    env.advance(timedelta(days=1))
    env.raise_event(order, "Answer", 42)
    assert env.state(order).output == 42


def test_an_activity_that_fails_once_is_tried_again_after_its_interval(env) -> None:
    env.fail(cook, times=1)
    order, before = env.start(story, {"size": "small"}), env.now
    env.advance(timedelta(hours=1))
    assert env.state(order).custom_status == "waiting"
    assert env.now - before == timedelta(hours=1)
    assert env.called()["cook"] == 2


def test_an_activity_that_goes_on_failing_fails_the_story(env) -> None:
    env.fail(cook, times=2, error=RuntimeError("oven cold"))
    outcome = env.wait(env.start(story, {"size": "small"}))
    assert outcome.status == "FAILED"
    assert "oven cold" in outcome.error


def test_a_fake_stands_in_for_an_activity(env) -> None:
    env.fake(deliver, lambda pizza: f"{pizza} by drone")
    order = env.start(story, {"size": "large"})
    env.raise_event(order, "Approved", True)
    assert env.state(order).output == "large pizza by drone"


def test_a_fake_or_a_failure_of_an_activity_that_is_not_there_is_an_error(env) -> None:
    said = "no activity 'coook' is registered; there are cook, deliver"
    with pytest.raises(UsageError, match=said):
        env.fake("coook", lambda _: None)
    with pytest.raises(UsageError, match=said):
        env.fail("coook", 3)


def orders_in(ctx, app_id):
    dough = yield ctx.call_activity("knead", app_id=app_id, input=1, retry_policy=TWICE)
    return [dough, (yield ctx.call_activity(cook, app_id=app_id, input="large"))]


def test_an_activity_of_another_app_is_faked_by_its_app(env_of_two_apps) -> None:
    env = env_of_two_apps
    env.fake("knead", lambda n: f"dough {n}", app_id="bakery")
    env.fail("knead", 1, app_id="bakery")
    assert env.wait(env.start(orders_in, "bakery")).output == ["dough 1", "large pizza"]
    assert env.called() == {"knead": 2, "cook": 1}
    env.fake(cook, lambda size: f"{size} pie", app_id="bakery")
    assert env.wait(env.start(orders_in, "bakery")).output == ["dough 1", "large pie"]


def test_a_call_of_another_app_that_nothing_stands_for_says_so(env_of_two_apps) -> None:
    env_of_two_apps.fake("knead", lambda n: n, app_id="bakery")
    with pytest.raises(UsageError, match=r"'knead' of the app 'mill'.*env\.fake"):
        env_of_two_apps.start(orders_in, "mill")


def test_a_call_of_an_activity_that_is_not_registered_says_so(env_of_two_apps) -> None:
    outcome = env_of_two_apps.wait(env_of_two_apps.start(orders_in))
    assert (outcome.status, outcome.error_type) == ("FAILED", "TaskFailedError")
    assert "'knead'" in outcome.error
    assert "not registered" in outcome.error


@pytest.fixture
def env_of_two_apps():
    with WorkflowEnvironment(workflows=[orders_in], activities=[cook]) as environment:
        yield environment


def test_what_comes_while_suspended_counts_on_resume(env) -> None:
    order = env.start(story, {"size": "large"})
    env.suspend(order)
    env.raise_event(order, "Approved", True)
    assert env.state(order).status == "SUSPENDED"
    env.resume(order)
    assert env.state(order).status == "COMPLETED"


def test_termination_ends_at_once(env) -> None:
    order = env.start(story, {"size": "large"})
    env.terminate(order, "closed")
    assert (env.state(order).status, env.state(order).output) == ("TERMINATED", "closed")


def test_continue_as_new_keeps_early_events(env) -> None:
    order = env.start(countdown, 3)
    env.raise_event(order, "go", "early")
    assert env.wait(order).output == "early"


def test_children_run_too(env) -> None:
    assert env.wait(env.start(family, ["small", "large"])).output == ["small pizza", "large pizza"]


def test_activities_may_be_coroutines_and_may_take_no_input() -> None:
    async def heat(ctx, degrees):
        return f"{degrees} degrees"

    def ring(ctx):
        return "rung"

    def bake(ctx, degrees):
        hot = yield ctx.call_activity(heat, input=degrees)
        return [hot, (yield ctx.call_activity(ring))]

    with WorkflowEnvironment(workflows=[bake], activities=[heat, ring]) as env:
        assert env.wait(env.start(bake, 250)).output == ["250 degrees", "rung"]
        env.fake(heat, lambda degrees: "cold")
        assert env.wait(env.start(bake, 250)).output == ["cold", "rung"]


def test_in_a_test_that_is_a_coroutine_too_activities_and_fakes_may_be_coroutines() -> None:
    async def heat(ctx, degrees):
        await asyncio.sleep(0)
        return degrees

    def bake(ctx, degrees):
        hot = yield ctx.call_activity(heat, input=degrees)
        return [hot, (yield ctx.wait_for_external_event("Served"))]

    async def play() -> list:
        with WorkflowEnvironment(workflows=[bake], activities=[heat]) as env:
            first = env.start(bake, 250)
            env.fake(heat, lambda _: env.raise_event(first, "Served", "hot"))
            env.start(bake, 100)
            return [env.state(first).output, env.state(first).error]

    assert asyncio.run(play()) == [[250, "hot"], None]


def test_waiting_for_what_only_an_event_can_bring_is_an_error(env) -> None:
    with pytest.raises(StuckError, match="waits for an event"):
        env.wait(env.start(story, {"size": "large"}))


def eternal(ctx, hours):
    yield ctx.create_timer(timedelta(hours=hours))
    ctx.continue_as_new(hours)


def without_a_pause(ctx, _):
    ctx.continue_as_new(None)
    yield ctx.call_activity(cook)


@pytest.fixture
def env_with_eternal_ones(monkeypatch):
    monkeypatch.setattr("localdapr.testing.TURNS", 40)
    with WorkflowEnvironment(
        workflows=[eternal, without_a_pause, patient, story, parent_of_patient],
        activities=[cook, deliver],
    ) as environment:
        yield environment


def parent_of_patient(ctx, _):
    return (yield ctx.call_child_workflow(patient))


def test_waiting_beside_an_eternal_workflow_ends_too() -> None:
    with WorkflowEnvironment(workflows=[eternal, story], activities=[cook]) as env:
        env.start(eternal, 1)
        with pytest.raises(StuckError, match=r"RUNNING \(waiting\) and .* waits for an event"):
            env.wait(env.start(story, {"size": "large"}))


@pytest.mark.parametrize("hours", [1, 0])
def test_an_eternal_workflow_cannot_be_waited_for(env_with_eternal_ones, hours) -> None:
    with pytest.raises(StuckError, match=r"circle|without the clock moving"):
        env_with_eternal_ones.wait(env_with_eternal_ones.start(eternal, hours))


def test_a_circle_without_a_pause_is_found(env_with_eternal_ones) -> None:
    with pytest.raises(StuckError, match="turns without the clock moving"):
        env_with_eternal_ones.start(without_a_pause)


def test_a_circle_of_pauses_that_take_no_time_is_found(env_with_eternal_ones) -> None:
    env_with_eternal_ones.start(eternal, 0)
    with pytest.raises(StuckError, match="timers without the clock moving"):
        env_with_eternal_ones.advance(timedelta(hours=1))


@pytest.mark.parametrize("sleeper", [patient, parent_of_patient])
def test_others_timers_do_not_count_while_one_sleeps(env_with_eternal_ones, sleeper) -> None:
    env = env_with_eternal_ones
    env.start(eternal, 1)
    assert env.wait(env.start(sleeper)).output == "late"


def test_nobody_is_waited_for_through_timers_without_number(
    env_with_eternal_ones, monkeypatch
) -> None:
    monkeypatch.setattr("localdapr.testing.TIMERS", 40)
    env_with_eternal_ones.start(eternal, 1)
    with pytest.raises(StuckError, match="has not ended"):
        env_with_eternal_ones.wait(env_with_eternal_ones.start(patient))


def test_two_environments_share_functions(env) -> None:
    with WorkflowEnvironment(workflows=[child], activities=[cook]) as other:
        assert other.wait(other.start(child, "small")).output == "small pizza"


def recorded(env) -> list:
    order = env.start(story, {"size": "large"})
    env.raise_event(order, "Approved", True)
    return env.history(order)


def test_a_recorded_history_fits_the_code_that_made_it(env, tmp_path: Path) -> None:
    save_history(tmp_path / "happy.json", recorded(env))
    env.replay(load_history(tmp_path / "happy.json"))


def changed(ctx, order):
    pizza = yield ctx.call_activity(cook, input=order["size"], retry_policy=TWICE)
    yield ctx.call_activity(deliver, input=pizza)


def patched(ctx, order):
    if ctx.is_patched("no approval"):
        return (yield ctx.call_activity(deliver, input="x"))
    return (yield from story(ctx, order))


@pytest.mark.parametrize(("today", "fits"), [(changed, False), (patched, True)])
def test_changed_code_fits_an_old_history_only_behind_a_patch(env, today, fits) -> None:
    history = recorded(env)
    today.__name__ = "story"
    with WorkflowEnvironment(workflows=[today], activities=[cook, deliver]) as later:
        if fits:
            later.replay(history)
        else:
            with pytest.raises(IncompatibleCodeError, match=r"in turn \d.*is_patched"):
                later.replay(history)


def test_the_clock_is_never_moved_back(env) -> None:
    before = env.now
    with pytest.raises(UsageError, match="cannot be moved back"):
        env.advance(timedelta(hours=-5))
    assert env.now == before


def test_an_environment_is_used_between_its_entry_and_its_exit() -> None:
    env = WorkflowEnvironment(workflows=[child], activities=[cook])
    with pytest.raises(UsageError, match="with WorkflowEnvironment"):
        env.start(child, "small")
    with env:
        order = env.start(child, "small")
    with pytest.raises(UsageError, match="with WorkflowEnvironment"):
        env.state(order)
