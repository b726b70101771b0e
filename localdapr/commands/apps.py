"""Commands about running apps: list, stop, invoke, publish; about their data: reset, recover."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from localdapr.commands.asking import (
    ask_sidecar,
    data_dir_option,
    json_text,
    not_empty,
    running_app,
    running_apps,
)
from localdapr.commands.moments import age
from localdapr.commands.run import DATA_FOLDER
from localdapr.commands.tables import output_option, show
from localdapr.errors import FolderInUseError, LocalDaprError, NobodyThereError, RefusedError
from localdapr.private import BESIDE

STOP_SECONDS = 30.0  # an app has 10 s to end, then its sidecar
URL_SIGNS = "!#$%&'()*+,/:;=?@[]~"  # of a path to call, left as they are
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: what a verb may be
CLOUD_EVENT = {"id", "source", "specversion", "type"}
SHORT = ("appId", "httpPort", "grpcPort", "appPort", "command", "age", "cliPid")


def _verb(text: str) -> str:
    """The type of an HTTP verb, as HTTP has it: in capitals."""
    if not TOKEN.fullmatch(text):
        raise click.BadParameter(f"{text!r} is no HTTP verb such as GET")
    return text.upper()


def _json_object(text: str) -> dict[str, Any]:
    """The type of an option that must be a JSON object."""
    value = json.loads(json_text(text))
    if not isinstance(value, dict):
        raise click.BadParameter(f'{text!r} is no JSON object such as \'{{"ttlInSeconds": "5"}}\'')
    return value


data_option = click.option("-d", "--data", type=json_text, help="What is sent, as JSON.")
file_option = click.option(
    "-f", "--data-file", type=click.File("rb"), help="A file with the data; - is standard input."
)


@click.command("list")
@output_option
@data_dir_option
def list_apps(output: str, folder: Path) -> None:
    """List the apps that run, their ports and processes."""
    rows = [row | {"age": age(row["created"])} for row in running_apps(folder)]
    show(rows, output, SHORT)


@click.command("stop")
@click.option("-a", "--app-id", metavar="ID", help="The app whose run is to end.")
@click.option("-f", "--run-file", type=click.Path(path_type=Path), metavar="FILE|DIR")
@data_dir_option
@click.pass_context
def stop(ctx: click.Context, app_id: str | None, run_file: Path | None, folder: Path) -> None:
    """End a run and wait for its end: that of one app, or with -f that of a template."""
    if (app_id is None) == (run_file is None):
        raise click.UsageError("give --app-id ID or -f FILE|DIR")
    if app_id is not None:
        rows = _run_of_app(folder, app_id)
    else:
        assert run_file is not None
        template = (run_file / "dapr.yaml" if run_file.is_dir() else run_file).resolve()
        if ctx.get_parameter_source("folder") is click.core.ParameterSource.DEFAULT:
            folder = template.parent / DATA_FOLDER
        rows = _run_of_template(folder, str(template))
    os.kill(rows[0]["cliPid"], signal.SIGTERM)
    ended = [row["appId"] for row in rows]
    _wait_until_gone(folder, set(ended))
    click.echo(f"stopped: {', '.join(ended)}")


@click.command("invoke")
@click.option("-a", "--app-id", required=True, metavar="ID", help="The app to call.")
@click.option("-m", "--method", required=True, metavar="PATH", help="The path to call.")
@click.option(
    "-v",
    "--verb",
    type=_verb,
    default="POST",
    show_default=True,
    metavar="VERB",
    help="The HTTP verb.",
)
@data_option
@file_option
@data_dir_option
def invoke(
    app_id: str, method: str, verb: str, data: str | None, data_file: Any, folder: Path
) -> None:
    """Call an app, as another app would; print what it answers."""
    path = f"/v1.0/invoke/{app_id}/method/{quote(method.lstrip('/'), URL_SIGNS)}"
    app, body = running_app(folder, app_id), _body(data, data_file)
    kind = "application/json" if body else ""
    status, reason, content = ask_sidecar(app, verb, path, body, kind)
    click.echo(content, nl=sys.stdout.isatty())
    if status >= 400:
        raise RefusedError(f"{app_id} answered {status} {reason}")


@click.command("publish")
@click.option(
    "-i", "--publish-app-id", "app_id", required=True, metavar="ID", help="Who publishes."
)
@click.option(
    "-p", "--pubsub", required=True, type=not_empty, metavar="NAME", help="The pub/sub component."
)
@click.option("-t", "--topic", required=True, type=not_empty, metavar="NAME", help="The topic.")
@data_option
@click.option(
    "-m",
    "--metadata",
    type=_json_object,
    default="{}",
    metavar="JSON",
    help="As a JSON object of texts.",
)
@file_option
@data_dir_option
def publish(
    app_id: str,
    pubsub: str,
    topic: str,
    data: str | None,
    metadata: dict[str, Any],
    data_file: Any,
    folder: Path,
) -> None:
    """Publish a message, in the name of an app."""
    options = urlencode({f"metadata.{key}": each for key, each in metadata.items()})
    path = f"/v1.0/publish/{quote(pubsub, '')}/{quote(topic)}?{options}"
    app, body = running_app(folder, app_id), _body(data, data_file)
    status, _, answer = ask_sidecar(app, "POST", path, body, _content_type(body))
    if status >= 400:
        raise RefusedError(json.loads(answer)["message"])
    click.echo("published")


@click.command("reset")
@click.option("-y", "--yes", is_flag=True, help="Do not ask whether you are sure.")
@data_dir_option
def reset(yes: bool, folder: Path) -> None:
    """Forget all data of a data folder: state, messages and workflows."""
    from localdapr.store import FILE_NAME, lock_folder, remove_data

    if not any((folder / f"{FILE_NAME}{suffix}").exists() for suffix in ("", *BESIDE)):
        click.echo(f"there is no data in {folder}")
        return
    if not yes:
        click.confirm(f"Forget all state, messages and workflows in {folder}?", abort=True)
    try:
        lock = lock_folder(folder)
    except FolderInUseError as cause:
        raise FolderInUseError(f"a localdapr runs on {folder}; stop it first") from cause
    try:
        remove_data(folder)
    finally:
        os.close(lock)
    click.echo(f"{folder} is empty now")


@click.command("recover")
@data_dir_option
def recover(folder: Path) -> None:
    """Go on with damaged data: keep a copy, and use what can be read."""
    from localdapr.host import SCHEMAS
    from localdapr.salvage import recover as recover_data
    from localdapr.store import FILE_NAME

    if not any((folder / f"{FILE_NAME}{suffix}").exists() for suffix in ("", *BESIDE)):
        click.echo(f"there is no data in {folder}")
        return
    kept, counts = recover_data(folder, SCHEMAS)
    click.echo(
        f"nothing is damaged in {folder}"
        if kept is None
        else f"the damaged files are kept in {kept}, and what could be read of them is used"
    )
    click.echo("there are " + ", ".join(f"{count} {name}" for name, count in counts.items()))


def _run_of_app(folder: Path, app_id: str) -> list[dict[str, Any]]:
    app = running_app(folder, app_id)
    rows = [row for row in running_apps(folder) if _run_of(row) == _run_of(app)]
    if len(rows) > 1:
        raise RefusedError(
            f"{app_id} is one of {len(rows)} apps that run together; "
            f"stop them all with: localdapr stop -f {rows[0]['runTemplatePath']}"
        )
    return rows


def _run_of(row: dict[str, Any]) -> tuple[int, str]:
    return row["cliPid"], row["created"]


def _run_of_template(folder: Path, template: str) -> list[dict[str, Any]]:
    rows = [row for row in running_apps(folder) if row["runTemplatePath"] == template]
    if not rows:
        raise RefusedError(f"no run of {template} is here")
    return rows


def _body(data: str | None, data_file: Any) -> bytes:
    if data is not None and data_file is not None:
        raise click.UsageError("give --data or --data-file, not both")
    return bytes(data_file.read()) if data_file else (data or "").encode()


def _content_type(body: bytes) -> str:
    """That of a CloudEvent where the data is one: it is then published as it is."""
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    whole = isinstance(content, dict) and content.keys() >= CLOUD_EVENT
    return "application/cloudevents+json" if whole else "application/json"


def _wait_until_gone(folder: Path, app_ids: set[str]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            rows = running_apps(folder)
        except NobodyThereError:
            return
        if app_ids.isdisjoint(row["appId"] for row in rows):
            return
        time.sleep(0.05)
    raise LocalDaprError(f"{', '.join(sorted(app_ids))}: not ended within {STOP_SECONDS:g} s")


COMMANDS = (list_apps, stop, invoke, publish, reset, recover)
