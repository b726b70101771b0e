"""The workflow service on fake parts."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from front_desk import FrontDesk
from tests.unit.callers import SECRET, signed_by
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.pizza_workflow.fake_workflows import FakeWorkflows
from tests.unit.services import app_module
from ticket import Terms
from validation_slip import ValidationSlips
from workflow_settings import WorkflowSettings

TERMS = Terms(validation_seconds=3600)

Post = Callable[..., tuple[int, dict[str, Any]]]


class FakeWorker:
    """A worker that is ready or not."""

    def __init__(self) -> None:
        self.ready = True
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def wait(self) -> None:
        self.calls.append("wait")

    def is_ready(self) -> bool:
        return self.ready


@pytest.fixture
def workflows() -> FakeWorkflows:
    return FakeWorkflows()


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def slips(sidecar: FakeSidecar) -> ValidationSlips:
    return ValidationSlips(sidecar)


@pytest.fixture
def app(sidecar: FakeSidecar, workflows: FakeWorkflows, worker: FakeWorker) -> Any:
    settings = WorkflowSettings(pizza_secret=SECRET)
    app = app_module("pizza-workflow").create_app(settings, sidecar, workflows, worker)
    # As made, but impatient: what does not show at once is not waited for.
    app.extensions["front_desk"] = FrontDesk(
        workflows, sidecar, worker.is_ready, TERMS, confirm_seconds=0.01
    )
    return app


@pytest.fixture
def client(app: Any) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def post(app: Any) -> Post:
    """Posts fields to a path with a client of its own; gives status and body."""

    def send(path: str, body: dict[str, Any] | None = None, **fields: Any) -> Any:
        fields = body or {"order_id": "123", **fields}
        answer = app.test_client().post(path, json=fields)
        return answer.status_code, answer.json

    return send


@pytest.fixture
def client_as_ann(app: Any) -> Callable[..., int]:
    """Posts fields to a path as Ann, a manager and operator; gives the status."""
    ann = signed_by(SECRET, "manager", "operator", name="Ann")

    def send(path: str, **fields: Any) -> int:
        client = app.test_client()
        answer = client.post(path, json={"order_id": "123", **fields}, headers=ann)
        return int(answer.status_code)

    return send
