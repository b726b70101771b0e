"""One `localdapr run` as the process that keeps the data knows it; it may be another process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localdapr.manifest import App

APP_TOKEN = "APP_API_TOKEN"  # noqa: S105 - the variable's name, not a secret


@dataclass(frozen=True)
class Run:
    """Its apps, where their resources are, and its template (None: options name its one app)."""

    apps: tuple[App, ...]
    resources_paths: tuple[Path, ...] = ()
    config_path: Path | None = None
    template: str | None = None
    pid: int = field(default_factory=os.getpid)
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def to_json(self) -> dict[str, Any]:
        """For `from_json` in another process, whose working folder may be another."""
        return asdict(self) | {
            "apps": [_app_to_json(app) for app in self.apps],
            "resources_paths": [str(path.resolve()) for path in self.resources_paths],
            "config_path": str(self.config_path.resolve()) if self.config_path else None,
        }

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> Run:
        """The run, its apps without what only their own process needs."""
        config_path = shown["config_path"]
        return cls(
            **dict(shown)
            | {
                "apps": tuple(_app(**app) for app in shown["apps"]),
                "resources_paths": tuple(map(Path, shown["resources_paths"])),
                "config_path": Path(config_path) if config_path else None,
            }
        )

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


def _app(command: list[str], **rest: Any) -> App:
    return App(**rest, command=tuple(command))


def _app_to_json(app: App) -> dict[str, Any]:
    """What its sidecar needs: of the environment that is the app's token, and no folder."""
    token = app.env.get(APP_TOKEN) or os.environ.get(APP_TOKEN, "")
    shown = asdict(app) | {"env": {APP_TOKEN: token} if token else {}}
    del shown["working_dir"]
    return shown
