"""What the commands share: which data folder is asked, and how."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from localdapr.control import ask_owner
from localdapr.run_command import DATA_FOLDER

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


def ask(folder: Path, do: str, **asked: Any) -> Any:
    """The answer of the folder's owner. Raises NobodyThereError and RefusedError."""
    return asyncio.run(ask_owner(folder, do, **asked))
