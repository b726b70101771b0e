"""What the numbers were measured on: the machine and the versions."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("dapr", "grpcio", "protobuf", "aiohttp")


def describe(daprd: Path | None, dbos_python: Path | None) -> str:
    """One paragraph."""
    parts = [
        f"{_processor()}, {os.cpu_count()} cores, {_memory():.0f} GiB",
        platform.platform(terse=True),
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in PACKAGES),
    ]
    if daprd:
        parts.append(f"daprd {_first_line(str(daprd), '--version')}")
        parts.append(_first_line("redis-server", "--version").partition(" sha=")[0])
    if dbos_python:
        code = "import importlib.metadata as m; print('DBOS', m.version('dbos'))"
        parts.append(_first_line(str(dbos_python), "-c", code))
    return ", ".join(parts) + "."


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    lines = done.stdout.splitlines()
    return lines[0].strip() if lines else "(unknown)"
