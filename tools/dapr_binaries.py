"""Where the real runtime's programs are, and in one line how to get what is missing.

`python -m tools.dapr_binaries` builds them where they are not, so that tests may begin.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

BUILT = Path(__file__).with_name("dapr-runtime") / "bin"
PROGRAMS = ("daprd", "placement", "scheduler")
NO_REDIS = "redis-server is missing (on Debian: apt-get install redis-server)"
NO_GO = (
    "daprd, placement and scheduler are not built, and Go 1.26 to build them is missing"
    " (https://go.dev/dl; or set DAPR_BIN to where they are)"
)


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
        raise MissingRuntimeError(NO_REDIS)
    return found


def are_built(environ: Mapping[str, str] = os.environ) -> bool:
    try:
        find_binaries(environ)
    except MissingRuntimeError:
        return False
    return True


def lacking(environ: Mapping[str, str] = os.environ) -> list[str]:
    """What has to be installed before the real runtime can be started, or built and started."""
    path = environ.get("PATH")
    lacks = [] if shutil.which("redis-server", path=path) else [NO_REDIS]
    if not are_built(environ) and not shutil.which("go", path=path):
        lacks.append(NO_GO)
    return lacks


def main() -> int:
    if lacks := lacking():
        print("the real runtime needs more:", "; ".join(lacks), file=sys.stderr)  # noqa: T201
        return 1
    if os.environ.get("DAPR_BIN"):
        return 0
    return subprocess.call(["sh", str(BUILT.parent / "build.sh")])  # noqa: S603, S607 - our own


if __name__ == "__main__":
    sys.exit(main())
