"""localdapr's end of the keeper: the process that ends all apps when localdapr is killed.

Only localdapr (and, until it becomes an app, each launcher) holds the write end of the pipe.
A keeper that dies is replaced; it never decides anything about a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

from localdapr.console import Console
from localdapr.race import end_tasks

SCRIPT = Path(__file__).with_name("keeper_process.py")
PYTHON = (sys.executable, "-I", "-S", str(SCRIPT))
PAUSE = 0.5  # seconds at least between two keepers
CLOSE_TIMEOUT = 5.0  # more than the keeper's own grace


class Keeper:
    """Knows the process group of each running app for as long as it runs."""

    def __init__(self, console: Console) -> None:
        self.pipe = -1  # what a launcher reports to
        self._console = console
        self._groups: set[int] = set()
        self._process: Process | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises OSError when there can be no process."""
        self._process = await self._begin()
        self._watch = asyncio.create_task(self._replace_when_dead(self._process))

    def add(self, group: int) -> None:
        """The group is to be ended with localdapr."""
        self._groups.add(group)
        self._tell(b"add", group)

    def drop(self, group: int) -> None:
        """The group is gone; its number may be given to a stranger from now on."""
        self._groups.discard(group)
        self._tell(b"drop", group)

    async def close(self) -> None:
        """Lets the keeper end: it ends every group that was not dropped, then itself."""
        if self._watch is None or self._process is None:
            return
        await end_tasks(self._watch)
        self._watch = None
        os.close(self.pipe)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), CLOSE_TIMEOUT)

    async def _begin(self) -> Process:
        """Starts a keeper process that knows all groups; the pipe to an earlier one is closed."""
        read_end, write_end = os.pipe()
        # Before it lives, so that there is never a keeper that does not know a group.
        for group in self._groups:
            os.write(write_end, b"add %d\n" % group)
        if self.pipe >= 0:
            os.close(self.pipe)
        self.pipe = write_end
        try:
            return await asyncio.create_subprocess_exec(
                *PYTHON,
                stdin=read_end,
                stdout=DEVNULL,
                stderr=DEVNULL,
                cwd="/",
                start_new_session=True,  # so that Ctrl-C and a killed group leave it alone
            )
        finally:
            os.close(read_end)

    async def _replace_when_dead(self, current: Process) -> None:
        while True:
            await current.wait()
            self._console.say("the keeper process ended; starting another")
            try:
                self._process = current = await self._begin()
            except OSError as error:
                self._console.say(f"the keeper process could not be started: {error.strerror}")
            await asyncio.sleep(PAUSE)

    def _tell(self, verb: bytes, group: int) -> None:
        with contextlib.suppress(BrokenPipeError):  # dead: its successor is told by _begin
            os.write(self.pipe, b"%s %d\n" % (verb, group))
