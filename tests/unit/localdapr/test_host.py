"""Runs that come and go while a host serves others; a real data file, real ports, real apps."""

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from localdapr.callers import Callers
from localdapr.cloudevent import Publication
from localdapr.components import Component
from localdapr.errors import AppFailedError, FolderInUseError, PortInUseError, RefusedError
from localdapr.host import Host, open_host
from localdapr.manifest import App, ResourcesPath, with_ports
from localdapr.resources import Resources
from localdapr.run import Run
from localdapr.subscriptions import Rule, Subscription
from localdapr.workflows import StartRequest
from tests.unit.localdapr.recording_app import RecordingApp, until

RESOURCES = Resources((Component("pubsub", "pubsub.redis"),))
Story = Callable[[Host], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Story], None]:
    async def run(story: Story) -> None:
        async with asyncio.timeout(30), open_host(tmp_path, Run(()), RESOURCES) as host:
            await story(host)

    return lambda story: asyncio.run(run(story))


def a_run(*app_ids: str, app_port: int | None = None, pid: int = 1) -> Run:
    return Run(with_ports([App(app_id, 0, 0, app_port) for app_id in app_ids]), pid=pid)


def test_an_app_id_runs_once(play) -> None:
    async def story(host: Host) -> None:
        await host.add(a_run("shop", pid=77), RESOURCES)
        with pytest.raises(AppFailedError, match=r"app id shop already runs \(process 77\)"):
            await host.add(a_run("kitchen", "shop"), RESOURCES)
        with pytest.raises(RefusedError, match="no app with id kitchen runs here"):
            host.sidecar("kitchen")

    play(story)


def test_a_run_whose_ports_are_taken_leaves_nothing_behind(play) -> None:
    async def story(host: Host) -> None:
        first = a_run("shop")
        await host.add(first, RESOURCES)
        clash = App("kitchen", first.apps[0].http_port, with_ports([App("x", 1, 0)])[0].grpc_port)
        with pytest.raises(PortInUseError, match=r"kitchen's sidecar, HTTP\) is in use"):
            await host.add(Run((clash,)), RESOURCES)
        await host.add(a_run("kitchen"), RESOURCES)

    play(story)


def test_a_data_folder_has_one_host(play, tmp_path: Path) -> None:
    async def story(_host: Host) -> None:
        with pytest.raises(FolderInUseError):
            async with open_host(tmp_path, Run(()), RESOURCES):
                pass

    play(story)


def test_a_host_that_cannot_serve_its_first_run_closes_its_data(tmp_path: Path) -> None:
    async def open_twice() -> None:
        with socket.create_server(("127.0.0.1", 0)) as held:
            taken = App("shop", with_ports([App("x", 0, 1)])[0].http_port, held.getsockname()[1])
            for _ in range(2):  # the second time, the folder is free again
                with pytest.raises(PortInUseError):
                    async with open_host(tmp_path, Run((taken,)), RESOURCES):
                        pass

    before = set(threading.enumerate())
    asyncio.run(open_twice())
    left = set(threading.enumerate()) - before
    assert "store-commits" not in {thread.name for thread in left}


def test_what_is_published_while_a_subscriber_is_away_waits_for_it(play) -> None:
    orders = Subscription("pubsub", "orders", (Rule("/orders"),), scopes=("kitchen",))
    event = Publication("shop", "pubsub", "orders", b"1", "application/json")

    async def story(host: Host) -> None:
        app = RecordingApp()
        await app.start()
        await host.add(a_run("shop"), RESOURCES)
        resources = Resources(RESOURCES.components, (orders,))
        kitchen = a_run("kitchen", app_port=app.port)
        await host.add(kitchen, resources)
        await host.remove(kitchen)
        await host.sidecar("shop").pubsub.publish([event])
        await host.add(a_run("kitchen", app_port=app.port), resources)
        await host.app_started("kitchen")
        await until(lambda: app.data() == [1])
        await app.stop()

    play(story)


def test_the_work_of_an_app_that_is_away_waits_for_it(play) -> None:
    async def story(host: Host) -> None:
        shop = a_run("shop")
        await host.add(shop, RESOURCES)
        await host.sidecar("shop").workflows.start(StartRequest("story", "i1"))
        await host.remove(shop)
        await host.add(a_run("shop"), RESOURCES)
        worker = host.sidecar("shop").workflows.dispatcher.attach("shop", stateful=False)
        assert (await worker.items.get()).workflowRequest.instanceId == "i1"

    play(story)


def sent(run: Run) -> Run:
    return Run.from_json(json.loads(json.dumps(run.to_json(), default=str)))


def test_a_run_survives_the_way_to_another_process(tmp_path: Path, monkeypatch) -> None:
    app = App("shop", 3500, 4500, 8001, ("python3", "app.py"), tmp_path, {"APP_API_TOKEN": "t"})
    run = Run(
        (app,),
        (ResourcesPath(tmp_path, ("shop",)),),
        tmp_path / "config.yaml",
        "dapr.yaml",
        5,
        "now",
        Callers(("docker",), ("http://localhost:5173",)),
    )
    assert sent(run) == run
    monkeypatch.setenv("APP_API_TOKEN", "inherited")
    assert sent(Run((App("bar", 1, 2),))).apps[0].env == {"APP_API_TOKEN": "inherited"}
