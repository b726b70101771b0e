"""One engine with a worker for each app, that most tests share; and engines for those that kill."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dapr.ext.workflow import DaprWorkflowClient

from tests.hub.engines import APPS, Dapr, Engine, Localdapr
from tests.hub.processes import Process

LARGEST = 64_000_000  # bytes
WORKER = Path(__file__).with_name("workflows.py")
ENGINES = {"localdapr": Localdapr, "dapr": Dapr}


def worker_process(
    engine: Engine, app: str = "hub", name: str = "worker", cache: int = 0
) -> Process:
    """A worker of the SDK in a process of its own; it remembers the histories of `cache`."""
    command = [sys.executable, str(WORKER), str(engine.grpc[app]), name, str(cache)]
    return Process(command, engine.folder / f"{app}-{name}.log")


@contextlib.contextmanager
def client_of(engine: Engine, app: str = "hub") -> Iterator[DaprWorkflowClient]:
    client = DaprWorkflowClient(
        host="127.0.0.1", port=str(engine.grpc[app]), max_grpc_message_length=LARGEST
    )
    try:
        yield client
    finally:
        client.close()


@contextlib.contextmanager
def running(config: pytest.Config, folder: Path) -> Iterator[Engine]:
    engine: Engine = ENGINES[config.getoption("--engine")](folder)
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def engine(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Shared, with one worker process for each app."""
    with running(pytestconfig, tmp_path_factory.mktemp("hub")) as shared:
        workers = [worker_process(shared, app, name=app) for app in APPS]
        try:
            for app in APPS:
                shared.wait_for_workers(app, 1)
            yield shared
        finally:
            for worker in workers:
                worker.kill()


@pytest.fixture(scope="session")
def bare_engine(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """Shared, without workers: a test brings its own, and ends what it began."""
    with running(pytestconfig, tmp_path_factory.mktemp("bare")) as shared:
        yield shared


@pytest.fixture
def own_engine(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Engine]:
    """A test's own, without workers: for those that kill it or count what is in it."""
    with running(pytestconfig, tmp_path) as engine:
        yield engine


@pytest.fixture
def bare_client(bare_engine: Engine) -> Iterator[DaprWorkflowClient]:
    with client_of(bare_engine) as connected:
        yield connected


@pytest.fixture
def own_client(own_engine: Engine) -> Iterator[DaprWorkflowClient]:
    with client_of(own_engine) as connected:
        yield connected


@pytest.fixture
def client(engine: Engine) -> Iterator[DaprWorkflowClient]:
    with client_of(engine) as connected:
        yield connected


@pytest.fixture
def run(client: DaprWorkflowClient) -> Callable[..., Any]:
    """Run a workflow of the shared worker to its end and give its final state."""

    def run_to_end(workflow: str, given: Any = None, **options: Any) -> Any:
        instance_id = client.schedule_new_workflow(workflow, input=given, **options)
        return client.wait_for_workflow_completion(instance_id, timeout_in_seconds=60)

    return run_to_end


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that failed shows what its engine and workers printed last."""
    report = (yield).get_result()  # type: ignore[misc]
    if report.failed:
        parts = getattr(item, "funcargs", {}).values()
        for engine in {part for part in parts if isinstance(part, Engine)}:
            for log in engine.folder.glob("*.log"):
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
                report.sections.append((log.name, tail))
