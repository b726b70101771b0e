"""The sidecars of one run: kept by itself, or by another localdapr on the same data folder.

The first on a folder keeps the data and all sidecars. When it ends, however it ends, the others
notice, one of them takes its place and the rest register with that one. It never starts apps.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from localdapr.control import Line, ask_owner, open_line, serve_control
from localdapr.errors import FolderInUseError, LocalDaprError, NobodyThereError, RefusedError
from localdapr.race import end_tasks
from localdapr.run import Run

if TYPE_CHECKING:
    from localdapr.host import Host
    from localdapr.resources import Resources

PATIENCE = 30.0  # seconds that an owner may take to begin, to answer or to end
PAUSE = 0.05  # seconds between two looks at an owner that begins or ends
AGAIN = 2.0  # seconds until a run whose sidecars cannot be served now tries again


class SharedHost:
    """What the supervisor knows of the sidecars; `say` tells the user who keeps them."""

    def __init__(
        self, run: Run, resources: Resources, folder: Path, say: Callable[[str], None]
    ) -> None:
        self._run = run
        self._resources = resources
        self._folder = folder
        self._say = say
        self._host: Host | None = None  # when this run is the owner
        self._line: Line | None = None  # to the owner; as long as it lasts, it serves this run
        self._closing = contextlib.AsyncExitStack()
        self._started: set[str] = set()
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises LocalDaprError when the run's sidecars cannot be served."""
        await self._take_seat()
        self._following = asyncio.create_task(self._follow())

    async def app_started(self, app_id: str) -> None:
        """The app's port answers from now on."""
        self._started.add(app_id)
        await self._tell("app_started", app_id)

    async def app_stopped(self, app_id: str) -> None:
        """The app has ended."""
        self._started.discard(app_id)
        await self._tell("app_stopped", app_id)

    async def close(self) -> None:
        """May be called twice."""
        if self._following is not None:
            await end_tasks(self._following)
        await self._closing.aclose()

    async def _tell(self, what: str, app_id: str) -> None:
        if self._host is not None:
            await getattr(self._host, what)(app_id)
            return
        # An owner that is just gone or new is told again when the run has registered with it.
        with contextlib.suppress(NobodyThereError, RefusedError):
            await ask_owner(self._folder, what, app_id=app_id)

    async def _take_seat(self) -> None:
        """Asks the owner that is there, or becomes it; looks again while one begins or ends."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    with contextlib.suppress(NobodyThereError):
                        return await self._register()
                    with contextlib.suppress(FolderInUseError):
                        return await self._own()
                    await asyncio.sleep(PAUSE)
        except TimeoutError as cause:
            raise FolderInUseError(
                f"{self._folder} is in use by a localdapr that does not answer; "
                "stop it or name another --data-dir"
            ) from cause

    async def _register(self) -> None:
        line = await open_line(self._folder)
        async with contextlib.AsyncExitStack() as undo:
            undo.callback(line.drop)
            owner = await line.ask("register", run=self._run.to_json())
            undo.pop_all()
        self._line = line
        self._closing.push_async_callback(line.close)
        self._say(f"process {owner} keeps the data of {self._folder} and the sidecars")

    async def _own(self) -> None:
        from localdapr.host import open_host  # takes a second, and guests need none of it

        async with contextlib.AsyncExitStack() as opened:
            enter = opened.enter_async_context
            host = await enter(open_host(self._folder, self._run, self._resources))
            await enter(serve_control(self._folder, host))
            self._closing.push_async_callback(opened.pop_all().aclose)
        self._host = host

    async def _follow(self) -> None:
        """Finds another owner each time the one in charge ends; ends when this run is it."""
        while self._line is not None:
            await self._line.ended()
            self._say("the process that kept the data has ended")
            self._line.drop()
            self._line = None
            await self._take_seat_again()
            if self._host is not None:
                self._say(f"this process keeps the data of {self._folder} from now on")
            await asyncio.gather(*(self._tell("app_started", each) for each in self._started))

    async def _take_seat_again(self) -> None:
        """The apps run on, so nothing but the end of the run ends the attempts."""
        while True:
            try:
                return await self._take_seat()
            except LocalDaprError as error:
                self._say(f"{error}; trying again until it works")
                await asyncio.sleep(AGAIN)
