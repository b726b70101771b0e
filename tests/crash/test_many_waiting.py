"""Ten thousand workflows that wait cost little memory, and little time to start again.

A short run has a tenth of them; `--kills 200` has all.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from localdapr.wire import pb
from tests.crash.sidecar import Sidecar
from tests.hub.raw import RawWorker, Serving
from tests.hub.workflows import register

MANY = 10_000
LONG = 50  # kills, from which on the run is a long one
MOST_MEMORY = 300 * 1024 * 1024
MOST_SECONDS = 10.0


def start(stub: Any, number: int) -> None:
    request = pb.CreateInstanceRequest(instanceId=f"w{number}", name="patient")
    request.input.value = "86400"
    stub.StartInstance(request)


def wait(stub: Any, name: str, call: Any) -> Any:
    return call(pb.GetInstanceRequest(instanceId=name), timeout=60).workflowState


def test_many_waiting_workflows_cost_little(
    sidecar: Sidecar, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    count = MANY if pytestconfig.getoption("--kills") >= LONG else MANY // 10
    begin = time.monotonic()
    with sidecar.stub() as stub, ThreadPoolExecutor(16) as pool:
        with Serving(RawWorker(stub, register, stateful=True)):
            list(pool.map(lambda number: start(stub, number), range(count)))
            for number in range(count):
                wait(stub, f"w{number}", stub.WaitForInstanceStart)
        began, waiting = time.monotonic() - begin, sidecar.memory()

    sidecar.kill()
    begin = time.monotonic()
    sidecar.start()
    started, again = time.monotonic() - begin, sidecar.memory()
    used = sidecar.processor_seconds()

    with sidecar.stub() as stub, Serving(RawWorker(stub, register, stateful=True)):
        for number in range(0, count, count // 10):
            stub.RaiseEvent(pb.RaiseEventRequest(instanceId=f"w{number}", name="go"))
            state = wait(stub, f"w{number}", stub.WaitForInstanceCompletion)
            assert state.workflowStatus == pb.ORCHESTRATION_STATUS_COMPLETED
    with capsys.disabled():
        print(
            f"\n{count} waiting: begun in {began:.1f} s, {waiting / 2**20:.0f} MB; "
            f"killed and ready again in {started:.2f} s, "
            f"{used:.2f} s of the processor, {again / 2**20:.0f} MB"
        )
    assert max(waiting, again) < MOST_MEMORY
    assert used < MOST_SECONDS  # of the processor: a busy machine is not the sidecar's fault
