"""All sidecars of one process, over one data file.

The place where the parts are put together; it does no work of its own. What starts later ends
earlier, so that nobody calls a part that is gone.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from aiohttp import ClientSession

from localdapr import deliveries, rows, state
from localdapr.dispatcher import Dispatcher
from localdapr.invoke import Invoker, new_session
from localdapr.manifest import App
from localdapr.pubsub import PubSub
from localdapr.resources import Resources
from localdapr.sidecar import Sidecar
from localdapr.state import StateStores, sweep_forever
from localdapr.store import Store

SCHEMAS = (rows.SCHEMA, state.SCHEMA, deliveries.SCHEMA)


class Host:
    """The sidecars of `apps`, which keep their data in `data_dir`."""

    def __init__(self, apps: Sequence[App], resources: Resources, data_dir: Path) -> None:
        self._apps = {app.app_id: app for app in apps}
        self._resources = resources
        self._data_dir = data_dir
        self._sidecars: dict[str, Sidecar] = {}
        self._closing = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Open the data and serve all ports. Raises DatabaseError and PortInUseError."""
        async with contextlib.AsyncExitStack() as started:
            store = Store(self._data_dir, SCHEMAS)
            started.callback(store.close)
            session = await started.enter_async_context(new_session())
            dispatcher = Dispatcher(store, tuple(self._apps))
            await dispatcher.start()
            started.push_async_callback(dispatcher.close)
            pubsub = PubSub(store, self._resources, self._apps.values(), session)
            await pubsub.start()
            started.push_async_callback(pubsub.close)
            sweeping = asyncio.ensure_future(sweep_forever(store))
            started.callback(sweeping.cancel)
            for app in self._apps.values():
                sidecar = self._sidecar(app, store, session, pubsub, dispatcher)
                started.push_async_callback(sidecar.close)
                await sidecar.start()
            self._closing = started.pop_all()

    async def app_started(self, app_id: str) -> None:
        """The app's port answers: ask what it subscribes to, and deliver to it."""
        self._sidecars[app_id].ready = True
        await self._sidecars[app_id].pubsub.app_started(app_id)

    async def app_stopped(self, app_id: str) -> None:
        """The app has ended: deliveries to it wait."""
        if app_id in self._sidecars:
            await self._sidecars[app_id].pubsub.app_stopped(app_id)

    async def close(self) -> None:
        """Stop serving, then close the data. May be called twice."""
        closing, self._closing = self._closing, contextlib.AsyncExitStack()
        await closing.aclose()

    def _sidecar(
        self,
        app: App,
        store: Store,
        session: ClientSession,
        pubsub: PubSub,
        dispatcher: Dispatcher,
    ) -> Sidecar:
        sidecar = Sidecar(
            app,
            self._resources,
            pubsub,
            StateStores(store, self._resources, app.app_id),
            Invoker(app.app_id, self._apps.get, self._resources, session),
            dispatcher,
            _end_process,
        )
        self._sidecars[app.app_id] = sidecar
        return sidecar


def _end_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
