"""Processes with names, each of which can be killed and started again alone.

They are started by one thread that lasts as long as they do: the system ends a tied process when
the thread that started it ends.
"""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools.tied_process import TiedProcess

STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Part:
    """How to start one process, and how to see that it is there."""

    name: str
    command: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    is_there: Callable[[], bool]


class Parts:
    """All parts of one runtime, in the order in which they were added; logs are in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts: dict[str, Part] = {}
        self._running: dict[str, TiedProcess] = {}
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="parts")

    def add(self, part: Part) -> None:
        """Known from now on; `start` starts it."""
        self._parts[part.name] = part

    def names(self) -> list[str]:
        return list(self._parts)

    def running(self) -> list[str]:
        return [name for name, process in self._running.items() if process.ended() is None]

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start(self, *names: str) -> None:
        """Start these; does not wait until they are there."""
        for name in names:
            self._running[name] = self._starter.submit(self._launch, self._parts[name]).result()

    def are_there(self, *names: str) -> bool:
        return all(self._parts[name].is_there() for name in names)

    def ended(self) -> dict[str, int]:
        """The exit codes of those that ended and were neither stopped nor killed here."""
        codes = {name: process.ended() for name, process in self._running.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def kill(self, *names: str) -> None:
        """SIGKILL, and wait until they are gone."""
        for name in names:
            if name in self._running:
                self._running[name].signal(signal.SIGKILL)
        for name in names:
            if name in self._running:
                self._running.pop(name).kill()

    def stop(self, *names: str, seconds: float = STOP_SECONDS) -> list[str]:
        """SIGTERM to all of these together, then SIGKILL to what is left, which is told."""
        for name in names:
            if name in self._running:
                self._running[name].signal(signal.SIGTERM)
        for name in names:
            if name in self._running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._running[name].wait(seconds)
        left = [name for name in names if name in self.running()]
        self.kill(*names)
        return left

    def close(self) -> None:
        """Kill what runs; nothing can be started afterwards."""
        self.kill(*self.running())
        self._starter.shutdown()

    def _launch(self, part: Part) -> TiedProcess:
        return TiedProcess(part.command, self.log(part.name), cwd=part.cwd, env=part.env)
