"""One `localdapr run` as the process that keeps the data knows it; it may be another process."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
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
    began: float = field(default_factory=time.time)  # Unix time

    def to_json(self) -> dict[str, Any]:
        """For `from_json` in another process, whose working folder may be another."""
        return asdict(self) | {
            "apps": [_app_to_json(app) for app in self.apps],
            "resources_paths": [str(path.resolve()) for path in self.resources_paths],
            "config_path": str(self.config_path.resolve()) if self.config_path else None,
        }

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> "Run":
        return cls(
            tuple(App(**app | {"command": tuple(app["command"])}) for app in shown["apps"]),
            tuple(Path(path) for path in shown["resources_paths"]),
            Path(shown["config_path"]) if shown["config_path"] else None,
            shown["template"],
            shown["pid"],
            shown["began"],
        )


def _app_to_json(app: App) -> dict[str, Any]:
    """What its sidecar needs: of the environment that is the app's token, and no folder."""
    token = app.env.get(APP_TOKEN) or os.environ.get(APP_TOKEN, "")
    shown = asdict(app) | {"env": {APP_TOKEN: token} if token else {}}
    del shown["working_dir"]
    return shown
