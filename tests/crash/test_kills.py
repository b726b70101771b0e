"""kill -9 again and again under load; `--kills 200` is the long run."""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from localdapr.wire import pb
from tests.crash import orders
from tests.crash.load import Load
from tests.crash.sidecar import Sidecar
from tests.hub.processes import Process
from tests.unit.localdapr.engine.history_law import check_history

COMPLETED = pb.ORCHESTRATION_STATUS_COMPLETED


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--kills"))


def test_nothing_acknowledged_is_lost_however_often_it_is_killed(
    sidecar: Sidecar, kills: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    effects, chance, starts = tmp_path / "effects", random.Random(kills), []
    worker_command = [sys.executable, orders.__file__, str(sidecar.grpc_port)]
    worker = Process(worker_command, tmp_path / "worker.log")
    load = Load(sidecar, effects)
    try:
        with load.running(), sidecar.stub() as stub:
            for _ in range(kills):
                time.sleep(chance.uniform(0.1, 1.2))  # a kill at any moment is the purpose
                sidecar.kill()
                begin = time.monotonic()
                sidecar.start()
                starts.append(time.monotonic() - begin)
            load.stop_clients()
            wait_until_ended(stub, load.started)
            check(stub, load, effects)
        assert not set(load.errors) - {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"}
    finally:
        worker.kill()
    left = Counter(effects.read_text().splitlines())
    with capsys.disabled():
        print(
            f"\n{kills} kills: {len(load.started)} orders acknowledged and done, "
            f"{sum(left.values())} effects, {sum(left.values()) - len(left)} of them repeated, "
            f"{load.errors.total()} calls not acknowledged, the slowest start {max(starts):.2f} s"
        )


def wait_until_ended(stub: Any, names: set[str]) -> None:
    """Wait for the end of all; each look is at those only that were still open at the last."""
    open_ = sorted(names)
    deadline = time.monotonic() + 300
    while open_ := unfinished(stub, open_):
        assert time.monotonic() < deadline, f"{len(open_)} do not end, such as {open_[:5]}"
        time.sleep(0.2)


def unfinished(stub: Any, names: Sequence[str]) -> list[str]:
    """Those that have not ended; each must be there."""
    found = []
    for name in names:
        answer = stub.GetInstance(pb.GetInstanceRequest(instanceId=name))
        assert answer.exists, f"{name} was acknowledged and is lost"
        if answer.workflowState.workflowStatus != COMPLETED:
            found.append(name)
    return found


def check(stub: Any, load: Load, effects: Path) -> None:
    left = set(effects.read_text().splitlines())
    for name in load.started:
        request = pb.GetInstanceRequest(instanceId=name, getInputsAndOutputs=True)
        taken = json.loads(stub.GetInstance(request).workflowState.output.value)
        assert list(dict.fromkeys(taken)) == load.raised[name]
        assert {f"{name} {step}" for step in orders.STEPS} <= left
        for instance_id in (name, f"{name}-part"):
            history = stub.GetInstanceHistory(pb.GetInstanceHistoryRequest(instanceId=instance_id))
            check_history(history.events)
