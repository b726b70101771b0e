"""The Python in which the shop's packages are, for those whom the shop starts."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def with_own_python(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment in which `python3` is the one that runs this, whatever else is activated."""
    path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    return {**environ, "PATH": path, "VIRTUAL_ENV": sys.prefix}
