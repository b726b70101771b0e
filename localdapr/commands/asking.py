"""What the commands share: which data folder is meant, and how the sidecars there are asked.

Only what runs is asked of the run that keeps the data; all else is asked of an app's sidecar, as
any client of Dapr does.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
from pathlib import Path
from typing import Any

import click

from localdapr.commands.run import DATA_FOLDER
from localdapr.control import ask_owner
from localdapr.errors import NobodyThereError, RefusedError

ANSWER_SECONDS = 10.0  # it is answered at once, also on a busy machine, or not at all

data_dir_option = click.option(
    "--data-dir",
    "folder",
    type=click.Path(path_type=Path),
    default=DATA_FOLDER,
    envvar="LOCALDAPR_DATA_DIR",
    show_envvar=True,
    help="The data folder of the run; by default .localdapr in the current folder.",
)


def json_text(text: str) -> str:
    """The type of an option that must be JSON."""
    try:
        json.loads(text)
    except ValueError as cause:
        raise click.BadParameter(f"{text!r} is not JSON ({cause}); a text is '\"text\"'") from cause
    return text


def not_empty(text: str) -> str:
    """The type of a name without which nothing is named."""
    if not text:
        raise click.BadParameter("must not be empty")
    return text


def running_apps(folder: Path) -> list[dict[str, Any]]:
    """The rows of `localdapr list`. Raises NobodyThereError, and RefusedError without an answer."""
    rows: list[dict[str, Any]] = asyncio.run(ask_owner(folder, "list", within=ANSWER_SECONDS))
    return rows


def running_app(folder: Path, app_id: str | None) -> dict[str, Any]:
    """The row of an app, of the only one where none is named. Raises RefusedError."""
    rows = {row["appId"]: row for row in running_apps(folder)}
    if app_id is None and len(rows) == 1:
        return next(iter(rows.values()))
    if app_id in rows:
        return rows[app_id]
    asked = "say which app with --app-id" if app_id is None else f"no app with id {app_id} runs"
    raise RefusedError(f"{asked}; those that run: {', '.join(sorted(rows)) or 'none'}")


def token_headers() -> dict[str, str]:
    """What a sidecar wants to see when it was started with a token (DAPR_API_TOKEN)."""
    token = os.environ.get("DAPR_API_TOKEN", "")
    return {"dapr-api-token": token} if token else {}


def ask_sidecar(
    app: dict[str, Any], verb: str, path: str, body: bytes, content_type: str
) -> tuple[int, str, bytes]:
    """Status, reason and body of an HTTP request to an app's sidecar."""
    headers = token_headers() | ({"Content-Type": content_type} if content_type else {})
    connection = http.client.HTTPConnection("127.0.0.1", app["httpPort"])
    try:
        connection.request(verb, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.reason, answer.read()
    except (OSError, http.client.HTTPException) as cause:
        raise NobodyThereError(f"the sidecar of {app['appId']} does not answer: {cause}") from cause
    finally:
        connection.close()
