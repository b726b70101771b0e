"""One sidecar's HTTP API without the rest of localdapr, to be asked by tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import ClientResponse, ClientSession, web
from yarl import URL

from localdapr.app_calls import new_session
from localdapr.callers import Callers
from localdapr.components import Component
from localdapr.deliveries import SCHEMA as DELIVERIES
from localdapr.dispatcher import Dispatcher
from localdapr.invoke import Invoker
from localdapr.manifest import App
from localdapr.pubsub import PubSub
from localdapr.resources import Resources
from localdapr.runtime_http import http_app
from localdapr.secret_stores import SecretStores
from localdapr.state import SCHEMA as STATE
from localdapr.state import StateStores
from localdapr.store import Store
from localdapr.workflows import Workflows

COMPONENTS = (
    Component("statestore", "state.redis"),
    Component("pubsub", "pubsub.redis"),
    Component("env", "secretstores.local.env", metadata={"prefix": "PIZZA_TEST_"}),
    Component("vault", "secretstores.hashicorp.vault"),
)
SHOP = App("shop", 0, 0, None)


class Answer:
    """A response whose body was read."""

    def __init__(self, response: ClientResponse, body: bytes) -> None:
        self.status, self.body, self.headers = response.status, body, response.headers


class Api:
    """One sidecar's HTTP API on a free port."""

    def __init__(self, folder: Path, callers: Callers | None = None) -> None:
        self._folder = folder
        self._callers = callers or Callers()
        self.shutdowns = 0

    def ask(self, *calls: tuple[Any, ...]) -> list[Answer]:
        """Send requests `(method, path, keyword arguments)` one after the other."""
        return asyncio.run(self._ask(calls))

    def answer_line(self, sent: bytes) -> bytes:
        """The first line and the body of what is answered to these bytes."""
        return asyncio.run(self._answer_line(sent))

    async def _ask(self, calls: tuple[tuple[Any, ...], ...]) -> list[Answer]:
        async with self._serving() as port, ClientSession() as client:
            base = f"http://127.0.0.1:{port}"
            return [await _send(client, base, *call) for call in calls]

    async def _answer_line(self, sent: bytes) -> bytes:
        async with self._serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            head, _, body = (await asyncio.wait_for(reader.read(), 20)).partition(b"\r\n\r\n")
            writer.close()
            return head.partition(b"\r\n")[0] + b" " + body

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[int]:
        store = Store(self._folder, [STATE, DELIVERIES])
        async with new_session() as session:
            runner = web.AppRunner(http_app(await self._front(store, session)))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            try:
                yield runner.addresses[0][1]
            finally:
                await runner.cleanup()
                store.close()

    async def _front(self, store: Store, session: ClientSession) -> Any:
        resources = Resources(COMPONENTS)
        pubsub = PubSub(store, session)
        await pubsub.add(SHOP, resources)
        return SimpleNamespace(
            app=SHOP,
            resources=resources,
            state=StateStores(store, resources, "shop"),
            pubsub=pubsub,
            invoker=Invoker("shop", {}.get, resources, session),
            secrets=SecretStores(COMPONENTS),
            workflows=Workflows("shop", Dispatcher(store)),
            extended={},
            ready=False,
            callers=self._callers,
            connected_workers=0,
            request_shutdown=self._shut_down,
        )

    def _shut_down(self) -> None:
        self.shutdowns += 1


async def _send(
    client: ClientSession, base: str, method: str, path: str, more: Any = None
) -> Answer:
    """The path goes out as it is, with its dots and escapes."""
    url = URL(base + path, encoded=True)
    async with client.request(method, url, **(more or {})) as response:
        return Answer(response, await response.read())
