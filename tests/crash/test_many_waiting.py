"""Ten thousand workflows that wait cost little memory, and little time to start again."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from localdapr.wire import pb
from tests.crash.sidecar import Sidecar
from tests.hub.raw import RawWorker, Serving
from tests.hub.workflows import register

COUNT = 10_000
MOST_MEMORY = 300 * 1024 * 1024
MOST_SECONDS = 10.0


def start(stub: Any, number: int) -> None:
    request = pb.CreateInstanceRequest(instanceId=f"w{number}", name="patient")
    request.input.value = "86400"
    stub.StartInstance(request)


def wait(stub: Any, name: str, call: Any) -> Any:
    return call(pb.GetInstanceRequest(instanceId=name), timeout=60).workflowState


def test_ten_thousand_waiting_workflows(
    sidecar: Sidecar, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = time.monotonic()
    with sidecar.stub() as stub, ThreadPoolExecutor(16) as pool:
        with Serving(RawWorker(stub, register, stateful=True)):
            list(pool.map(lambda number: start(stub, number), range(COUNT)))
            for number in range(COUNT):
                wait(stub, f"w{number}", stub.WaitForInstanceStart)
        began, waiting = time.monotonic() - begin, sidecar.memory()

    sidecar.kill()
    begin = time.monotonic()
    sidecar.start()
    started, again = time.monotonic() - begin, sidecar.memory()

    with sidecar.stub() as stub, Serving(RawWorker(stub, register, stateful=True)):
        for number in range(0, COUNT, COUNT // 10):
            stub.RaiseEvent(pb.RaiseEventRequest(instanceId=f"w{number}", name="go"))
            state = wait(stub, f"w{number}", stub.WaitForInstanceCompletion)
            assert state.workflowStatus == pb.ORCHESTRATION_STATUS_COMPLETED
    with capsys.disabled():
        print(
            f"\n{COUNT} waiting: begun in {began:.1f} s, {waiting / 2**20:.0f} MB; "
            f"killed and ready again in {started:.2f} s, {again / 2**20:.0f} MB"
        )
    assert max(waiting, again) < MOST_MEMORY
    assert started < MOST_SECONDS
