"""`make lock`: writes requirements.txt, the exact version of everything, from pyproject.toml."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
LOCK = REPO / "requirements.txt"
EXTRAS = ("dev", "metrics", "tracing")

HEADER = """\
# The exact version of everything that the shop needs to run and to be tested.
# Written by `make lock` from pyproject.toml; do not edit.
#
# The package dapr-ext-workflow must not be installed beside these: Dapr's SDK has the workflow
# extension in it since 1.19, and dapr-ext-workflow, which stops at 1.18, overwrites its files.
#
"""


def main() -> int:
    """Exit code 0, or pip-compile's own when no set of versions fits."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "requirements.txt"
        if LOCK.exists():
            pins.write_text("\n".join(locked_lines(LOCK.read_text())))
        code = compile_pins(pins, sys.argv[1:])
        if code == 0:
            LOCK.write_text(HEADER + "\n".join(locked_lines(pins.read_text())) + "\n-e .\n")
    return code


def compile_pins(pins: Path, more: list[str]) -> int:
    command = [sys.executable, "-m", "piptools", "compile", "--quiet", "--strip-extras"]
    command += [f"--extra={name}" for name in EXTRAS]
    command += ["--no-emit-options", "--no-header", *more]
    command += ["--output-file", str(pins), "pyproject.toml"]
    # An index that this machine is set to use is no business of the lock's.
    environment = {**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"}
    return subprocess.run(command, cwd=REPO, env=environment, check=False).returncode  # noqa: S603


def locked_lines(text: str) -> list[str]:
    """The pins and what needs each, without comments that stand alone."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [line for line in lines if line != "-e ."]


if __name__ == "__main__":
    sys.exit(main())
