import pytest

from tests.hub.answers import output, refusal
from tests.hub.conftest import client_of
from tests.hub.raw import worker_here
from tests.hub.workflows import register


def test_the_ids_of_an_app_come_in_pages(own_engine, own_client) -> None:
    with worker_here(own_engine, register):
        ids = [own_client.schedule_new_workflow("echo", instance_id=f"i{n}") for n in range(5)]
    page = own_client.list_workflow_instance_ids(page_size=3)
    assert page.instance_ids == ids[:3]
    token = page.continuation_token
    rest = own_client.list_workflow_instance_ids(page_size=3, continuation_token=token)
    assert (rest.instance_ids, rest.continuation_token) == (ids[3:], None)
    assert list(own_client.iter_workflow_instance_ids(page_size=2)) == ids


def test_the_history_tells_all_that_happened(client, run) -> None:
    state = run("parent", {"workflow": "echo", "input": 1, "id": "told"})
    history = client.get_workflow_history(state.instance_id)
    assert [(happened.event_id, happened.event_type.value) for happened in history] == [
        (-1, "workflowStarted"),
        (-1, "executionStarted"),
        (1, "childWorkflowInstanceCreated"),
        (-1, "workflowStarted"),
        (-1, "childWorkflowInstanceCompleted"),
        (2, "executionCompleted"),
    ]


def test_there_is_no_history_of_what_is_not_there(client) -> None:
    assert refusal(lambda: client.get_workflow_history("missing")) == (
        "NOT_FOUND",
        "workflow instance 'missing' not found",
    )


def test_a_finished_workflow_is_run_again_from_one_of_its_events(client, run) -> None:
    first = run("chain", 1)
    again = client.rerun_workflow_from_event(first.instance_id, 2, input=10)
    state = client.wait_for_workflow_completion(again, timeout_in_seconds=30)
    assert output(state) == 12
    history = client.get_workflow_history(again)
    assert sum(happened.event_type.value == "taskCompleted" for happened in history) == 3


def test_what_cannot_be_run_again_is_refused(client, run) -> None:
    done = run("chain", 1).instance_id
    waits = client.schedule_new_workflow("waiter")
    again = client.rerun_workflow_from_event
    assert refusal(lambda: again("missing", 1))[0] == "NOT_FOUND"
    assert refusal(lambda: again(done, 99))[0] == "NOT_FOUND"
    assert refusal(lambda: again(done, 4))[0] == "NOT_FOUND"
    assert refusal(lambda: again(waits, 1))[0] == "INVALID_ARGUMENT"
    assert refusal(lambda: again(done, 1, new_instance_id=waits))[0] == "ALREADY_EXISTS"
    client.terminate_workflow(waits)


@pytest.mark.parametrize("workflow", ["echo", "chain"])
def test_an_instance_of_another_app_is_not_seen(engine, client, run, workflow) -> None:
    done = run(workflow, 1).instance_id
    with client_of(engine, "other") as other:
        assert other.get_workflow_state(done) is None
