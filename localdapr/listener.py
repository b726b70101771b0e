"""The HTTP port of a sidecar: takes connections, so many at most, and ends those that stay silent.

asyncio's own server tries a thousand times a second, with a traceback each time, when no file
descriptor is left. This one says so in one line a second and goes on when there are some again.
"""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import socket
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from localdapr.race import end_tasks

LOOPBACK = "127.0.0.1"
BACKLOG = 1024
MOST = 4096  # connections, where the system gives more descriptors than that
AGAIN = 1.0  # seconds until connections are taken again after one could not be
SILENCE = 10.0  # seconds in which the first request must have begun, as in the runtime
BODY = b'{"errorCode":"ERR_TOO_MANY_CONNECTIONS","message":"localdapr has too many connections"}'
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)
requests_log = logging.getLogger(f"{__name__}.requests")
# What is no HTTP is answered with 400, and who goes away gets no answer: no failure of localdapr.
THEIRS = (HttpProcessingError, ConnectionError)
requests_log.addFilter(
    lambda record: not (record.exc_info and isinstance(record.exc_info[1], THEIRS))
)


class Room:
    """How many connections all sidecars of this process may have: the rest is for other work."""

    def __init__(self) -> None:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = MOST if limit == resource.RLIM_INFINITY else min(limit // 3, MOST)
        self._servers: weakref.WeakSet[web.Server] = weakref.WeakSet()
        self._said = 0.0

    def add(self, server: web.Server) -> None:
        """One more port, whose connections count."""
        self._servers.add(server)

    @property
    def full(self) -> bool:
        return sum(len(server.connections) for server in self._servers) >= self.most

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler: asyncio takes connections to the control socket."""
        cause = context.get("exception")
        if isinstance(cause, OSError) and cause.errno in (errno.EMFILE, errno.ENFILE):
            self.say(os.strerror(cause.errno))
        else:
            loop.default_exception_handler(context)

    def say(self, reason: str) -> None:
        """One line a second at most, whichever port it is."""
        now = asyncio.get_running_loop().time()
        if now - self._said >= AGAIN:
            self._said = now
            log.warning("a connection could not be taken: %s", reason)


class Listener:
    """Serves an application on loopback. `close` may be called twice."""

    def __init__(self, app: web.Application, room: Room, grace: float) -> None:
        self._heard: weakref.WeakSet[asyncio.BaseTransport] = weakref.WeakSet()
        app.middlewares.insert(0, self._hear())
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=requests_log,
            auto_decompress=False,  # a body is the app's as it came
            handle_signals=False,
            shutdown_timeout=grace,
        )
        self._room = room
        self._accepting: asyncio.Task[None] | None = None

    async def start(self, port: int) -> None:
        """Raises OSError when the port is taken."""
        listening = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
        listening.setblocking(False)
        await self._runner.setup()
        self._room.add(self._server)
        self._accepting = asyncio.create_task(self._accept_forever(listening))

    async def close(self) -> None:
        if self._accepting is not None:
            await end_tasks(self._accepting)
        await self._runner.cleanup()

    @property
    def _server(self) -> web.Server:
        assert self._runner.server is not None
        return self._runner.server

    async def _accept_forever(self, listening: socket.socket) -> None:
        with listening:
            while True:
                try:
                    await self._accept(listening)
                except ConnectionError:
                    continue
                except OSError as cause:
                    self._room.say(cause.strerror or str(cause))
                    await asyncio.sleep(AGAIN)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection, _ = await loop.sock_accept(listening)
        if not self._room.full:
            transport, _ = await loop.connect_accepted_socket(self._server, connection)
            # A weak reference: most connections are over long before.
            loop.call_later(SILENCE, self._end_if_silent, weakref.ref(transport))
            return
        self._room.say(f"{self._room.most} are open, a third of the file descriptors")
        with connection, contextlib.suppress(OSError):
            connection.send(FULL)
        await asyncio.sleep(0)

    def _hear(self) -> Any:
        @web.middleware
        async def hear(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.transport is not None:
                self._heard.add(request.transport)
            return await handler(request)

        return hear

    def _end_if_silent(self, reference: Callable[[], asyncio.Transport | None]) -> None:
        transport = reference()
        if transport is not None and transport not in self._heard:
            transport.abort()
