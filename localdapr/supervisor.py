"""Runs the apps of a manifest beside their sidecars, and ends all of them, whatever happens.

It owns the order of things: ports, sidecars, apps; and in the end apps, sidecars. What a sidecar
does is the host's business, what is printed the console's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localdapr.app_process import (
    AppProcess,
    check_command,
    describe_exit,
    is_answering,
    launch,
    port_answers,
)
from localdapr.console import Console, overview
from localdapr.errors import AppFailedError, PortInUseError
from localdapr.manifest import App
from localdapr.ports import is_free
from localdapr.race import end_tasks, race

if TYPE_CHECKING:
    from localdapr.shared_host import SharedHost

READY = "localdapr: ready"  # the line that scripts wait for
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
    `ready_fd` is the descriptor on which to say that all are ready, once that has been printed.
    """

    def __init__(
        self,
        apps: Sequence[App],
        host: SharedHost,
        console: Console,
        *,
        template: str | None = None,
        ready_fd: int | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._apps = apps
        self._host = host
        self._console = console
        self._template = template
        self._ready_fd = ready_fd
        self._limits = limits or Limits()
        self._stopping = asyncio.Event()
        self._at_once = asyncio.Event()  # nobody waits any longer for an orderly end
        self._tending: list[asyncio.Task[None]] = []  # the last app first, as they are to end
        self._pids: dict[str, int] = {}  # by app id
        self._waited_for = {app.app_id for app in apps}

    async def run(self) -> None:
        """Returns when a stop was asked for (or a single app ended with code 0).

        Raises LocalDaprError when the run cannot begin or an app ends before it was ready;
        nothing is left running in any case.
        """
        for app in self._apps:
            check_command(app, os.environ)
        check_ports(self._apps, self._template)
        self._heed_signals()
        try:
            await race(self._work(), self._stopping.wait())
        finally:
            await end_tasks(*self._tending)
            await self._bounded(self._host.close())

    def _heed_signals(self) -> None:
        """Ctrl-C, SIGTERM and a closed terminal ask for an orderly end, a second Ctrl-C for any."""
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            # nohup's way to say that a closed terminal is no reason to stop
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, self._asked_to_stop, number)

    def _asked_to_stop(self, number: signal.Signals) -> None:
        if not self._stopping.is_set():
            self._console.say("stopping; Ctrl-C again ends everything at once")
            self._stopping.set()
        elif number == signal.SIGINT:
            self._at_once.set()

    async def _work(self) -> None:
        await self._host.start()
        for app in self._apps:
            life = self._keep_running(app) if app.command else self._watch(app)
            self._tending.insert(0, asyncio.create_task(life))
        # Not gather: it would cancel them when it is cancelled, and they are cancelled in the end.
        done, _ = await asyncio.wait(self._tending, return_when=asyncio.FIRST_EXCEPTION)
        for each in done:
            each.result()
        if self._template is not None:
            await self._stopping.wait()

    async def _keep_running(self, app: App) -> None:
        """Starts the app again and again; ends when it is finished, fails when it never got ready.

        An app without a port that ends with code 0 is finished: it was a job, not a server.
        """
        clock, delay = asyncio.get_running_loop().time, self._limits.first_delay
        while True:
            began = clock()
            code, reason = await self._live(app)
            if code and self._template is None:
                raise AppFailedError(reason)
            if code == 0 and (self._template is None or app.app_port is None):
                self._console.say(reason)
                return
            if clock() - began >= self._limits.healthy:
                delay = self._limits.first_delay
            self._console.say(f"{reason}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._limits.longest_delay)

    async def _live(self, app: App) -> tuple[int, str]:
        """One life of an app, until all of its group is gone: its exit code, and that in words."""
        async with self._started(app) as process:
            try:
                await self._get_ready(process)
            except AppFailedError as error:
                if app.app_id in self._waited_for:
                    self._show_tail(process)
                    raise
                return 1, str(error)
            code = await process.ended()
            return code, f"{app.app_id} {describe_exit(code)}"

    @contextlib.asynccontextmanager
    async def _started(self, app: App) -> AsyncIterator[AppProcess]:
        """Ends deliveries before the app: one that meets an app which is going down may be lost."""
        process = await launch(app, self._console)
        self._pids[app.app_id] = process.pid
        try:
            yield process
        finally:
            await self._bounded(self._host.app_stopped(app.app_id))
            await process.stop(self._limits.stop, self._at_once)

    async def _get_ready(self, process: AppProcess) -> None:
        app_id = process.app.app_id
        await process.ready(self._limits.ready)
        started = await race(self._host.app_started(app_id), process.ended())
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
            await self._stopping.wait()
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
            shown = self._console.show(f"{overview(self._apps, self._pids)}{READY}\n")
            shown.add_done_callback(self._tell_ready)

    def _tell_ready(self, _: Future[None]) -> None:
        if self._ready_fd is not None:
            with contextlib.suppress(BrokenPipeError):  # who asked is gone
                os.write(self._ready_fd, b"\n")

    def _show_tail(self, process: AppProcess) -> None:
        if not self._console.app_log:
            for line in process.output.tail:
                self._console.show(f"== APP - {process.app.app_id} == {line}\n")

    async def _bounded(self, step: Coroutine[None, None, None]) -> None:
        """Does a step of the end, but not longer than its limit or a second Ctrl-C allow."""
        await race(step, self._at_once.wait(), timeout=self._limits.close)


def check_ports(apps: Sequence[App], template: str | None) -> None:
    """Raises PortInUseError for the first port that somebody else listens on.

    Not for that of an app that its user starts: it may be in use already.
    """
    for app in apps:
        uses = (
            (app.app_port if app.command else None, "app", "appPort", "--app-port"),
            (app.http_port, "sidecar, HTTP", "daprHTTPPort", "--dapr-http-port"),
            (app.grpc_port, "sidecar, gRPC", "daprGRPCPort", "--dapr-grpc-port"),
        )
        for port, owner, key, option in uses:
            if port and not is_free(port):
                remedy = f"change {key} in {template}" if template else f"choose another {option}"
                raise PortInUseError(
                    f"port {port} ({app.app_id}'s {owner}) is in use; "
                    f"stop what holds it or {remedy}"
                )
