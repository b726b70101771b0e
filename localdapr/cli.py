"""The command line: one group, each command in a module of its own, loaded when it is asked for.

The outermost edge: an error of localdapr becomes one line on standard error and exit code 1.
"""

from __future__ import annotations

import importlib
import sys

import click

from localdapr.errors import LocalDaprError

COMMANDS = {  # name: where it is, a module of `commands` and a name in it
    "invoke": ("apps", "invoke"),
    "list": ("apps", "list_apps"),
    "publish": ("apps", "publish"),
    "reset": ("apps", "reset"),
    "run": ("run", "command"),
    "stop": ("apps", "stop"),
    "workflow": ("workflow", "workflow"),
}


class LazyGroup(click.Group):
    """Imports a command's module only when it is used, so that a run starts at once."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name]
        command = getattr(importlib.import_module(f"localdapr.commands.{module}"), attribute)
        return command if isinstance(command, click.Command) else None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pizza-shop", message="localdapr %(version)s")
def localdapr() -> None:
    """Runs Dapr apps without a Dapr installation: an embedded sidecar on SQLite."""


def main() -> None:
    """Exit codes: 0 as asked, 1 failed, 2 wrong usage."""
    try:
        localdapr(prog_name="localdapr")
    except LocalDaprError as error:
        click.echo(f"localdapr: {error}", err=True)
        sys.exit(1)
