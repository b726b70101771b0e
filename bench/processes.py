"""The processes of one bench run: all are ended when it is over, however it ends.

Each leads a group of its own and, on Linux, gets SIGTERM when the bench itself is killed.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import tools
from bench.load import Cell, Sample

REPO = Path(__file__).parent.parent
TIED = Path(tools.__file__).with_name("tied.py")
STOP_SECONDS = 3.0
START_SECONDS = 60.0
ANSWER_SECONDS = 150.0
TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """The bench cannot go on; the text says why, with the last output of the process."""


class Process:
    """A process that writes to a log file, or is spoken to through pipes (`talks`)."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str], talks: bool
    ) -> None:
        self.name = name
        self.log = log
        tied = [sys.executable, "-I", "-S", str(TIED), str(os.getpid())]
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                [*tied, *command],
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else output,
                stderr=output,
                cwd=REPO,
                env=_environment(env),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def wait_for(self, ready: Callable[[], bool], what: str) -> None:
        """Raises BenchError when it takes too long or the process ends."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self._popen.poll() is not None:
                raise self._error(f"ended with code {self._popen.returncode}")
            if time.monotonic() > deadline:
                raise self._error(f"is not there after {START_SECONDS:g} s ({what})")
            time.sleep(0.05)

    def wait_for_port(self, port: int) -> None:
        self.wait_for(lambda: answers(port), f"port {port}")

    def wait_for_line(self, line: str) -> None:
        self.wait_for(lambda: line in self.output(), line)

    def ask(self, cell: Cell) -> Sample:
        """Send a load process its work and wait for the answer. Raises BenchError."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.write(json.dumps(asdict(cell)).encode() + b"\n")
        self._popen.stdin.flush()
        if not select.select([self._popen.stdout], [], [], ANSWER_SECONDS)[0]:
            raise self._error(f"did not answer in {ANSWER_SECONDS:g} s")
        line = self._popen.stdout.readline()
        if not line:
            raise self._error("ended")
        return Sample(**json.loads(line))

    def stop(self) -> None:
        """End the group: gently, then by force. May be called twice."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _error(self, what: str) -> BenchError:
        tail = "\n".join(self.output().splitlines()[-20:])
        return BenchError(f"{self.name} {what}\n{tail}")


class Processes:
    """Everything that was started, in a folder for data and logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[Process] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        *,
        talks: bool = False,
    ) -> Process:
        process = Process(name, command, self.folder / f"{name}.log", env or {}, talks)
        self._started.append(process)
        return process

    def python(self, name: str, module: str, *arguments: str, talks: bool = False) -> Process:
        """A module of ours, on the bench's own interpreter."""
        return self.start(name, [sys.executable, "-m", module, *arguments], talks=talks)

    def close(self) -> None:
        """End all, the last started first: a daprd whose worker is still there does not end."""
        while self._started:
            self._started.pop().stop()


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    ours = ("DAPR_", "APP_", "LOCALDAPR_", "DBOS_", "OTEL_")
    outer = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join(part for part in (env.get("PYTHONPATH"), str(REPO)) if part)
    return {**outer, **env, "PYTHONPATH": path}


def answers(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has used; 0 where that cannot be read."""
    with contextlib.suppress(FileNotFoundError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    return 0.0


def descendants(pid: int) -> list[int]:
    """The processes below one, as far as they can be seen."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *descendants(child)]
    return found
