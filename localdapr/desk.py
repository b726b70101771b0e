"""What the owner of a data folder answers over its control socket: to other runs, to commands.

Translates between JSON and the parts of the host; decides nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localdapr.manifest import App
from localdapr.resources import load_resources
from localdapr.run import Run

if TYPE_CHECKING:
    from localdapr.host import Host


class Desk:
    """One conversation. The sidecars that it registers are served for as long as it lasts."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._run: Run | None = None

    async def answer(self, do: str, asked: dict[str, Any]) -> Any:
        if do == "register":
            return await self._register(Run.from_json(asked["run"]))
        if do == "list":
            return [_shown(app, run) for app, run in self._host.served()]
        if do == "app_started":
            return await self._host.app_started(asked["app_id"])
        return await self._host.app_stopped(asked["app_id"])

    async def close(self) -> None:
        if self._run is not None:
            await self._host.remove(self._run)

    async def _register(self, run: Run) -> int:
        """Serves the run's sidecars; gives the owner's process id."""
        await self._host.add(run, load_resources(run.resources_paths, run.config_path))
        self._run = run
        return os.getpid()


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
