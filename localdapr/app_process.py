"""One started app: its process group, its output, the opening of its port, its end.

It leads a group of its own, so that what it starts itself ends with it. It never restarts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from localdapr.app_environment import environment
from localdapr.app_output import AppOutput
from localdapr.child_exit import ChildExit, describe_exit
from localdapr.console import Console
from localdapr.errors import AppFailedError
from localdapr.keeper import Keeper
from localdapr.manifest import App
from localdapr.process_group import is_gone, signal_group
from localdapr.race import race

LAUNCHER = Path(__file__).with_name("launcher.py")
POLL = 0.02  # seconds between two looks at a group that is ending
PROBE = 0.05  # seconds between two tries to reach a port
SETTLED = 1.0  # an app without a port counts as ready when it has run this long
AFTER_KILL = 1.0  # how long the system may take to end what was killed
LAST_OUTPUT = 1.0  # how long the rest of the output of an ended app is waited for


class AppProcess:
    """Made by `launch`; `stop` must be called in the end, also when the app has ended."""

    def __init__(
        self, app: App, child: subprocess.Popen[bytes], output: AppOutput, keeper: Keeper
    ) -> None:
        self.app = app
        self.pid = child.pid
        self.exit = ChildExit(child)
        self.output = output
        self._keeper = keeper
        self._stopped = False
        self._began = asyncio.get_running_loop().time()

    @property
    def age(self) -> float:
        """Seconds since the start."""
        return asyncio.get_running_loop().time() - self._began

    async def ready(self, timeout: float) -> None:
        """Returns when the app's port answers, or an app without a port has settled.

        Raises AppFailedError when the app ends before that or takes longer than `timeout` seconds.
        """
        port = self.app.app_port
        until_ready = port_answers(port) if port else asyncio.sleep(SETTLED)
        if await race(until_ready, self.exit.wait(), timeout=timeout):
            return
        if self.exit.code is None:
            raise AppFailedError(
                f"{self.app.app_id} did not open its port {port} within {timeout:g} s"
            )
        if port or self.exit.code:
            raise AppFailedError(await self.last_words())

    async def stop(self, grace: float, at_once: asyncio.Event) -> None:
        """Ends the group: SIGTERM, after `grace` seconds or when `at_once` is set SIGKILL.

        May be called twice: a group that is gone is never signalled, its number may be another's.
        """
        if self._stopped:
            return
        signal_group(self.pid, signal.SIGTERM)
        if not await self._gone(grace, at_once):
            signal_group(self.pid, signal.SIGKILL)
            await self._gone(AFTER_KILL, asyncio.Event())
        await self.output.close(0.0 if at_once.is_set() else LAST_OUTPUT)
        self._keeper.drop(self.pid)
        self._stopped = True

    async def last_words(self) -> str:
        """What to say of an app that has ended before it was ready; its output is shown first."""
        await self.output.close(LAST_OUTPUT)
        end = describe_exit(await self.exit.wait())
        said = "; its last lines are above" if self.output.tail else "; it wrote nothing"
        return f"{self.app.app_id} {end} before it was ready{said}"

    async def _gone(self, timeout: float, at_once: asyncio.Event) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while self.exit.code is None or not is_gone(self.pid):
            if at_once.is_set() or loop.time() > deadline:
                return False
            await asyncio.sleep(POLL)
        return True


def launch(app: App, keeper: Keeper, console: Console) -> AppProcess:
    """Starts the app's command; AppFailedError when the system refuses."""
    read_end, write_end = os.pipe()
    try:
        child = _spawn(app, keeper.pipe, write_end)
    except (OSError, ValueError) as error:
        os.close(read_end)
        raise AppFailedError(f"{app.app_id} could not be started: {error}") from error
    finally:
        os.close(write_end)
    keeper.add(child.pid)  # also here: the launcher's own word is lost when the keeper is just dead
    return AppProcess(app, child, AppOutput(app.app_id, read_end, console), keeper)


def _spawn(app: App, keeper_pipe: int, write_end: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the user's command is what is to be run
        [sys.executable, "-I", "-S", str(LAUNCHER), str(keeper_pipe), *app.command],
        stdin=subprocess.DEVNULL,
        stdout=write_end,
        stderr=write_end,
        cwd=app.working_dir,
        env=environment(app, os.environ),
        start_new_session=True,
        pass_fds=(keeper_pipe,),
    )


async def port_answers(port: int) -> None:
    """Returns when 127.0.0.1:`port` accepts a connection."""
    while not await is_answering(port):
        await asyncio.sleep(PROBE)


async def is_answering(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    # A try from the very port it goes to meets itself: that is nobody's answer.
    own, other = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return bool(own != other)
