"""Where the real runtime's programs are, and in one line how to get what is missing."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

BUILT = Path(__file__).with_name("dapr-runtime") / "bin"
PROGRAMS = ("daprd", "placement", "scheduler")


class MissingRuntimeError(Exception):
    """Something of the runtime is not on this machine; the text says how to get it."""


def find_binaries(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder with the runtime's programs: DAPR_BIN, or where `make dapr-runtime` puts them.

    Raises MissingRuntimeError.
    """
    folder = Path(environ.get("DAPR_BIN") or BUILT).resolve()
    missing = [name for name in PROGRAMS if not os.access(folder / name, os.X_OK)]
    if missing:
        raise MissingRuntimeError(
            f"{', '.join(missing)} is not in {folder}: run `make dapr-runtime`, which needs Go,"
            " or set DAPR_BIN to where they are"
        )
    return folder


def find_redis() -> str:
    """The path of redis-server. Raises MissingRuntimeError."""
    found = shutil.which("redis-server")
    if found is None:
        raise MissingRuntimeError(
            "redis-server is missing: on Debian, apt-get install redis-server"
        )
    return found
