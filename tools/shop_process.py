"""One run of the whole shop: `localdapr run` in a session of its own, ended whatever happens.

It knows processes and what they print; requests to the shop are the client's business.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.app_token import APP_TOKEN, new_app_token
from tools.own_python import with_own_python
from tools.shop_engine import MARK, READY_SECONDS, ShopEngine, ShopError, until
from tools.shop_ports import REPO, free_offset, read_ports
from tools.shop_secret import PIZZA_SECRET, new_secret
from tools.tied_process import TiedProcess

__all__ = ["MARK", "ShopError", "ShopProcess", "runs", "until"]

READY = "localdapr: ready"
STOP_SECONDS = 30.0
LEFT_SECONDS = 10.0
RESTART_SECONDS = 60.0
_TAIL_LINES = 40

# A row of the table that is printed when all are ready, and the line of an app started again.
_ROW = re.compile(r"^(\S+) +http://127\.0\.0\.1:\d+ +\d+ +\d+ +(\d+)$", re.MULTILINE)
_AGAIN = re.compile(r"^localdapr: (\S+) is ready again \(process (\d+)\)$", re.MULTILINE)


class ShopProcess(ShopEngine):
    """The shop on localdapr, which starts its services again when they die."""

    def __init__(
        self, folder: Path, *, time_scale: float, offset: int | None = None, **settings: str
    ) -> None:
        self.offset = free_offset() if offset is None else offset
        self.folder = folder
        self.apps = read_ports(offset=self.offset)
        self.log = folder / "shop.log"
        self.process: TiedProcess | None = None
        self._time_scale = time_scale
        self._settings = settings
        self.app_token = settings.setdefault(APP_TOKEN, new_app_token())
        self.secret = settings.setdefault(PIZZA_SECRET, new_secret())
        self._begin = 0

    @property
    def pid(self) -> int:
        """Localdapr's own process. Raises ShopError when it was not started."""
        if self.process is None:
            raise ShopError("the shop was not started")
        return self.process.pid

    def start(self) -> None:
        """Start it and wait until it is ready. Raises ShopError when it ends before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._begin = self.log.stat().st_size if self.log.exists() else 0
        self.process = TiedProcess(
            self.command(), self.log, env=self._environment(with_own_python(os.environ))
        )
        self.wait(lambda: READY in self.output(), "to be ready", READY_SECONDS)

    def command(self) -> list[str]:
        """What is run."""
        program = str(Path(sys.executable).with_name("localdapr"))
        where = ["-f", str(REPO), "--port-offset", str(self.offset)]
        return [program, "run", *where, "--data-dir", str(self.folder / "data")]

    def output(self) -> str:
        """What this start has printed so far."""
        with contextlib.suppress(FileNotFoundError):
            return self.log.read_bytes()[self._begin :].decode("utf-8", "replace")
        return ""

    def tail(self) -> str:
        """The last lines it printed."""
        return "\n".join(self.output().splitlines()[-_TAIL_LINES:])

    def pids(self) -> dict[str, int]:
        """The process of each app that was ready, by app id."""
        output = self.output()
        return {name: int(pid) for name, pid in [*_ROW.findall(output), *_AGAIN.findall(output)]}

    def check_alive(self) -> None:
        """Raises ShopError when localdapr has ended."""
        if self.process is None:
            raise ShopError("the shop was not started")
        if (code := self.process.ended()) is not None:
            raise ShopError(f"localdapr ended with code {code}:\n{self.tail()}")

    def signal(self, number: int) -> None:
        """Send localdapr itself a signal."""
        if self.process is not None:
            self.process.signal(number)

    def ended(self, seconds: float = STOP_SECONDS) -> int:
        """The exit code, waited for. Raises ShopError when it goes on."""
        if self.process is None:
            raise ShopError("the shop was not started")
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise ShopError(f"localdapr did not end in {seconds:g} s:\n{self.tail()}") from error

    def stop(self) -> None:
        """As Ctrl-C does. Raises ShopError unless localdapr ends in good order."""
        self.signal(signal.SIGINT)
        if code := self.ended():
            raise ShopError(f"localdapr ended with code {code}:\n{self.tail()}")

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.ended()

    def kill_app(self, app_id: str) -> None:
        before = self.pids()[app_id]
        os.kill(before, signal.SIGKILL)
        self.wait(lambda: self.pids()[app_id] != before, f"to restart {app_id}", RESTART_SECONDS)

    def close(self) -> None:
        """End it, gently if it can be done; may be called twice."""
        if self.process is None:
            return
        pids = list(self.pids().values())
        self.signal(signal.SIGTERM)
        try:
            self.ended()
        except ShopError:
            self.signal(signal.SIGKILL)
            self.process.wait()
        self.process = None
        self._end_left(pids)

    def _end_left(self, pids: list[int]) -> None:
        """Localdapr ends its apps, also when it is killed; what it left is ended here."""
        left = [pid for pid in pids if runs(pid)]
        for _ in until(LEFT_SECONDS):
            left = [pid for pid in left if runs(pid)]
            if not left:
                return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def _environment(self, outer: Mapping[str, str]) -> dict[str, str]:
        ours = {
            name: value
            for name, value in outer.items()
            if not name.startswith(("DAPR_", "APP_", "PIZZA_", "LOCALDAPR_"))
        }
        scale = {"PIZZA_TIME_SCALE": str(self._time_scale)}
        return {**ours, **scale, **self._settings, MARK: str(self.folder)}


def runs(pid: int) -> bool:
    """Whether there is such a process, zombies left out."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()
    return state not in "ZX"
