"""localdapr's end of the keeper: the process that ends all apps when localdapr is killed.

Only localdapr (and, until it becomes an app, each launcher) holds the write end of the pipe.
A keeper that dies is replaced; it never decides anything about a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

from localdapr.child_exit import ChildExit
from localdapr.console import Console

SCRIPT = Path(__file__).with_name("keeper_process.py")
PAUSE = 0.5  # seconds at least between two keepers
CLOSE_TIMEOUT = 5.0  # more than the keeper's own grace


class Keeper:
    """Knows the process group of each running app for as long as it runs."""

    def __init__(self, console: Console) -> None:
        self.pid = 0
        self.pipe = -1  # what a launcher reports to
        self._console = console
        self._groups: set[int] = set()
        self._exit: ChildExit | None = None
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._exit = self._begin()
        self._watch = asyncio.create_task(self._replace_when_dead(self._exit))

    def add(self, group: int) -> None:
        self._groups.add(group)
        self._tell(b"add", group)

    def drop(self, group: int) -> None:
        """The group is gone; its number may be given to a stranger from now on."""
        self._groups.discard(group)
        self._tell(b"drop", group)

    async def close(self) -> None:
        """Lets the keeper end: it ends every group that was not dropped, then itself."""
        if self._watch is None or self._exit is None:
            return
        self._watch.cancel()
        self._watch = None
        os.close(self.pipe)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._exit.wait(), CLOSE_TIMEOUT)

    def _begin(self) -> ChildExit:
        """Starts a keeper process that knows all groups; the pipe to an earlier one is closed."""
        read_end, write_end = os.pipe()
        try:
            # Before it lives, so that there is never a keeper that does not know a group.
            for group in self._groups:
                os.write(write_end, b"add %d\n" % group)
            process = self._spawn(read_end)
        except OSError:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        if self.pipe >= 0:
            os.close(self.pipe)
        self.pid, self.pipe = process.pid, write_end
        return ChildExit(process)

    def _spawn(self, read_end: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", str(SCRIPT)],
            stdin=read_end,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # so that Ctrl-C and a killed group leave it alone
        )

    async def _replace_when_dead(self, current: ChildExit) -> None:
        while True:
            await current.wait()
            self._console.say("the keeper process ended; starting another")
            try:
                self._exit = current = self._begin()
            except OSError as error:
                self._console.say(f"the keeper process could not be started: {error.strerror}")
            await asyncio.sleep(PAUSE)

    def _tell(self, verb: bytes, group: int) -> None:
        with contextlib.suppress(BrokenPipeError):  # dead: its successor is told by _begin
            os.write(self.pipe, b"%s %d\n" % (verb, group))
