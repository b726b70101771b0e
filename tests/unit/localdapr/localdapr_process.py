"""`localdapr` as its user starts it: a process in a folder, its output in files."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[3]
DEADLINE = 30.0


class Localdapr:
    """A `localdapr` process in a folder; several may be in one."""

    numbers = itertools.count()

    def __init__(
        self, folder: Path, *args: str, pass_fds: tuple[int, ...] = (), **env: str
    ) -> None:
        name = f"localdapr-{next(self.numbers)}"
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "localdapr", *args],
                cwd=folder,
                stdout=out,
                stderr=err,
                pass_fds=pass_fds,
                env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            )

    @property
    def output(self) -> str:
        return self._out.read_text()

    @property
    def errors(self) -> str:
        return self._err.read_text()

    def wait(self) -> int:
        return self.process.wait(DEADLINE)

    def wait_for(self, text: str) -> None:
        def written() -> bool:
            ended = self.process.poll() is not None
            found = text in self.output
            assert found or not ended, self.output + self.errors
            return found

        wait_until(written, lambda: f"{text!r} in {self.output}{self.errors}")


def wait_until(holds: Callable[[], object], what: Callable[[], str]) -> None:
    """Wait for a condition; fail with what was waited for."""
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what()}"
        time.sleep(0.02)
