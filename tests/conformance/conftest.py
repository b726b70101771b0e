"""Sidecars over the test apps, as they were when the vectors were recorded."""

import asyncio
import contextlib
import http.client
import json
import sys
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from localdapr.host import open_host
from localdapr.manifest import App, ResourcesPath
from localdapr.resources import load_resources
from localdapr.run import Run
from tests.hub.processes import DEADLINE, Process, wait_until
from tools.dapr_runtime import CORE, DaprRuntime

T = TypeVar("T")
HERE = Path(__file__).parent
# Below the ephemeral range, and not where `make demo` or the other tests listen.
APPS = {
    "callee": App("callee", 24111, 24121, 24101),
    "subscriber": App("subscriber", 24112, 24122, 24102),
    "noapp": App("noapp", 24113, 24123, None),
    "fragile": App("fragile", 24115, 24125, 24105),  # another callee, under a Resiliency
    "downapp": App("downapp", 24114, 24124, 24104),  # nothing listens on its app port
}


class RunningHost:
    """localdapr: a Host in a thread of its own, with its event loop."""

    def __init__(self, data_dir: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="host")
        self._thread.start()
        resources = load_resources([ResourcesPath(HERE / "components")], HERE / "config.yaml")
        self._closing = contextlib.AsyncExitStack()
        host = open_host(data_dir, Run(tuple(APPS.values())), resources)
        self._host = self._run(self._closing.enter_async_context(host))

    def wait_until_ready(self) -> None:
        for app_id in ("callee", "subscriber", "fragile", "downapp"):
            self._run(self._host.app_started(app_id))

    def close(self) -> None:
        self._run(self._closing.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)


class RunningDapr:
    """The real runtime: a daprd for each app."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runtime = DaprRuntime(folder)
        resources = self._runtime.copy_resources(HERE / "components")
        for app_id, app in APPS.items():
            self._runtime.add_sidecar(app_id, app, resources, [HERE / "config.yaml"])
        self._start(CORE[0])
        self._start(*CORE[1:])
        self._runtime.parts.start(*APPS)

    def wait_until_ready(self) -> None:
        """Downapp's app is there until its sidecar is."""
        with python_app("callee", APPS["downapp"].app_port, self._folder):
            wait_until(lambda: self._runtime.parts.are_there(*APPS), "the sidecars are ready")
            wait_until(
                lambda: get_json(24114, "/v1.0/healthz") == {"status": 204}, "downapp is ready"
            )

    def close(self) -> None:
        self._runtime.parts.close()

    def _start(self, *names: str) -> None:
        self._runtime.parts.start(*names)
        wait_until(lambda: self._runtime.parts.are_there(*names), f"{names} are there")


@contextlib.contextmanager
def python_app(name: str, port: int, folder: Path) -> Iterator[None]:
    """One of the test apps as a process of its own, with its log in the folder."""
    command = [sys.executable, str(HERE / "apps" / f"{name}.py"), str(port)]
    process = Process(command, folder / f"{name}-{port}.log")
    try:
        yield
    finally:
        process.kill()


def get_json(port: int, path: str) -> Any:
    """The JSON at a path, None while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        return json.loads(body) if response.status == 200 else {"status": response.status}
    except OSError:
        return None
    finally:
        connection.close()


ENGINES: dict[str, type[RunningHost] | type[RunningDapr]] = {
    "localdapr": RunningHost,
    "dapr": RunningDapr,
}


def _worker_connected() -> bool:
    metadata = get_json(24111, "/v1.0/metadata") or {}
    return bool(metadata.get("workflows", {}).get("connectedWorkers"))


@pytest.fixture(scope="session")
def sidecars(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, App]]:
    """Every sidecar is served, callee, subscriber and worker are up."""
    folder = tmp_path_factory.mktemp("engine")
    with contextlib.ExitStack() as stack:
        stack.enter_context(python_app("callee", 24101, folder))
        stack.enter_context(python_app("subscriber", 24102, folder))
        stack.enter_context(python_app("callee", 24105, folder))
        for port in (24101, 24105):
            wait_until(lambda port=port: get_json(port, "/json"), "the callees listen")
        wait_until(lambda: get_json(24102, "/_events") is not None, "the subscriber listens")
        start = ENGINES[pytestconfig.getoption("--engine")]
        engine = start(folder)
        stack.callback(engine.close)
        engine.wait_until_ready()
        stack.enter_context(python_app("worker", 24121, folder))
        wait_until(_worker_connected, "the worker is connected")
        yield APPS
