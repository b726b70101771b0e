import json
from datetime import UTC, datetime

import pytest

from localdapr.wire import pb
from tests.hub.answers import output, refusal, status, wait_for_status
from tests.hub.raw import stub_of


@pytest.fixture
def family(client):
    """A parent whose child waits; their ids."""

    def begin(name: str) -> tuple[str, str]:
        child = f"{name}-child"
        given = {"workflow": "waiter", "id": child}
        client.schedule_new_workflow("parent", input=given, instance_id=name)
        wait_for_status(client, child, "RUNNING")
        return name, child

    return begin


def test_terminating_a_parent_ends_its_children_with_the_same_output(client, family) -> None:
    ids = family("doomed")
    client.terminate_workflow(ids[0], output={"why": "test"})
    for instance_id in ids:
        state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)
        assert state.runtime_status.name == "TERMINATED"
        assert json.loads(state.serialized_output) == {"why": "test"}


def test_a_parent_terminated_alone_leaves_its_child_running_and_is_not_purged_with_it(
    client, family
) -> None:
    parent, child = family("alone")
    client.terminate_workflow(parent, recursive=False)
    wait_for_status(client, parent, "TERMINATED")
    assert status(client, child) == "RUNNING"
    code, _ = refusal(lambda: client.purge_workflow(parent, recursive=True))
    assert code == "UNKNOWN"
    assert status(client, parent) == "TERMINATED"
    client.raise_workflow_event(child, "go", data=1)
    wait_for_status(client, child, "COMPLETED")


def test_a_purge_takes_the_children_too(client, family) -> None:
    parent, child = family("gone")
    client.raise_workflow_event(child, "go")
    client.wait_for_workflow_completion(parent, timeout_in_seconds=30)
    client.purge_workflow(parent)
    assert [status(client, name) for name in (parent, child)] == [None, None]


def test_a_purge_that_is_not_recursive_leaves_the_children(client, family) -> None:
    parent, child = family("left")
    client.raise_workflow_event(child, "go")
    client.wait_for_workflow_completion(parent, timeout_in_seconds=30)
    client.purge_workflow(parent, recursive=False)
    assert [status(client, name) for name in (parent, child)] == [None, "COMPLETED"]


def test_a_running_or_missing_workflow_is_not_purged(client) -> None:
    instance_id = client.schedule_new_workflow("waiter")
    client.wait_for_workflow_start(instance_id, timeout_in_seconds=30)
    assert refusal(lambda: client.purge_workflow(instance_id)) == (
        "UNKNOWN",
        "failed to purge workflow state: orchestration has not yet completed",
    )
    code, text = refusal(lambda: client.purge_workflow("missing"))
    assert code == "UNKNOWN"
    assert text.startswith("failed to purge workflow state:")
    assert text.endswith("no such instance exists")
    client.terminate_workflow(instance_id)


@pytest.mark.localdapr_only("the runtime has no purge by filter")
def test_a_purge_by_filter_takes_what_was_created_in_a_time_and_ended_so(
    engine, client, run
) -> None:
    before, _ = run("echo", 1), run("echo", 2)
    begin = datetime.now(UTC)
    failed, fine = run("failing", "no"), run("echo", 3)
    request = pb.PurgeInstancesRequest()
    request.purgeInstanceFilter.createdTimeFrom.FromDatetime(begin)
    request.purgeInstanceFilter.runtimeStatus.append(pb.ORCHESTRATION_STATUS_FAILED)
    with stub_of(engine) as stub:
        assert stub.PurgeInstances(request).deletedInstanceCount == 1
    left = [status(client, state.instance_id) for state in (before, failed, fine)]
    assert left == ["COMPLETED", None, "COMPLETED"]


def test_a_failure_is_shown_with_its_type_and_text(run) -> None:
    state = run("failing", "burnt wörld")
    assert state.runtime_status.name == "FAILED"
    assert (state.failure_details.error_type, state.failure_details.message) == (
        "ValueError",
        "burnt wörld",
    )


def test_a_failed_activity_is_tried_as_often_as_its_policy_says(run) -> None:
    assert output(run("retried", {"failures": 2, "attempts": 3})) == 3
    state = run("retried", {"failures": 3, "attempts": 3})
    assert state.runtime_status.name == "FAILED"
    assert "attempt 3" in state.failure_details.message
