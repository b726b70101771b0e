"""Commands about running apps: list, stop, invoke, publish; and reset, which forgets their data."""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from localdapr.commands.asking import ask, data_dir_option, json_text
from localdapr.commands.moments import age, shown_time
from localdapr.commands.tables import output_option, show
from localdapr.errors import FolderInUseError, LocalDaprError, NobodyThereError, RefusedError
from localdapr.run_command import DATA_FOLDER

STOP_SECONDS = 30.0  # an app has 10 s to end, then its sidecar
SHORT = {
    "APP ID": "appId",
    "HTTP PORT": "httpPort",
    "GRPC PORT": "grpcPort",
    "APP PORT": "appPort",
    "COMMAND": "command",
    "AGE": "age",
    "CLI PID": "cliPid",
}
WIDE = SHORT | {
    "CREATED": "created",
    "DAPRD PID": "daprdPid",
    "RUN TEMPLATE PATH": "runTemplatePath",
}
file_option = click.option(
    "-f", "--data-file", type=click.File("rb"), help="A file with the data; - is standard input."
)


@click.command("list")
@output_option
@data_dir_option
def list_apps(output: str, folder: Path) -> None:
    """List the apps that run, their ports and processes."""
    rows = ask(folder, "list")
    for row in rows:
        began = int(row["created"] * 1_000_000)
        row |= {"age": age(began), "created": shown_time(began)}
    show(rows, output, SHORT, WIDE)


@click.command("stop")
@click.option("-a", "--app-id", metavar="ID", help="The app whose run is to end.")
@click.option("-f", "--run-file", type=click.Path(path_type=Path), metavar="FILE|DIR")
@data_dir_option
@click.pass_context
def stop(ctx: click.Context, app_id: str | None, run_file: Path | None, folder: Path) -> None:
    """End a run and wait for its end: that of one app, or with -f that of a template."""
    if (app_id is None) == (run_file is None):
        raise click.UsageError("give --app-id ID or -f FILE|DIR")
    template = None
    if run_file is not None:
        template = str((run_file / "dapr.yaml" if run_file.is_dir() else run_file).resolve())
        if ctx.get_parameter_source("folder") is click.core.ParameterSource.DEFAULT:
            folder = Path(template).parent / DATA_FOLDER
    ended = ask(folder, "stop", app_id=app_id, template=template)
    _wait_until_gone(folder, set(ended))
    click.echo(f"stopped: {', '.join(ended)}")


@click.command("invoke")
@click.option("-a", "--app-id", required=True, metavar="ID", help="The app to call.")
@click.option("-m", "--method", required=True, metavar="PATH", help="The path to call.")
@click.option("-v", "--verb", default="POST", show_default=True, help="The HTTP verb.")
@click.option("-d", "--data", type=json_text, help="The body, as JSON.")
@file_option
@data_dir_option
def invoke(data: str | None, data_file: Any, folder: Path, **asked: Any) -> None:
    """Call an app, as another app would; print what it answers."""
    answer = ask(folder, "invoke", body=_body(data, data_file), **asked)
    click.echo(base64.b64decode(answer["body"]), nl=False)
    if sys.stdout.isatty():
        click.echo()
    if answer["status"] >= 400:
        raise RefusedError(f"{asked['app_id']} answered {answer['status']} {answer['reason']}")


@click.command("publish")
@click.option(
    "-i", "--publish-app-id", "app_id", required=True, metavar="ID", help="Who publishes."
)
@click.option("-p", "--pubsub", required=True, metavar="NAME", help="The pub/sub component.")
@click.option("-t", "--topic", required=True, help="The topic.")
@click.option("-d", "--data", type=json_text, help="The message, as JSON.")
@click.option("-m", "--metadata", type=json_text, default="{}", help="As a JSON object of texts.")
@file_option
@data_dir_option
def publish(data: str | None, data_file: Any, metadata: str, folder: Path, **asked: Any) -> None:
    """Publish a message, in the name of an app."""
    body, options = _body(data, data_file), json.loads(metadata)
    ask(folder, "publish", body=body, metadata=options, **asked)
    click.echo("published")


@click.command("reset")
@click.option("-y", "--yes", is_flag=True, help="Do not ask whether you are sure.")
@data_dir_option
def reset(yes: bool, folder: Path) -> None:
    """Forget all data of a data folder: state, messages and workflows."""
    from localdapr.store import FILE_NAME, lock_folder

    if not (folder / FILE_NAME).exists():
        click.echo(f"there is no data in {folder}")
        return
    if not yes:
        click.confirm(f"Forget all state, messages and workflows in {folder}?", abort=True)
    try:
        lock = lock_folder(folder)
    except FolderInUseError as cause:
        raise FolderInUseError(f"a localdapr runs on {folder}; stop it first") from cause
    for path in folder.glob(f"{FILE_NAME}*"):
        path.unlink()
    os.close(lock)
    click.echo(f"{folder} is empty now")


def _body(data: str | None, data_file: Any) -> str:
    if data is not None and data_file is not None:
        raise click.UsageError("give --data or --data-file, not both")
    content = data_file.read() if data_file else (data or "").encode()
    return base64.b64encode(content).decode()


def _wait_until_gone(folder: Path, app_ids: set[str]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            rows = ask(folder, "list")
        except NobodyThereError:
            return
        if app_ids.isdisjoint(row["appId"] for row in rows):
            return
        time.sleep(0.05)
    raise LocalDaprError(f"{', '.join(sorted(app_ids))}: not ended within {STOP_SECONDS:g} s")
