"""Processes that tests start: each leads its own group, and nothing of it is left behind.

Not even when the test run itself is killed: then the system kills them too.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
DEADLINE = 30.0
# Becomes the command, and ends with this process. Not a preexec_fn: with one, Python forks, and
# a fork of a process in which gRPC has threads may crash.
TIED = (sys.executable, "-I", "-S", str(REPO / "tools" / "tied.py"))


def wait_until(holds: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
    """Wait for a condition; fail by name when it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain: {what}")
        time.sleep(0.01)


class Process:
    """A command with its output in a file. `kill` is SIGKILL for the whole group."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*TIED, str(os.getpid()), *command],
                cwd=REPO,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(DEADLINE)

    def stop(self) -> None:
        """SIGTERM to the leader, SIGKILL to what is left of the group."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self.kill()

    def ended(self) -> int | None:
        return self._process.poll()

    def wait(self, seconds: float = DEADLINE) -> int:
        return self._process.wait(seconds)

    def output(self) -> str:
        return self.log.read_text(errors="replace")
