"""What the owner of a data folder answers over its control socket: to other runs, to commands.

Translates between JSON and the parts of the host; decides nothing.
"""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from localdapr.cloudevent import CONTENT_TYPE, Publication
from localdapr.errors import RefusedError
from localdapr.invoke import Invocation
from localdapr.manifest import App
from localdapr.resources import load_resources
from localdapr.run import Run
from localdapr.workflow_desk import answer_workflow

if TYPE_CHECKING:
    from localdapr.host import Host

CLOUD_EVENT = {"id", "source", "specversion", "type"}


class Desk:
    """One conversation. The sidecars that it registers are served for as long as it lasts."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._run: Run | None = None

    async def answer(self, do: str, asked: dict[str, Any]) -> Any:
        if do == "register":
            return await self._register(Run.from_json(asked["run"]))
        if do == "workflow":
            sidecar = self._host.sidecar(_meant(self._host, asked.pop("app_id")))
            return await answer_workflow(sidecar.workflows, asked.pop("verb"), asked)
        return await ANSWERS[do](self._host, **asked)

    async def close(self) -> None:
        if self._run is not None:
            await self._host.remove(self._run)

    async def _register(self, run: Run) -> int:
        """Serves the run's sidecars; gives the owner's process id."""
        await self._host.add(run, load_resources(run.resources_paths, run.config_path))
        self._run = run
        return os.getpid()


def _meant(host: Host, app_id: str | None) -> str:
    """The app that is meant: the only one where none is named."""
    if app_id is None and len(host.runs) != 1:
        known = ", ".join(sorted(host.runs)) or "none"
        raise RefusedError(f"say which app with --app-id; those that run: {known}")
    return app_id or next(iter(host.runs))


async def _list(host: Host) -> list[dict[str, Any]]:
    return [
        _shown(app, run)
        for app_id, run in host.runs.items()
        for app in run.apps
        if app.app_id == app_id
    ]


def _shown(app: App, run: Run) -> dict[str, Any]:
    return {
        "appId": app.app_id,
        "httpPort": app.http_port,
        "grpcPort": app.grpc_port,
        "appPort": app.app_port,
        "command": " ".join(app.command),
        "created": run.began,
        "daprdPid": os.getpid(),
        "cliPid": run.pid,
        "runTemplatePath": run.template,
    }


async def _stop(host: Host, app_id: str | None, template: str | None) -> list[str]:
    """Asks the run of an app, or of a template, to end; gives its app ids."""
    run = _run_of_app(host, app_id) if app_id is not None else _run_of_template(host, template)
    os.kill(run.pid, signal.SIGTERM)
    return [app.app_id for app in run.apps]


def _run_of_app(host: Host, app_id: str) -> Run:
    host.sidecar(app_id)
    run = host.runs[app_id]
    if len(run.apps) > 1:
        raise RefusedError(
            f"{app_id} is one of {len(run.apps)} apps that run together; "
            f"stop them all with: localdapr stop -f {run.template}"
        )
    return run


def _run_of_template(host: Host, template: str | None) -> Run:
    for run in host.runs.values():
        if run.template == template:
            return run
    raise RefusedError(f"no run of {template} is here")


async def _invoke(host: Host, app_id: str, method: str, verb: str, body: str) -> dict[str, Any]:
    data = base64.b64decode(body)
    path, _, query = method.partition("?")
    headers = [("Content-Type", "application/json")] if data else []
    call = Invocation(app_id, verb, path, query, headers, data)
    answer = await host.sidecar(app_id).invoker.invoke(call)
    content = base64.b64encode(await answer.read()).decode()
    return {"status": answer.status, "reason": answer.reason, "body": content}


async def _publish(
    host: Host, app_id: str, pubsub: str, topic: str, body: str, metadata: Mapping[str, str]
) -> None:
    data = base64.b64decode(body)
    kind = CONTENT_TYPE if _is_event(data) else "application/json"
    message = Publication(app_id, pubsub, topic, data, kind, metadata)
    await host.sidecar(app_id).pubsub.publish([message])


def _is_event(data: bytes) -> bool:
    try:
        content = json.loads(data)
    except ValueError:
        return False
    return isinstance(content, dict) and content.keys() >= CLOUD_EVENT


ANSWERS: Mapping[str, Callable[..., Awaitable[Any]]] = {
    "app_started": lambda host, app_id: host.app_started(app_id),
    "app_stopped": lambda host, app_id: host.app_stopped(app_id),
    "list": _list,
    "stop": _stop,
    "invoke": _invoke,
    "publish": _publish,
}
