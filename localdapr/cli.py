"""The command line: the group of all commands.

The outermost edge: an error of localdapr becomes one line on standard error and exit code 1.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from localdapr.__main__ import INTERRUPTED
from localdapr.commands import apps, run, workflow
from localdapr.errors import LocalDaprError


class Interruptible(click.Group):
    """A Ctrl-C that no command heeds ends it in silence; click would call it aborted."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


@click.group(cls=Interruptible, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pizza-shop", message="localdapr %(version)s")
def localdapr() -> None:
    """Runs Dapr apps without a Dapr installation: an embedded sidecar on SQLite."""


for command in (*apps.COMMANDS, run.command, workflow.workflow):
    localdapr.add_command(command)


def main() -> None:
    """Exit codes: 0 as asked, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        localdapr(prog_name="localdapr")
    except LocalDaprError as error:
        click.echo(f"localdapr: {error}", err=True)
        sys.exit(1)
