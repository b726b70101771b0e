"""An app that records the events it gets and answers as told; a fake of a service, not of Dapr."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

DEADLINE = 15.0
BREAK_OFF = 0  # as a status: the connection ends without an answer, as when the app is killed
Reply = tuple[int, Any]


class RecordingApp:
    """Listens on a free port of its own from `start` to `stop`; may be started again."""

    def __init__(self, subscriptions: Any = None) -> None:
        self.subscriptions = subscriptions
        self.events: list[tuple[str, Any]] = []
        self.replies: dict[str, list[Reply]] = {}  # by path; the last one repeats
        self.held: asyncio.Event | None = None  # set it to let a handler go on
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/dapr/subscribe", self._subscribe)
        app.router.add_post("/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        self._runner = None

    def data(self) -> list[Any]:
        """The data of the events so far."""
        return [body.get("data") if isinstance(body, dict) else body for _, body in self.events]

    async def _subscribe(self, _request: web.Request) -> web.Response:
        if self.subscriptions is None:
            return web.Response(status=404)
        return web.json_response(self.subscriptions)

    async def _receive(self, request: web.Request) -> web.Response:
        self.events.append((request.path, json.loads(await request.read())))
        if self.held:
            await self.held.wait()
        replies = self.replies.get(request.path, [(200, None)])
        status, answer = replies.pop(0) if len(replies) > 1 else replies[0]
        if status == BREAK_OFF:
            assert request.transport
            request.transport.abort()
            status = 200
        return web.Response(status=status) if answer is None else web.json_response(answer)


async def until(holds: Callable[[], object]) -> None:
    """Wait for a condition with a generous deadline."""
    async with asyncio.timeout(DEADLINE):
        while not holds():
            await asyncio.sleep(0.005)
