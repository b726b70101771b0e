"""Workers come and go; what they were doing is done."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from localdapr.wire import pb
from tests.hub.answers import output, wait_for_status
from tests.hub.conftest import client_of, worker_process
from tests.hub.processes import wait_until
from tests.hub.raw import RawWorker, stub_of, worker_here
from tests.hub.workflows import register


def test_several_workers_share_the_work_and_one_that_is_killed_leaves_it_to_the_other(
    bare_engine, bare_client, tmp_path: Path
) -> None:
    doomed, other = (worker_process(bare_engine, name=name) for name in ("doomed", "other"))
    try:
        bare_engine.wait_for_workers("hub", 2)
        given = {"count": 8, "seconds": 0.2}
        instance_id = bare_client.schedule_new_workflow("shared", input=given)
        state = bare_client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)
        assert set(output(state)) == {"doomed", "other"}

        file = tmp_path / "notes"
        given = {"count": 8, "file": str(file), "seconds": 60, "only_slow_for": "doomed"}
        instance_id = bare_client.schedule_new_workflow("noted", input=given)
        wait_until(lambda: file.exists() and "doomed" in file.read_text(), "it began")
        doomed.kill()
        state = bare_client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)
        assert set(output(state)) == {"other"}
    finally:
        doomed.kill()
        other.kill()
        bare_engine.wait_for_workers("hub", 0)


def test_a_worker_and_its_workflows_go_on_after_the_engine_was_killed(own_engine) -> None:
    worker = worker_process(own_engine)
    try:
        own_engine.wait_for_workers("hub", 1)
        with client_of(own_engine) as client:
            waits = client.schedule_new_workflow("waiter")
            sleeps = client.schedule_new_workflow("sleeper", input=1.0)
            for instance_id in (waits, sleeps):
                client.wait_for_workflow_start(instance_id, timeout_in_seconds=30)
        own_engine.kill()
        own_engine.start()
        own_engine.wait_for_workers("hub", 1)
        with client_of(own_engine) as client:
            client.raise_workflow_event(waits, "go", data="after")
            state = client.wait_for_workflow_completion(waits, timeout_in_seconds=60)
            assert output(state) == ["after"]
            state = client.wait_for_workflow_completion(sleeps, timeout_in_seconds=60)
            assert output(state) >= 1.0
    finally:
        worker.kill()


@pytest.mark.localdapr_only("on the runtime a start waits for a worker")
def test_workflows_that_no_worker_took_wait_for_one(bare_engine, bare_client) -> None:
    instance_id = bare_client.schedule_new_workflow("chain", input=1)
    wait_for_status(bare_client, instance_id, "PENDING")
    with worker_here(bare_engine, register):
        state = bare_client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)
        assert output(state) == 4


@pytest.mark.localdapr_only("the runtime always sends the whole history")
@pytest.mark.parametrize("stateful", [False, True])
def test_a_worker_that_keeps_history_is_sent_only_what_is_new(
    bare_engine, bare_client, stateful
) -> None:
    name = f"stateful-{stateful}"
    with stub_of(bare_engine) as stub:
        worker = RawWorker(stub, register, stateful)
        bare_engine.wait_for_workers("hub", 1)
        bare_client.schedule_new_workflow("chain", input=1, instance_id=name)
        items = [item for item in worker.run(7) if item.HasField("workflowRequest")]
        worker.close()
    sent = [(len(i.workflowRequest.pastEvents), len(i.workflowRequest.newEvents)) for i in items]
    known = [i.workflowRequest.cachedHistory.eventCount for i in items]
    if stateful:
        assert (sent, known) == ([(0, 2), (3, 2), (3, 2), (3, 2)], [0, 0, 3, 6])
    else:
        assert (sent, known) == ([(0, 2), (3, 2), (6, 2), (9, 2)], [0, 0, 0, 0])
    assert output(bare_client.get_workflow_state(name)) == 4


def test_a_worker_that_lost_its_memory_asks_for_the_history(bare_engine, bare_client) -> None:
    """The SDK's worker with room for one instance in its cache runs many all the same."""
    worker = worker_process(bare_engine, cache=1)
    try:
        bare_engine.wait_for_workers("hub", 1)
        ids = [bare_client.schedule_new_workflow("chain", input=n) for n in range(10)]
        for number, instance_id in enumerate(ids):
            state = bare_client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)
            assert output(state) == number + 3
    finally:
        worker.kill()
        bare_engine.wait_for_workers("hub", 0)


@pytest.mark.localdapr_only("on the runtime a start waits for the first turn")
def test_an_activity_gets_the_trace_that_its_workflow_was_started_in(bare_engine) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with stub_of(bare_engine) as stub:
        request = pb.CreateInstanceRequest(instanceId="traced", name="chain")
        request.input.value = "1"
        request.parentTraceContext.traceParent = trace
        worker = RawWorker(stub, register)
        bare_engine.wait_for_workers("hub", 1)
        stub.StartInstance(request, timeout=30)
        items = worker.run(7)  # to its end: the next test is to find nothing
        worker.close()
    activity = next(item for item in items if item.HasField("activityRequest"))
    assert activity.activityRequest.parentTraceContext.traceParent.startswith(trace[:36])


@pytest.mark.localdapr_only("the runtime refuses clients while no worker is connected")
def test_a_worker_that_dies_the_moment_it_answers_loses_nothing(bare_engine, bare_client) -> None:
    """Each stream is cut while its answers are on their way; the next worker takes up the rest."""
    with worker_here(bare_engine, register):
        ids = [bare_client.schedule_new_workflow("fan", input=10) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        ended = [
            pool.submit(bare_client.wait_for_workflow_completion, name, timeout_in_seconds=30)
            for name in ids
        ]
        while not all(future.done() for future in ended):
            with stub_of(bare_engine) as stub:
                worker = RawWorker(stub, register)
                # A worker is cut 0.5 s after its first item, or after 2 s in which none came.
                closing = threading.Timer(2, worker.close)
                closing.start()
                with contextlib.suppress(grpc.RpcError):
                    worker.run(1)
                    threading.Timer(0.5, worker.close).start()
                worker.run_until_closed(6)
                closing.cancel()
    assert all(output(future.result()) == list(range(1, 11)) for future in ended)
