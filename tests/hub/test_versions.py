"""Workflow code changes while instances of it are under way."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub.answers import output, wait_for_status
from tests.hub.conftest import client_of
from tests.hub.engines import Engine
from tests.hub.processes import Process
from tests.hub.raw import worker_here

WORKER = Path(__file__).with_name("versioned_worker.py")


def story(said: str, change: str | None = None) -> Callable[..., Any]:
    """A workflow that takes two events; with the change, it says so before each."""

    def told(ctx: Any, _given: Any) -> Any:
        got = [said]
        for _ in range(2):
            if change and ctx.is_patched(change):
                got.append((yield ctx.call_activity("say", input=change)))
            got.append((yield ctx.wait_for_external_event("go")))
        return got

    return told


def versions(latest: str, *names: str) -> Callable[[Any], None]:
    def register(runtime: Any) -> None:
        for name in names:
            runtime.register_versioned_workflow(
                story(name), name="story", version_name=name, is_latest=name == latest
            )

    return register


def patched(change: str | None) -> Callable[[Any], None]:
    def register(runtime: Any) -> None:
        def say(_ctx: Any, word: str) -> str:
            return word

        runtime.register_workflow(story("begun", change), name="story")
        runtime.register_activity(say)

    return register


def begin(client: Any) -> str:
    instance_id = client.schedule_new_workflow("story")
    client.wait_for_workflow_start(instance_id, timeout_in_seconds=30)
    return str(instance_id)


def go(client: Any, instance_id: str) -> None:
    client.raise_workflow_event(instance_id, "go", data="went")


def end(client: Any, instance_id: str) -> Any:
    return output(client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30))


@contextlib.contextmanager
def sdk_worker(engine: Engine, *versions: str) -> Iterator[None]:
    """A worker process of the SDK; new instances get the first of the versions."""
    command = [sys.executable, str(WORKER), str(engine.grpc["hub"]), *versions]
    worker = Process(command, engine.folder / f"versions-{'-'.join(versions)}.log")
    try:
        yield
    finally:
        worker.kill()


def test_a_worker_process_of_the_sdk_finishes_what_began_on_the_version_before(
    bare_engine, bare_client
) -> None:
    def started() -> str:
        instance_id = bare_client.schedule_new_workflow("told")
        bare_client.wait_for_workflow_start(instance_id, timeout_in_seconds=30)
        return str(instance_id)

    with sdk_worker(bare_engine, "v1"):
        bare_engine.wait_for_workers("hub", 1)
        old = started()
    bare_engine.wait_for_workers("hub", 0)
    with sdk_worker(bare_engine, "v2", "v1"):
        bare_engine.wait_for_workers("hub", 1)
        new = started()
        for instance_id in (old, new):
            go(bare_client, instance_id)
        assert end(bare_client, old) == ["v1", "went"]
        assert end(bare_client, new) == ["v2", "went"]
    bare_engine.wait_for_workers("hub", 0)


def test_an_instance_keeps_the_version_it_began_with(bare_engine, bare_client) -> None:
    with worker_here(bare_engine, versions("v1", "v1")):
        old = begin(bare_client)
    with worker_here(bare_engine, versions("v2", "v1", "v2")):
        new = begin(bare_client)
        for instance_id in (old, new, old, new):
            go(bare_client, instance_id)
        assert end(bare_client, old) == ["v1", "went", "went"]
        assert end(bare_client, new) == ["v2", "went", "went"]


@pytest.mark.localdapr_only("on the runtime such an instance does not go on within half a minute")
def test_a_version_that_is_gone_stalls_its_instances_until_it_is_back(
    bare_engine, bare_client
) -> None:
    with worker_here(bare_engine, versions("v1", "v1")):
        instance_id = begin(bare_client)
        go(bare_client, instance_id)
        go_on = bare_client.schedule_new_workflow("story")
        bare_client.wait_for_workflow_start(go_on, timeout_in_seconds=30)
    with worker_here(bare_engine, versions("v2", "v2")):
        go(bare_client, instance_id)
        wait_for_status(bare_client, instance_id, "STALLED")
        kinds = [e.event_type.value for e in bare_client.get_workflow_history(instance_id)]
        assert kinds[-1] == "executionStalled"
    with worker_here(bare_engine, versions("v2", "v1", "v2")):
        assert end(bare_client, instance_id) == ["v1", "went", "went"]


def test_a_change_behind_a_patch_is_for_instances_that_come_after_it(
    bare_engine, bare_client
) -> None:
    with worker_here(bare_engine, patched(None)):
        old = begin(bare_client)
        go(bare_client, old)
        bare_client.pause_workflow(old)
        wait_for_status(bare_client, old, "SUSPENDED")
    with worker_here(bare_engine, patched("new oven")):
        new = begin(bare_client)
        for _ in range(2):
            go(bare_client, new)
        assert end(bare_client, new) == ["begun", "new oven", "went", "new oven", "went"]
        bare_client.terminate_workflow(old)
        wait_for_status(bare_client, old, "TERMINATED")


@pytest.mark.localdapr_only("on the runtime a stalled instance keeps its sidecar from new workers")
def test_code_that_lost_its_patch_stalls_its_instances_until_it_is_back(
    bare_engine, bare_client
) -> None:
    with worker_here(bare_engine, patched("new oven")):
        instance_id = begin(bare_client)
        go(bare_client, instance_id)
    with worker_here(bare_engine, patched(None)):
        go(bare_client, instance_id)
        wait_for_status(bare_client, instance_id, "STALLED")
    with client_of(bare_engine) as client, worker_here(bare_engine, patched("new oven")):
        expected = ["begun", "new oven", "went", "new oven", "went"]
        assert end(client, instance_id) == expected
