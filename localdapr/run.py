"""One `localdapr run` as the process that keeps the data knows it; it may be another process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localdapr.callers import Callers
from localdapr.manifest import App, ResourcesPath

APP_TOKEN = "APP_API_TOKEN"  # noqa: S105 - the variable's name, not a secret


@dataclass(frozen=True)
class Run:
    """Its apps, where their resources are, and its template (None: options name its one app).

    All paths are absolute: the process that reads them may be in another folder.
    """

    apps: tuple[App, ...]
    resources_paths: tuple[ResourcesPath, ...] = ()
    config_path: Path | None = None
    template: str | None = None
    pid: int = field(default_factory=os.getpid)
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    callers: Callers = field(default_factory=Callers)

    def to_json(self) -> dict[str, Any]:
        """For `from_json` in another process; paths are to be shown as texts."""
        apps = [asdict(app) | {"env": {**own_token(), **app.env}} for app in self.apps]
        return asdict(self) | {"apps": apps}

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> Run:
        """The run as its own process has it."""
        config_path = shown["config_path"]
        read = {
            "apps": tuple(_app(**app) for app in shown["apps"]),
            "resources_paths": tuple(
                ResourcesPath(Path(each["path"]), tuple(each["apps"]))
                for each in shown["resources_paths"]
            ),
            "config_path": Path(config_path) if config_path else None,
            "callers": Callers(**{key: tuple(each) for key, each in shown["callers"].items()}),
        }
        return cls(**{**shown, **read})

    def row(self, app: App) -> dict[str, Any]:
        """One of its apps as `localdapr list` shows it, served by this process."""
        return {
            "appId": app.app_id,
            "httpPort": app.http_port,
            "grpcPort": app.grpc_port,
            "appPort": app.app_port,
            "command": " ".join(app.command),
            "created": self.began,
            "daprdPid": os.getpid(),
            "cliPid": self.pid,
            "runTemplatePath": self.template,
        }


def own_token() -> dict[str, str]:
    """What apps of this process have by inheritance and their sidecars must know."""
    return {name: os.environ[name] for name in (APP_TOKEN,) if name in os.environ}


def _app(command: list[str], working_dir: str, **rest: Any) -> App:
    return App(**rest, command=tuple(command), working_dir=Path(working_dir))
