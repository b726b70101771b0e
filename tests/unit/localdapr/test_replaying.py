"""A recorded history against today's code: what an instance in flight could not go on with."""

from datetime import timedelta
from itertools import count

import pytest
from dapr.ext.workflow import PropagationScope, RetryPolicy, when_all, when_any

from localdapr.engine.inbox import raised
from localdapr.engine.instance import Instance, Status
from localdapr.engine.rerun import RerunRequest, rerun
from localdapr.errors import UsageError
from localdapr.replaying import IncompatibleCodeError
from localdapr.testing import WorkflowEnvironment
from localdapr.wire import HistoryEvent

HOUR = timedelta(hours=1)
TWICE = RetryPolicy(first_retry_interval=HOUR, max_number_of_attempts=2)


def a(ctx, _):
    return "a"


def b(ctx, _):
    return "b"


def environment(*workflows) -> WorkflowEnvironment:
    return WorkflowEnvironment(workflows=workflows, activities=[a, b])


def history_of(story, events=(), prepare=lambda env: None) -> list[HistoryEvent]:
    """Made by `story` as the workflow "story"; it may still be under way at the end."""
    with environment(named(story), child) as env:
        prepare(env)
        order = env.start("story")
        for event in events:
            env.raise_event(order, event, 1)
        env.advance(timedelta(hours=2))
        return env.history(order)


def named(workflow):
    def copy(ctx, given):
        return workflow(ctx, given)

    copy.__name__ = "story"
    return copy


def replay(today, history) -> None:
    with environment(named(today), child) as env:
        env.replay(history)


def child(ctx, _):
    return (yield ctx.call_activity(a))


def a_then_b(ctx, _):
    yield ctx.call_activity(a)
    yield ctx.call_activity(b)
    return "done"


def at_once(ctx, _):
    return 1


def only_a(ctx, _):
    yield ctx.call_activity(a)


def waits_at_the_end(ctx, _):
    yield from a_then_b(ctx, _)
    yield ctx.wait_for_external_event("More")


def sleeps_at_the_end(ctx, _):
    yield from a_then_b(ctx, _)
    yield ctx.create_timer(HOUR)


def begins_anew_at_the_end(ctx, _):
    yield from a_then_b(ctx, _)
    ctx.continue_as_new(None)


def fails_at_the_end(ctx, _):
    yield from a_then_b(ctx, _)
    raise KeyError("gone")


def b_in_a_child(ctx, _):
    yield ctx.call_activity(a)
    yield ctx.call_child_workflow(child)


def a_and_b_at_once(ctx, _):
    yield ctx.call_activity(a)
    ctx.call_activity(a)
    yield ctx.call_activity(b)


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (at_once, r"turn 1 \(executionStarted\).*step 1: activity 'a'.*code: end 'COMPLETED'"),
        (only_a, r"turn 2 \(taskCompleted\).*step 1: activity 'b'.*code: end 'COMPLETED'"),
        (waits_at_the_end, r"turn 3.*: end 'COMPLETED'.*code: wait for event 'More'"),
        (sleeps_at_the_end, r"turn 3.*: end 'COMPLETED'.*code: timer\."),
        (begins_anew_at_the_end, r"turn 3.*: end 'COMPLETED'.*code: end 'CONTINUED_AS_NEW'"),
        (fails_at_the_end, r"turn 3.*KeyError"),
        (b_in_a_child, r"turn 2.*: activity 'b'.*code: child workflow 'child'"),
        (a_and_b_at_once, r"turn 2.*: activity 'b'.*code: activity 'a'"),
    ],
)
def test_code_that_does_not_do_what_is_recorded_is_found_and_the_place_named(today, said) -> None:
    with pytest.raises(IncompatibleCodeError, match=rf"{said}.*is_patched"):
        replay(today, history_of(a_then_b))


def waits_for_go(ctx, _):
    return (yield ctx.wait_for_external_event("Go"))


def waits_for_gone(ctx, _):
    return (yield ctx.wait_for_external_event("Gone"))


def waits_an_hour_for_gone(ctx, _):
    return (yield ctx.wait_for_external_event("Gone", timeout=3 * HOUR))


def waits_an_hour_for_go(ctx, _):
    return (yield ctx.wait_for_external_event("GO", timeout=3 * HOUR))


@pytest.mark.parametrize("events", [["Go"], []], ids=["completed", "in flight"])
@pytest.mark.parametrize(
    ("before", "today"),
    [(waits_for_go, waits_for_gone), (waits_an_hour_for_go, waits_an_hour_for_gone)],
)
def test_an_event_of_another_name_is_found(before, today, events) -> None:
    said = r"turn 1.*wait for event 'G[oO]'.*code: wait for event 'Gone'"
    with pytest.raises(IncompatibleCodeError, match=said):
        replay(today, history_of(before, events))


def first_of_both(ctx, _):
    yield when_any([ctx.wait_for_external_event("Go"), ctx.create_timer(3 * HOUR)])


def both(ctx, _):
    yield when_all([ctx.wait_for_external_event("Go"), ctx.create_timer(3 * HOUR)])


def test_an_end_that_no_longer_comes_is_found() -> None:
    with pytest.raises(IncompatibleCodeError, match=r"turn 2.*code: nothing, it goes on waiting"):
        replay(both, history_of(first_of_both, ["Go"]))


def goes_on_after_a_deadline(ctx, _):
    yield when_any([ctx.wait_for_external_event("Go", timeout=3 * HOUR)])
    yield from a_then_b(ctx, _)


def goes_on(ctx, _):
    yield ctx.wait_for_external_event("go")
    yield from a_then_b(ctx, _)


