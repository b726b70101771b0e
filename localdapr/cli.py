"""The command line: one group, each command in a module of its own, loaded when it is asked for.

The outermost edge: an error of localdapr becomes one line on standard error and exit code 1.
"""

from __future__ import annotations

import importlib
import sys

import click

from localdapr.errors import LocalDaprError

APPS = "localdapr.commands.apps"
COMMANDS = {  # name: module, and the click command in it
    "invoke": (APPS, "invoke"),
    "list": (APPS, "list_apps"),
    "publish": (APPS, "publish"),
    "reset": (APPS, "reset"),
    "run": ("localdapr.run_command", "command"),
    "stop": (APPS, "stop"),
    "workflow": ("localdapr.commands.workflow", "workflow"),
}


class LazyGroup(click.Group):
    """Imports a command's module only when the command is used or its help is shown."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        click.echo(f"localdapr {metadata.version('pizza-shop')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def localdapr() -> None:
    """Runs Dapr apps without a Dapr installation: an embedded sidecar on SQLite."""


def main() -> None:
    """Exit codes: 0 as asked, 1 failed, 2 wrong usage."""
    try:
        localdapr(prog_name="localdapr")
    except LocalDaprError as error:
        click.echo(f"localdapr: {error}", err=True)
        sys.exit(1)
