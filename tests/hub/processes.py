"""Processes that tests start: each leads its own group, and nothing of it is left behind.

Not even when the test run itself is killed: then the system kills them too.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tools.tied_process import TiedProcess

REPO = Path(__file__).parents[2]
DEADLINE = 60.0


def wait_until(holds: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
    """Wait for a condition; fail by name when it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain: {what}")
        time.sleep(0.01)


class Process(TiedProcess):
    """A command that runs in the repository's folder; `env` is added to the environment."""

    def __init__(
        self, command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(command, log, cwd=REPO, env={**os.environ, **(env or {})})
