"""Rows for people and for programs: a table on a terminal, columns in a pipe, JSON or YAML."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

Rows = Sequence[Mapping[str, Any]]
WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")  # where one begins within a key
LONGEST_CELL = 160
PIPE_WIDTH = 2000  # wide enough for every line: a program that reads it wants no line breaks

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "short", "wide", "json", "yaml"]),
    default="table",
    show_default=True,
    help="How the answer is shown; short is table.",
)


def show(rows: Rows, output: str, short: Sequence[str]) -> None:
    """Prints the rows; a table has the columns `short`, a wide one all."""
    if output == "json":
        click.echo(json.dumps(list(rows), indent=2, ensure_ascii=False))
    elif output == "yaml":
        import yaml

        click.echo(yaml.safe_dump([dict(row) for row in rows], sort_keys=False), nl=False)
    else:
        _show_table(rows, tuple(rows[0]) if rows and output == "wide" else short)


def _show_table(rows: Rows, keys: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    terminal = sys.stdout.isatty()
    headings = (WORD.sub(" ", key).upper() for key in keys)
    table = Table(*headings, box=box.SIMPLE_HEAD if terminal else None, pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(row[key]) for key in keys))
    console = Console(
        width=None if terminal else PIPE_WIDTH, markup=False, highlight=False, emoji=False
    )
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        value = ", ".join(f"{key}={_cell(each)}" for key, each in value.items())
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
