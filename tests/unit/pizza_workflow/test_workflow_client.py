import threading
import time

import grpc
import pytest
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb

from pizza_common.errors import NotFound, SidecarUnavailable
from tests.unit.pizza_workflow.stub_task_hub import RunningTaskHub, StubTaskHub
from tests.unit.services import ORDER
from workflow_client import Instance, WorkflowClient
from workflow_settings import WorkflowSettings

TICKET = {"order": ORDER, "validation_seconds": 60}


@pytest.fixture
def hub():
    return StubTaskHub()


@pytest.fixture
def running(hub):
    with RunningTaskHub(hub) as running:
        yield running


@pytest.fixture
def client(running):
    client = WorkflowClient(WorkflowSettings(dapr_grpc_port=running.port, pizza_sidecar_timeout=5))
    yield client
    client.close()


@pytest.fixture(params=["real", "fake"])
def either(request):
    """The client over a stub of the engine, and the fake that stands for both elsewhere."""
    return request.getfixturevalue("client" if request.param == "real" else "workflows")


def end(hub, status, **fields):
    state = hub.instances["pizza-order-123"]
    state.MergeFrom(pb.WorkflowState(workflowStatus=status, **fields))


def test_an_order_has_no_workflow_before_it_is_started(either):
    assert either.find("123") is None


def test_a_started_workflow_is_found_with_its_order_and_times(client, hub):
    client.start("123", TICKET)
    assert client.find("123") == Instance(
        "RUNNING",
        input=TICKET,
        created_at="2026-01-01T00:00:00.000Z",
        last_updated_at="2026-01-01T00:00:01.000Z",
    )
    assert hub.instances["pizza-order-123"].name == "pizza_workflow"


def test_a_second_start_leaves_the_first_alone(either):
    either.start("123", TICKET)
    either.start("123", {**TICKET, "order": {}})
    found = either.find("123")
    assert (found.runtime_status, found.order) == ("RUNNING", ORDER)


@pytest.mark.parametrize("text", ["cooking", '"cooking"'])
def test_the_custom_status_is_read_plain_or_quoted(client, hub, text):
    client.start("123", TICKET)
    end(hub, pb.ORCHESTRATION_STATUS_RUNNING, customStatus=helpers.get_string_value(text))
    assert client.find("123").custom_status == "cooking"


def test_a_result_is_read_as_an_object_and_its_error_as_the_error(client, hub):
    client.start("123", TICKET)
    output = helpers.get_string_value('{"status": "failed", "error": "no dough"}')
    end(hub, pb.ORCHESTRATION_STATUS_COMPLETED, output=output)
    found = client.find("123")
    assert found.is_final
    assert (found.result["status"], found.error) == ("failed", "no dough")


def test_a_failure_of_the_engine_is_the_error(client, hub):
    client.start("123", TICKET)
    end(hub, pb.ORCHESTRATION_STATUS_FAILED, failureDetails={"errorMessage": "not deterministic"})
    assert client.find("123").error == "not deterministic"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("plain", id="no JSON"),
        pytest.param("[1]", id="a list"),
        pytest.param('{"a": ' + "9" * 5000 + "}", id="a long number"),
        pytest.param("[" * 20000 + "]" * 20000, id="deep"),
    ],
)
def test_an_output_that_is_no_object_is_no_result(client, hub, text):
    client.start("123", TICKET)
    end(hub, pb.ORCHESTRATION_STATUS_TERMINATED, output=helpers.get_string_value(text))
    assert client.find("123").result is None


def test_a_workflow_that_has_no_times_yet_shows_none(client, hub):
    hub.instances["pizza-order-123"] = pb.WorkflowState(
        workflowStatus=pb.ORCHESTRATION_STATUS_PENDING
    )
    assert client.find("123") == Instance("PENDING")


def test_a_workflow_is_told_what_happened(client, hub):
    client.start("123", TICKET)
    client.tell("123", "CancelOrder", {"reason": None})
    assert hub.events == [("CancelOrder", '{"reason": null}')]


def test_a_workflow_is_paused_resumed_and_terminated(either):
    either.start("123", TICKET)
    for change, status in [
        (either.pause, "SUSPENDED"),
        (either.resume, "RUNNING"),
        (either.terminate, "TERMINATED"),
    ]:
        change("123")
        assert either.find("123").runtime_status == status


@pytest.mark.parametrize("change", ["pause", "resume", "terminate"])
def test_an_unknown_workflow_is_not_found(either, change):
    with pytest.raises(NotFound):
        getattr(either, change)("123")
    with pytest.raises(NotFound):
        either.tell("123", "CancelOrder", {})


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL]
)
def test_every_other_error_is_the_sidecars(client, hub, code):
    hub.broken = code
    for call in (lambda: client.find("123"), lambda: client.start("123", TICKET)):
        with pytest.raises(SidecarUnavailable, match=code.name):
            call()


def test_a_read_that_met_a_write_is_repeated(client, hub):
    client.start("123", TICKET)
    hub.torn_reads = 3
    assert client.find("123") is not None
    hub.torn_reads = 1000
    with pytest.raises(SidecarUnavailable, match="transient"):
        client.find("123")


def test_a_sidecar_that_comes_back_is_found_soon(client, hub, running):
    running.__exit__()
    assert not answers(client)
    with RunningTaskHub(hub, running.port):
        deadline = time.monotonic() + 10
        while not answers(client):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def answers(client):
    try:
        return client.find("123") is None
    except SidecarUnavailable:
        return False


class SilentTaskHub(StubTaskHub):
    """Answers when the caller has gone."""

    def GetInstance(self, request, context):
        gone = threading.Event()
        context.add_callback(gone.set)
        gone.wait(10)
        return pb.GetInstanceResponse()


def test_a_call_that_is_not_answered_ends():
    with RunningTaskHub(SilentTaskHub()) as silent:
        settings = WorkflowSettings(dapr_grpc_port=silent.port, pizza_sidecar_timeout=0.2)
        client = WorkflowClient(settings)
        with pytest.raises(SidecarUnavailable, match="DEADLINE_EXCEEDED"):
            client.find("123")
        client.close()


def test_a_client_may_be_closed_twice(client):
    client.find("123")
    client.close()
    client.close()
