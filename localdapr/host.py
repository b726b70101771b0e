"""All sidecars over one data file, of this run and of others that share its data folder.

The place where the parts are put together; it does no work of its own. What starts later ends
earlier, so that nobody calls a part that is gone.
"""

import asyncio
import contextlib
import functools
import gc
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import ClientSession

from localdapr import deliveries, retention, rows, state
from localdapr.dispatcher import Dispatcher
from localdapr.errors import AppFailedError, RefusedError
from localdapr.invoke import Invoker, new_session
from localdapr.listener import Room
from localdapr.manifest import App
from localdapr.pubsub import PubSub
from localdapr.resources import Resources
from localdapr.run import Run
from localdapr.sidecar import Sidecar
from localdapr.state import StateStores, sweep_forever
from localdapr.store import Store

SCHEMAS = (rows.SCHEMA, state.SCHEMA, deliveries.SCHEMA)


class Host:
    """The sidecars by app id, and whose they are. Made by `open_host`."""

    def __init__(
        self, store: Store, session: ClientSession, dispatcher: Dispatcher, pubsub: PubSub
    ) -> None:
        self.runs: dict[str, Run] = {}  # by app id
        self.retentions: dict[str, retention.Retention] = {}
        self._store = store
        self._session = session
        self._dispatcher = dispatcher
        self._pubsub = pubsub
        self._sidecars: dict[str, Sidecar] = {}
        self._room = Room()
        asyncio.get_running_loop().set_exception_handler(self._room.handle)

    async def add(self, run: Run, resources: Resources) -> None:
        """Serve all apps of a run, or none. Raises AppFailedError and PortInUseError."""
        for app in run.apps:
            if app.app_id in self.runs:
                pid = self.runs[app.app_id].pid
                raise AppFailedError(f"app id {app.app_id} already runs (process {pid})")
        self.runs |= {app.app_id: run for app in run.apps}
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(self.remove, run)
            for app in run.apps:
                await self._add(app, run, resources)
            undo.pop_all()

    async def remove(self, run: Run) -> None:
        """Serve a run no longer. What its apps have to do waits for their return."""
        app_ids = [app.app_id for app in run.apps if self.runs.get(app.app_id) is run]
        await asyncio.gather(*(self._remove(app_id) for app_id in app_ids))

    def served(self) -> list[tuple[App, Run]]:
        """Every app that is served now, with the run that it belongs to."""
        return [(each.app, self.runs[app_id]) for app_id, each in self._sidecars.items()]

    async def app_started(self, app_id: str) -> None:
        """The app's port answers: ask what it subscribes to, and deliver to it."""
        self.sidecar(app_id).ready = True
        await self._pubsub.app_started(app_id)

    async def app_stopped(self, app_id: str) -> None:
        """The app has ended: deliveries to it wait."""
        await self._pubsub.app_stopped(app_id)

    async def remove_all(self) -> None:
        """Serve nobody any longer."""
        await asyncio.gather(*(self._remove(app_id) for app_id in tuple(self.runs)))

    def sidecar(self, app_id: str) -> Sidecar:
        """An app's sidecar. Raises RefusedError."""
        if app_id not in self._sidecars:
            raise RefusedError(f"no app with id {app_id} runs here")
        return self._sidecars[app_id]

    async def _add(self, app: App, run: Run, resources: Resources) -> None:
        await self._dispatcher.add(app.app_id)
        await self._pubsub.add(app, resources)
        self._sidecars[app.app_id] = sidecar = Sidecar(
            app,
            resources,
            self._pubsub,
            StateStores(self._store, resources, app.app_id),
            Invoker(app.app_id, self._find_app, resources, self._session),
            self._dispatcher,
            functools.partial(os.kill, run.pid, signal.SIGTERM),
            run.callers,
            self._room,
        )
        await sidecar.start()
        self.retentions[app.app_id] = resources.configuration.retention

    async def _remove(self, app_id: str) -> None:
        await self._pubsub.remove(app_id)
        if app_id in self._sidecars:
            await self._sidecars[app_id].close()
            del self._sidecars[app_id]
        self.retentions.pop(app_id, None)
        del self.runs[app_id]

    def _find_app(self, app_id: str) -> App | None:
        sidecar = self._sidecars.get(app_id)
        return sidecar.app if sidecar else None


@contextlib.asynccontextmanager
async def open_host(data_dir: Path, run: Run, resources: Resources) -> AsyncIterator[Host]:
    """Open the data and serve a first run; in the end stop serving and close the data.

    Raises DatabaseError, FolderInUseError too, and what `Host.add` raises.
    """
    async with contextlib.AsyncExitStack() as opened:
        store = Store(data_dir, SCHEMAS)
        opened.callback(store.close)
        session = await opened.enter_async_context(new_session())
        dispatcher = Dispatcher(store)
        opened.push_async_callback(dispatcher.close)
        pubsub = PubSub(store, session)
        await pubsub.start()
        opened.push_async_callback(pubsub.close)
        host = Host(store, session, dispatcher, pubsub)
        for sweep in (sweep_forever(store), retention.sweep_forever(store, host.retentions)):
            opened.callback(asyncio.ensure_future(sweep).cancel)
        opened.push_async_callback(host.remove_all)
        await host.add(run, resources)
        _collect_less_often()
        yield host


def _collect_less_often() -> None:
    """Spare the collector what stays, and most of its runs: nearly all that a call makes dies
    without it, and its default is to look after every 700 new objects."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
