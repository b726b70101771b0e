import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from tests.hub.answers import output, refusal, status, wait_for_status


def test_a_workflow_takes_its_input_and_gives_its_output(run) -> None:
    assert output(run("chain", 1)) == 4


def test_an_id_that_nobody_chose_is_32_hex_digits(client) -> None:
    instance_id = client.schedule_new_workflow("echo")
    assert uuid.UUID(instance_id).hex == instance_id


@pytest.mark.parametrize("given", [None, 0, "", [], {"a": "ü"}, "x" * 1000])
def test_input_goes_through_as_it_is(run, given) -> None:
    state = run("echo", given)
    assert output(state) == given


def test_an_active_id_is_refused_and_a_finished_one_may_be_used_again(client, run) -> None:
    client.schedule_new_workflow("waiter", instance_id="taken")
    assert refusal(lambda: client.schedule_new_workflow("echo", instance_id="taken")) == (
        "UNKNOWN",
        "failed to create workflow instance: an active workflow with ID 'taken' already exists",
    )
    client.raise_workflow_event("taken", "go", data=1)
    client.wait_for_workflow_completion("taken", timeout_in_seconds=30)
    assert output(run("echo", "second", instance_id="taken")) == "second"


def test_of_many_that_start_one_id_at_once_one_wins(client) -> None:
    def start(_: int) -> bool:
        try:
            client.schedule_new_workflow("waiter", instance_id="contended")
        except grpc.RpcError:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(start, range(20))) == 1
    client.terminate_workflow("contended")


def test_a_later_start_waits_for_its_time(client) -> None:
    start_at = datetime.now(UTC) + timedelta(seconds=5)
    instance_id = client.schedule_new_workflow("echo", input="late", start_at=start_at)
    with pytest.raises(TimeoutError):
        client.wait_for_workflow_start(instance_id, timeout_in_seconds=1)
    assert status(client, instance_id) == "PENDING"
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)
    assert output(state) == "late"
    assert state.last_updated_at.replace(tzinfo=UTC) >= start_at


def test_a_start_in_the_past_is_now(run) -> None:
    assert output(run("echo", 1, start_at=datetime.now(UTC) - timedelta(hours=1))) == 1


@pytest.mark.localdapr_only("on the runtime it does")
def test_an_event_does_not_hasten_a_later_start(client) -> None:
    start_at = datetime.now(UTC) + timedelta(seconds=1)
    instance_id = client.schedule_new_workflow("waiter", start_at=start_at)
    client.raise_workflow_event(instance_id, "go", data="early")
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)
    assert output(state) == ["early"]
    assert state.last_updated_at.replace(tzinfo=UTC) >= start_at


@pytest.mark.localdapr_only("on the runtime it cannot")
def test_a_later_start_can_be_terminated_before(client) -> None:
    start_at = datetime.now(UTC) + timedelta(hours=1)
    instance_id = client.schedule_new_workflow("echo", start_at=start_at)
    client.terminate_workflow(instance_id, output="never mind")
    wait_for_status(client, instance_id, "TERMINATED")


def test_a_wait_for_the_start_ends_when_the_first_turn_was_run(client) -> None:
    instance_id = client.schedule_new_workflow("waiter")
    state = client.wait_for_workflow_start(instance_id, timeout_in_seconds=30)
    assert state.runtime_status.name == "RUNNING"
    client.terminate_workflow(instance_id)


def test_an_id_that_is_not_there(client) -> None:
    assert client.get_workflow_state("missing") is None
    for wait in (client.wait_for_workflow_start, client.wait_for_workflow_completion):
        with pytest.raises(TimeoutError):
            wait("missing", timeout_in_seconds=1)


def test_a_wait_may_begin_before_the_start(client) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.wait_for_workflow_completion, "soon", timeout_in_seconds=30)
        client.schedule_new_workflow("echo", input="there", instance_id="soon")
        assert output(waiting.result(30)) == "there"


def test_a_workflow_that_no_worker_knows_fails(run) -> None:
    state = run("unheard_of")
    assert state.runtime_status.name == "FAILED"
    assert "unheard_of" in state.failure_details.message
