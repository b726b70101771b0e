"""What an app finds around it: the environment that the Dapr CLI gives, and its command."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from localdapr.errors import AppFailedError
from localdapr.manifest import App

OWN_NAMES = (
    "APP_ID",
    "APP_PORT",
    "APP_PROTOCOL",
    "APP_CHANNEL_ADDRESS",
    "DAPR_HTTP_PORT",
    "DAPR_GRPC_PORT",
    "DAPR_METRICS_PORT",
)


def environment(app: App, inherited: Mapping[str, str]) -> dict[str, str]:
    """The inherited variables, Dapr's own, then the manifest's, the later ones winning.

    A Dapr variable of `inherited` never comes through: it would be that of another app.
    """
    env = {name: value for name, value in inherited.items() if name not in OWN_NAMES}
    env |= {
        "PATH": os.pathsep.join([_interpreter_folder(), inherited.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        "APP_ID": app.app_id,
        "APP_PROTOCOL": "http",
        "APP_CHANNEL_ADDRESS": "127.0.0.1",
        "DAPR_HTTP_PORT": str(app.http_port),
        "DAPR_GRPC_PORT": str(app.grpc_port),
    }
    if app.app_port is not None:
        env["APP_PORT"] = str(app.app_port)
    return env | dict(app.env)


def check_command(app: App, inherited: Mapping[str, str]) -> None:
    """Raises AppFailedError when the app's command cannot be found or run."""
    if not app.command:
        return
    name = app.command[0]
    if os.sep in name:
        path = app.working_dir / name
        found = path.is_file() and os.access(path, os.X_OK)
    else:
        found = shutil.which(name, path=environment(app, inherited)["PATH"]) is not None
    if not found:
        raise AppFailedError(f"{app.app_id}: there is no command {name} that can be run")


def _interpreter_folder() -> str:
    """Not resolved: in a virtual environment the link's folder is the one with its packages."""
    return str(Path(sys.executable).parent)
