"""`localdapr run`: a whole manifest, or one app given on the command line."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import click

from localdapr.callers import Callers
from localdapr.commands.dapr_flags import dapr_flags
from localdapr.console import Console
from localdapr.errors import PortInUseError
from localdapr.manifest import (
    APP_ID,
    APP_ID_RULE,
    App,
    Manifest,
    ResourcesPath,
    read_manifest,
    with_ports,
)
from localdapr.run import Run

PORT = click.IntRange(1, 65535)
ANY_PATH = click.Path(path_type=Path)
EXISTING_PATH = click.Path(exists=True, path_type=Path, resolve_path=True)
DATA_FOLDER = ".localdapr"
PICKS = 5


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option("-f", "--run-file", type=ANY_PATH, metavar="FILE|DIR", help="A multi-app template.")
@click.option(
    "--port-offset",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="With -f: add N to every port, to run a template twice.",
)
@click.option("-a", "--app-id", metavar="ID", help="Run one app, under this id.")
@click.option("-p", "--app-port", type=PORT, help="The port on which the app listens.")
@click.option("-H", "--dapr-http-port", type=PORT, help="The sidecar's HTTP port.")
@click.option("-G", "--dapr-grpc-port", type=PORT, help="The sidecar's gRPC port.")
@click.option("-d", "--resources-path", type=EXISTING_PATH, multiple=True, help="Dapr resources.")
@click.option("-c", "--config", type=EXISTING_PATH, help="A Dapr configuration file.")
@click.option(
    "--data-dir",
    type=ANY_PATH,
    envvar="LOCALDAPR_DATA_DIR",
    show_envvar=True,
    help="Where data is kept; by default .localdapr beside the template.",
)
@click.option(
    "--allowed-hosts",
    callback=lambda _context, _option, text: _names(text.lower()),
    default="",
    envvar="LOCALDAPR_ALLOWED_HOSTS",
    show_envvar=True,
    metavar="NAMES",
    help="Host names, with commas, by which the sidecars may be called beside localhost.",
)
@click.option(
    "--allowed-origins",
    callback=lambda _context, _option, text: _names(text),
    default="",
    envvar="LOCALDAPR_ALLOWED_ORIGINS",
    show_envvar=True,
    metavar="ORIGINS",
    help="Origins of web pages, with commas, that may call the sidecars; * is any.",
)
@click.option("--app-log/--quiet", " /-q", default=True, help="Whether the apps' output is shown.")
@click.option(
    "--ready-fd",
    type=int,
    callback=lambda _context, _option, descriptor: _opened(descriptor),
    metavar="FD",
    help="Write a newline to this descriptor once all apps are ready.",
)
@click.argument("app_command", nargs=-1, metavar="[-- COMMAND...]")
@dapr_flags
def command(
    run_file: Path | None,
    port_offset: int,
    allowed_hosts: tuple[str, ...],
    allowed_origins: tuple[str, ...],
    data_dir: Path | None,
    app_log: bool,
    ready_fd: int | None,
    **single: Any,
) -> None:
    """Run Dapr apps and their sidecars until Ctrl-C.

    `localdapr run -f .` runs the apps of a dapr.yaml. `localdapr run --app-id ID --app-port PORT
    -- COMMAND` runs one app, without a command just its sidecar. Further flags of `dapr run`,
    such as --log-level, are taken; a note names those that are without effect.
    """
    callers = Callers(allowed_hosts, allowed_origins)
    if run_file is None:
        _run_one(callers, data_dir, app_log, ready_fd, **single)
    elif any(single.values()):
        raise click.UsageError(
            "-f goes with --port-offset, --allowed-hosts, --allowed-origins, --data-dir, --quiet "
            "and --ready-fd only"
        )
    else:
        manifest = read_manifest(run_file, port_offset)
        _run(manifest, str(manifest.path), callers, data_dir, app_log, ready_fd)


def _names(text: str) -> tuple[str, ...]:
    """What stands between the commas of an option."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _opened(descriptor: int | None) -> int | None:
    """What `--ready-fd` names, which whoever started this process has to have opened."""
    if descriptor is not None:
        try:
            os.fstat(descriptor)
        except OSError as error:
            raise click.BadParameter(
                f"{descriptor} is not open", param_hint="--ready-fd"
            ) from error
    return descriptor


def _run_one(
    callers: Callers, data_dir: Path | None, app_log: bool, ready_fd: int | None, **single: Any
) -> None:
    """Picks ports anew where none are named and another run, begun meanwhile, took them first."""
    named = single["dapr_http_port"] or single["dapr_grpc_port"]
    for attempt in range(1, PICKS + 1):
        try:
            return _run(_single_app(**single), None, callers, data_dir, app_log, ready_fd)
        except PortInUseError:
            if named or attempt == PICKS:
                raise
    return None


def _single_app(
    app_id: str | None,
    app_port: int | None,
    dapr_http_port: int | None,
    dapr_grpc_port: int | None,
    resources_path: tuple[Path, ...],
    config: Path | None,
    app_command: tuple[str, ...],
    ignored: tuple[str, ...],
) -> Manifest:
    """A manifest of the app that the options describe."""
    if not app_id:
        raise click.UsageError("give -f FILE|DIR, or --app-id ID")
    if not APP_ID.fullmatch(app_id):
        raise click.BadParameter(APP_ID_RULE, param_hint="--app-id")
    _check_unique(app_port=app_port, dapr_http_port=dapr_http_port, dapr_grpc_port=dapr_grpc_port)
    ports = (dapr_http_port or 0, dapr_grpc_port or 0, app_port)
    apps = with_ports([App(app_id, *ports, app_command, Path.cwd())])
    notes = (f"without effect in localdapr: {', '.join(ignored)}",) if ignored else ()
    paths = tuple(map(ResourcesPath, resources_path))
    return Manifest(Path("dapr.yaml"), apps, paths, config, notes)


def _check_unique(**ports: int | None) -> None:
    """No port may be given twice, as in a template."""
    owners: dict[int, str] = {}
    for key, port in ports.items():
        option = f"--{key.replace('_', '-')}"
        if port in owners:
            raise click.BadParameter(f"{port} is already the {owners[port]}", param_hint=option)
        if port:
            owners[port] = option


def _console(manifest: Manifest, app_log: bool) -> Console:
    terminal = sys.stdout.isatty()
    color = terminal and not os.environ.get("NO_COLOR")
    width = max((len(app.app_id) for app in manifest.apps), default=0) if terminal else 0
    return Console(terminal=terminal, color=color, app_log=app_log, width=width)


def _run(
    manifest: Manifest,
    template: str | None,
    callers: Callers,
    data_dir: Path | None,
    app_log: bool,
    ready_fd: int | None,
) -> None:
    """Runs until stopped; raises LocalDaprError. All is printed when it returns."""
    from localdapr.resources import load_resources
    from localdapr.shared_host import SharedHost
    from localdapr.supervisor import Supervisor

    console = _console(manifest, app_log)
    folder = data_dir or manifest.path.parent / DATA_FOLDER
    origin = str(manifest.path.resolve()) if template else None
    paths, config = manifest.resources_paths, manifest.config_path
    ours = Run(manifest.apps, paths, config, origin, callers=callers)
    try:
        resources = load_resources(ours.resources_paths, ours.config_path)
        for note in (*manifest.notes, *resources.summary()):
            console.say(note)
        host = SharedHost(ours, resources, folder, console.say)
        supervisor = Supervisor(ours.apps, host, console, template=template, ready_fd=ready_fd)
        asyncio.run(supervisor.run())
        console.say("stopped")
    finally:
        console.close()
