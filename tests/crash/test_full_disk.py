"""When the disk is full, writers are told; when there is space again, all goes on."""

import resource
import time
from collections.abc import Callable
from typing import Any

import grpc

from localdapr.wire import pb
from tests.crash.sidecar import Sidecar
from tests.hub.processes import wait_until
from tests.hub.raw import RawWorker
from tests.hub.workflows import register

PAYLOAD = "x" * 50_000
SPACE = 2_000_000  # bytes


def limit_files(sidecar: Sidecar, most: int) -> None:
    """No file of the process may grow beyond; to SQLite it is a full disk."""
    assert sidecar.process is not None
    hard = resource.RLIM_INFINITY
    resource.prlimit(sidecar.process.pid, resource.RLIMIT_FSIZE, (most, hard))


def start(stub: Any, name: str) -> bool:
    request = pb.CreateInstanceRequest(instanceId=name, name="waiter")
    request.input.value = f'["{PAYLOAD}"]'
    return accepted(lambda: stub.StartInstance(request, timeout=10))


def accepted(call: Callable[[], Any]) -> bool:
    """Whether a call was not refused; a refusal is told at once and by its usual status."""
    try:
        call()
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNKNOWN:
            raise
        return False
    return True


def status(stub: Any, name: str) -> Any:
    answer = stub.GetInstance(pb.GetInstanceRequest(instanceId=name), timeout=10)
    return answer.workflowState.workflowStatus if answer.exists else None


def test_a_full_disk_loses_nothing_and_passes(sidecar: Sidecar) -> None:
    with sidecar.stub() as stub:
        assert start(stub, "first")
        limit_files(sidecar, SPACE)
        asked = [f"i{n}" for n in range(80)]
        started = [name for name in asked if start(stub, name)]
        refused = [name for name in asked if name not in started]
        assert started
        assert refused
        assert all(status(stub, name) is not None for name in started)

        worker = RawWorker(stub, register)
        item = worker.take()
        assert not accepted(lambda: worker.answer(item))
        limit_files(sidecar, resource.RLIM_INFINITY)

        assert all(start(stub, name) for name in refused)
        running = pb.ORCHESTRATION_STATUS_RUNNING
        begin = time.monotonic()
        while any(status(stub, name) != running for name in ["first", *asked]):
            assert time.monotonic() - begin < 60
            worker.run(1)
        worker.close()

    sidecar.kill()
    sidecar.start()
    with sidecar.stub() as stub:
        wait_until(lambda: all(status(stub, name) is not None for name in asked), "all are there")
