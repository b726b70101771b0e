"""PIZZA_SECRET, with which the shop signs sessions, links and who a person is."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tools.shop_ports import REPO

PIZZA_SECRET = "PIZZA_SECRET"  # noqa: S105 - the variable's name, not a secret
FILE = "pizza-secret"
DATA = REPO / ".localdapr"  # localdapr's own default for the shop


def new_secret() -> str:
    """For one shop, which gives it to all its services."""
    return secrets.token_urlsafe()


def with_secret(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment with the secret of this data folder, unless it has one of its own."""
    return {**env, PIZZA_SECRET: env.get(PIZZA_SECRET) or kept_secret(folder)}


def kept_secret(folder: Path) -> str:
    """The data folder's secret, made at the first call, so that it outlives a run.

    Raises OSError.
    """
    file = folder / FILE
    if file.exists() and (kept := file.read_text().strip()):
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    made = new_secret()
    _write(file, made)
    return made


def _write(file: Path, secret: str) -> None:
    """Whole or not at all, and readable by its owner only, as mkstemp makes it."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=FILE)
    with os.fdopen(handle, "w") as output:
        output.write(f"{secret}\n")
    os.replace(name, file)
