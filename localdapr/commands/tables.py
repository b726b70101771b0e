"""Rows for people and for programs: a table on a terminal, columns in a pipe, JSON or YAML."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

Rows = Sequence[Mapping[str, Any]]
LONGEST_CELL = 160
Columns = Mapping[str, str]  # heading: key of the row

output_option = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "short", "wide", "json", "yaml"]),
    default="table",
    show_default=True,
    help="How the answer is shown; short is table.",
)


def show(rows: Rows, output: str, short: Columns, wide: Columns) -> None:
    """Prints the rows: `short` and `wide` are the columns of the two tables."""
    if output == "json":
        click.echo(json.dumps(list(rows), indent=2, ensure_ascii=False))
    elif output == "yaml":
        import yaml

        click.echo(yaml.safe_dump([dict(row) for row in rows], sort_keys=False), nl=False)
    else:
        columns = wide if output == "wide" else short
        cells = [[_cell(row.get(key)) for key in columns.values()] for row in rows]
        _show_table(list(columns), cells)


def _show_table(headings: list[str], cells: list[list[str]]) -> None:
    if sys.stdout.isatty():
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
        for line in cells:
            table.add_row(*(Text(cell) for cell in line))
        Console().print(table)
        return
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    for line in [headings, *cells]:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        value = ", ".join(f"{key}={_cell(each)}" for key, each in value.items())
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
