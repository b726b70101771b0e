"""Runs the apps of a manifest beside their sidecars, and ends all of them, whatever happens.

It owns the order of things: ports, sidecars, apps; and in the end apps, sidecars. What a sidecar
does is the host's business, what is printed the console's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from localdapr.app_environment import check_command
from localdapr.app_process import AppProcess, is_answering, launch, port_answers
from localdapr.child_exit import describe_exit
from localdapr.console import Console
from localdapr.errors import AppFailedError
from localdapr.keeper import Keeper
from localdapr.manifest import App
from localdapr.overview import overview
from localdapr.port_uses import port_uses
from localdapr.ports import check_free
from localdapr.race import end_tasks, race
from localdapr.stop_signals import StopSignals

READY = "localdapr: ready"  # the line that scripts wait for


class Sidecars(Protocol):
    """The host of all sidecars, as the supervisor sees it."""

    async def start(self) -> None:
        """Binds all sidecar ports."""

    async def app_started(self, app_id: str) -> None:
        """The app's port answers from now on."""

    async def app_stopped(self, app_id: str) -> None:
        """The app has ended."""

    async def close(self) -> None:
        """May be called twice."""


@dataclass(frozen=True)
class Limits:
    """All in seconds."""

    ready: float = 60.0  # from an app's start until its port answers
    stop: float = 10.0  # from SIGTERM until SIGKILL
    close: float = 10.0  # for the sidecars to end
    first_delay: float = 0.5  # before an app that ended is started again; doubles each time
    longest_delay: float = 5.0
    healthy: float = 30.0  # an app that ran this long begins with the first delay again
    probe: float = 1.0  # between two looks at an app that its user starts


class Supervisor:
    """One run. `template` is the file that names its apps.

    Without one there is a single app, given on the command line, and its end is the run's.
    """

    def __init__(
        self,
        apps: Sequence[App],
        host: Sidecars,
        console: Console,
        *,
        template: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._apps = apps
        self._host = host
        self._console = console
        self._template = template
        self._limits = limits or Limits()
        self._keeper = Keeper(console)
        self._signals = StopSignals(console)
        self._running: dict[str, AppProcess] = {}
        self._waited_for = {app.app_id for app in apps}

    async def run(self) -> None:
        """Returns when a stop was asked for (or a single app ended with code 0).

        Raises LocalDaprError when the run cannot begin or an app ends before it was ready;
        nothing is left running in any case.
        """
        for app in self._apps:
            check_command(app, os.environ)
        check_free(port_uses(self._apps, self._template))
        with self._signals:
            await self._run_until_stopped()

    async def _run_until_stopped(self) -> None:
        try:
            await race(self._work(), self._signals.stop.wait())
        finally:
            await self._stop()

    async def _work(self) -> None:
        self._keeper.start()
        await self._host.start()
        tending = [asyncio.create_task(self._tend(app)) for app in self._apps]
        try:
            await asyncio.gather(*tending)
            if self._template is not None:
                await self._signals.stop.wait()
        finally:
            await end_tasks(*tending)

    async def _tend(self, app: App) -> None:
        if app.command:
            await self._keep_running(app)
        else:
            await self._watch(app)

    async def _keep_running(self, app: App) -> None:
        """Starts the app again and again; ends when it is finished, fails when it never got ready.

        An app without a port that ends with code 0 is finished: it was a job, not a server.
        """
        delay = self._limits.first_delay
        while True:
            process = self._running[app.app_id] = launch(app, self._keeper, self._console)
            reason = await self._live(process)
            if reason is None:
                return
            if process.age >= self._limits.healthy:
                delay = self._limits.first_delay
            self._console.say(f"{reason}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._limits.longest_delay)

    async def _live(self, process: AppProcess) -> str | None:
        """One life of an app, until all of its group is gone; why to start it again, or None."""
        app = process.app
        try:
            await self._get_ready(process)
            code = await process.exit.wait()
            reason = f"{app.app_id} {describe_exit(code)}"
        except AppFailedError as error:
            if app.app_id in self._waited_for:
                self._show_tail(process)
                raise
            code, reason = 1, str(error)
        await self._host.app_stopped(app.app_id)
        await process.stop(self._limits.stop, self._signals.kill)
        del self._running[app.app_id]
        return self._why_again(app, code, reason)

    def _why_again(self, app: App, code: int, reason: str) -> str | None:
        if self._template is None and code:
            raise AppFailedError(reason)
        if code == 0 and (self._template is None or app.app_port is None):
            self._console.say(reason)
            return None
        return reason

    async def _get_ready(self, process: AppProcess) -> None:
        app_id = process.app.app_id
        await process.ready(self._limits.ready)
        started = await race(self._host.app_started(app_id), process.exit.wait())
        if not started and process.app.app_port is not None:
            raise AppFailedError(await process.last_words())
        if app_id not in self._waited_for:
            self._console.say(f"{app_id} is ready again (process {process.pid})")
        self._no_longer_wait_for(app_id)

    async def _watch(self, app: App) -> None:
        """An app that its user starts, if at all: follows whether its port answers."""
        self._no_longer_wait_for(app.app_id)
        if app.app_port is None:
            await self._host.app_started(app.app_id)
            await self._signals.stop.wait()
            return
        while True:
            await port_answers(app.app_port)
            await self._host.app_started(app.app_id)
            self._console.say(f"{app.app_id} answers on port {app.app_port}")
            while await is_answering(app.app_port):
                await asyncio.sleep(self._limits.probe)
            await self._host.app_stopped(app.app_id)
            self._console.say(f"{app.app_id} no longer answers on port {app.app_port}")

    def _no_longer_wait_for(self, app_id: str) -> None:
        """The last app to become ready for the first time makes the run ready."""
        if app_id not in self._waited_for:
            return
        self._waited_for.discard(app_id)
        if not self._waited_for:
            pids = {name: process.pid for name, process in self._running.items()}
            self._console.show(overview(self._apps, pids))
            self._console.show(f"{READY}\n")

    def _show_tail(self, process: AppProcess) -> None:
        if not self._console.app_log:
            for line in process.output.tail:
                self._console.show(f"== APP - {process.app.app_id} == {line}\n")

    async def _stop(self) -> None:
        """The last app first, the sidecars when no app is left that could need them."""
        async with AsyncExitStack() as ending:
            ending.push_async_callback(self._keeper.close)
            ending.push_async_callback(self._close_host)
            processes = [self._running.get(app.app_id) for app in reversed(self._apps)]
            await asyncio.gather(*(self._stop_app(each) for each in processes if each))

    async def _close_host(self) -> None:
        await self._bounded(self._host.close())

    async def _stop_app(self, process: AppProcess) -> None:
        """Deliveries end first: one that meets an app which is going down may be lost."""
        await self._bounded(self._host.app_stopped(process.app.app_id))
        await process.stop(self._limits.stop, self._signals.kill)

    async def _bounded(self, step: Coroutine[None, None, None]) -> None:
        """Does a step of the end, but not longer than its limit or a second Ctrl-C allow."""
        await race(step, self._signals.kill.wait(), timeout=self._limits.close)
