import pytest

from tests.hub.answers import (
    history_of,
    output,
    refusal,
    state_of,
    wait_for_custom,
    wait_for_status,
)
from tests.hub.processes import wait_until


def end(client, instance_id: str):
    return client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)


def test_the_name_of_an_event_ignores_case(client) -> None:
    instance_id = client.schedule_new_workflow("waiter", input=["Order_Ready"])
    client.raise_workflow_event(instance_id, "ORDER_ready", data={"n": 1})
    assert output(end(client, instance_id)) == [{"n": 1}]


def test_events_that_come_early_are_kept_in_their_order(client) -> None:
    instance_id = client.schedule_new_workflow("waiter", input=["b", "a", "a", "a"])
    for number in (1, 2, 3):
        client.raise_workflow_event(instance_id, "a", data=number)
    client.raise_workflow_event(instance_id, "b")
    assert output(end(client, instance_id)) == [None, 1, 2, 3]


def test_events_for_a_suspended_workflow_count_when_it_is_resumed(client) -> None:
    instance_id = client.schedule_new_workflow("waiter", input=["go", "go"])
    wait_for_custom(client, instance_id, "waiting")
    client.pause_workflow(instance_id)
    wait_for_status(client, instance_id, "SUSPENDED")
    for number in (1, 2):
        client.raise_workflow_event(instance_id, "go", data=number)
    with pytest.raises(TimeoutError):
        client.wait_for_workflow_completion(instance_id, timeout_in_seconds=1)
    client.resume_workflow(instance_id)
    assert output(end(client, instance_id)) == [1, 2]


def test_a_workflow_suspended_while_a_timer_runs_out_goes_on_when_it_is_resumed(client) -> None:
    instance_id = client.schedule_new_workflow("sleeper", input=3)
    client.wait_for_workflow_start(instance_id, timeout_in_seconds=30)
    client.pause_workflow(instance_id)
    wait_for_status(client, instance_id, "SUSPENDED")
    with pytest.raises(TimeoutError):
        client.wait_for_workflow_completion(instance_id, timeout_in_seconds=4)
    client.resume_workflow(instance_id)
    assert output(end(client, instance_id)) >= 3


@pytest.mark.localdapr_only("in the runtime it does: docs/localdapr.md")
def test_pausing_twice_and_resuming_twice_harms_nobody(client) -> None:
    instance_id = client.schedule_new_workflow("waiter")
    client.resume_workflow(instance_id)
    client.pause_workflow(instance_id)
    client.pause_workflow(instance_id)
    client.raise_workflow_event(instance_id, "go", data="in between")
    client.resume_workflow(instance_id)
    client.resume_workflow(instance_id)
    assert output(end(client, instance_id)) == ["in between"]


def test_a_workflow_that_is_not_there_is_not_told_anything(client) -> None:
    calls = (
        lambda: client.raise_workflow_event("missing", "go"),
        lambda: client.pause_workflow("missing"),
        lambda: client.resume_workflow("missing"),
        lambda: client.terminate_workflow("missing"),
    )
    for call in calls:
        code, text = refusal(call)
        assert code == "UNKNOWN"
        assert text.endswith("no such instance exists")


def test_what_comes_for_a_finished_workflow_is_taken_and_has_no_effect(client, run) -> None:
    state = run("echo", "done")
    client.raise_workflow_event(state.instance_id, "go")
    client.pause_workflow(state.instance_id)
    client.resume_workflow(state.instance_id)
    client.terminate_workflow(state.instance_id)
    assert output(state_of(client, state.instance_id)) == "done"
    assert len(history_of(client, state.instance_id)) == 3


def test_a_wait_with_a_deadline_takes_the_event_or_the_time(client, run) -> None:
    assert output(run("patient", 0.2)) == "timeout"
    instance_id = client.schedule_new_workflow("patient", input=60)
    client.raise_workflow_event(instance_id, "go", data="in time")
    assert output(end(client, instance_id)) == "in time"


def test_events_that_wait_go_on_to_the_execution_that_begins_anew(client) -> None:
    instance_id = client.schedule_new_workflow("counter", input={"rounds": 5, "keep": True})
    for number in range(1, 6):
        client.raise_workflow_event(instance_id, "go", data=number)
    assert output(end(client, instance_id)) == [1, 2, 3, 4, 5]


def test_a_workflow_that_begins_anew_without_its_events_waits_for_new_ones(client) -> None:
    instance_id = client.schedule_new_workflow("counter", input={"rounds": 2, "keep": False})
    client.raise_workflow_event(instance_id, "go", data=1)

    def begun_anew() -> bool:
        state = state_of(client, instance_id)
        return state is not None and '"got"' in (state.serialized_input or "")

    wait_until(begun_anew, "the second execution has begun")
    client.raise_workflow_event(instance_id, "go", data=2)
    assert output(end(client, instance_id)) == [1, 2]
