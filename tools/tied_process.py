"""A process that leads a group of its own, writes into a log, and ends when its parent does.

Not even a parent that is killed leaves it behind: then the system ends it too.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Becomes the command, and ends with this process. Not a preexec_fn: with one, Python forks, and
# a fork of a process in which gRPC has threads may crash.
TIED = (sys.executable, "-I", "-S", str(Path(__file__).with_name("tied.py")))
KILL_SECONDS = 30.0
STOP_SECONDS = 10.0


class TiedProcess:
    """Runs from when it is made. `env` is the whole environment; None inherits this one's."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the caller's own command
                [*TIED, str(os.getpid()), *command],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def kill(self) -> None:
        """SIGKILL for the whole group; may be called twice."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(KILL_SECONDS)

    def signal(self, number: int) -> None:
        """For the leader alone, which may have ended."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """SIGTERM to the leader, SIGKILL to what is left of the group."""
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def ended(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float = KILL_SECONDS) -> int:
        return self._process.wait(seconds)

    def output(self) -> str:
        return self.log.read_text(errors="replace")