@pytest.mark.parametrize("events", [[], ["Go"]])
def test_a_wait_may_get_a_deadline_while_an_instance_is_in_flight(events) -> None:
    replay(goes_on_after_a_deadline, history_of(goes_on, events))


def retries(ctx, _):
    yield ctx.call_activity(a, retry_policy=TWICE)


def counts(ctx, n):
    yield ctx.create_timer(HOUR)
    if not n:
        ctx.continue_as_new(1, save_events=True)
        return None
    return (yield ctx.wait_for_external_event("go"))


def lists_its_waits(ctx, _):
    yield when_any([ctx.wait_for_external_event("Yes"), ctx.wait_for_external_event("No")])
    yield ctx.call_child_workflow(child)
    yield ctx.create_timer(HOUR)


def asks_for_what_is_refused(ctx, _):
    yield ctx.call_activity(a, propagation=PropagationScope.LINEAGE)


@pytest.mark.parametrize("events", [[], ["go"], ["unheard of", "Go"], ["no", "no", "yes"]])
@pytest.mark.parametrize(
    "story",
    [
        a_then_b,
        waits_for_go,
        waits_an_hour_for_go,
        retries,
        counts,
        lists_its_waits,
        asks_for_what_is_refused,
    ],
)
def test_unchanged_code_goes_on_from_every_turn(story, events) -> None:
    replay(story, history_of(story, events, lambda env: env.fail(a, times=1)))


def paused_and_ended() -> list[HistoryEvent]:
    with environment(named(goes_on)) as env:
        order = env.start("story")
        env.suspend(order)
        env.raise_event(order, "Go")
        env.resume(order)
        other = env.start("story")
        env.suspend(other)
        env.raise_event(other, "Go")
        env.terminate(other, "closed")
        assert [env.state(i).status for i in (order, other)] == ["COMPLETED", "TERMINATED"]
        return [env.history(order), env.history(other)]


def test_pauses_and_terminations_are_replayed_as_they_were() -> None:
    for history in paused_and_ended():
        replay(goes_on, history)
        with pytest.raises(IncompatibleCodeError, match=r"turn 1.*code: activity 'a'"):
            replay(a_then_b, history)


def begins_anew_on_go(ctx, _):
    yield ctx.wait_for_external_event("Go")
    ctx.continue_as_new(None)


def test_a_termination_that_came_amid_a_continue_as_new_is_replayed_as_it_was() -> None:
    with environment(named(begins_anew_on_go)) as env:
        order = env.start("story")
        env.terminate(order)
        history = env.history(order)
    at = next(n for n, e in enumerate(history) if e.HasField("executionTerminated"))
    replay(begins_anew_on_go, [*history[:at], raised("Go", None, 0), *history[at:]])


def as_an_older_sdk(history) -> list[HistoryEvent]:
    """Without the timer of a wait that is the first step: the ids of all others are lower."""
    older = [HistoryEvent.FromString(e.SerializeToString()) for e in history]
    for happened in older:
        if happened.eventId > 0:
            happened.eventId -= 1
        if happened.HasField("taskCompleted"):
            happened.taskCompleted.taskScheduledId -= 1
    return [e for e in older if not e.timerCreated.HasField("externalEvent")]


def test_a_history_of_a_sdk_without_timers_for_endless_waits_is_gone_on_with() -> None:
    history = as_an_older_sdk(history_of(goes_on, ["Go"]))
    replay(goes_on, history)
    with pytest.raises(IncompatibleCodeError, match=r"turn 2.*code: end 'COMPLETED'"):
        replay(waits_for_go, history)


def rerun_of(history, event_id: int) -> list[HistoryEvent]:
    source = Instance("test", "order", "x", "story", Status.COMPLETED, 0, 0)
    return rerun(source, history, RerunRequest(event_id, "again"), 0, map(str, count())).history


def three_at_once(ctx, _):
    yield when_all([ctx.call_activity(a), ctx.call_activity(b), ctx.call_activity(a)])


@pytest.mark.parametrize("event_id", [1, 2, 3])
def test_a_rerun_which_records_steps_later_than_they_were_asked_for_is_gone_on_with(
    event_id,
) -> None:
    history = rerun_of(history_of(three_at_once), event_id)
    replay(three_at_once, history)


def test_a_change_behind_a_patch_leaves_the_recorded_path_alone() -> None:
    def patched(ctx, _):
        yield ctx.call_activity(a)
        if not ctx.is_patched("no b"):
            yield ctx.call_activity(b)
        return "done"

    replay(patched, history_of(a_then_b))
    replay(patched, history_of(patched))
    with pytest.raises(IncompatibleCodeError, match="patch"):
        replay(a_then_b, history_of(patched))


def release(*versions: str) -> WorkflowEnvironment:
    def register(runtime) -> None:
        for version in versions:
            runtime.register_versioned_workflow(
                named(a_then_b),
                name="story",
                version_name=version,
                is_latest=version == versions[-1],
            )

    return WorkflowEnvironment(register=register, activities=[a, b])


def test_a_version_that_is_no_longer_there_is_found() -> None:
    with release("v1") as env:
        history = env.history(env.start("story"))
    with release("v1", "v2") as later:
        later.replay(history)
    with (
        release("v2") as env,
        pytest.raises(IncompatibleCodeError, match=r"turn 1.*for want of a workflow"),
    ):
        env.replay(history)


@pytest.mark.parametrize("history", [[], [HistoryEvent()]], ids=["empty", "not begun"])
def test_a_history_without_a_beginning_cannot_be_replayed(history) -> None:
    with pytest.raises(UsageError, match="executionStarted"):
        replay(a_then_b, history)
