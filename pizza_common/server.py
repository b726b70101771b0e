"""Serving an app with waitress until SIGTERM or SIGINT, then ending in good order."""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask_openapi.openapi import OpenAPI
from waitress import create_server, wasyncore  # type: ignore[import-untyped]
from waitress.server import BaseWSGIServer  # type: ignore[import-untyped]
from waitress.task import ThreadedTaskDispatcher  # type: ignore[import-untyped]

from pizza_common.channel import Channel
from pizza_common.errors import SettingsError
from pizza_common.logs import configure_logs
from pizza_common.settings import Settings, settings_of

_CONNECTIONS = 2000
_HEADER_BYTES = 32 * 1024
# A stream whose reader does not read waits when so much is not sent.
_UNSENT_BYTES = 1024 * 1024
# A connection with this many requests before the one that is answered is still read, so that it is
# noticed when its client leaves in the middle of an answer.
_LOOKAHEAD = 5
_LOOP_SECONDS = 1.0
_DRAIN_LOOP_SECONDS = 0.05
_NO_TRACING = "OTEL_EXPORTER_OTLP_ENDPOINT: there is no module {}; pip install '.[tracing]'"

log = structlog.get_logger()


@dataclass
class Hooks:
    """What an app wants done: once its port is bound, at the signal, after the last request.

    `streams` is how many of its answers may go on without end at the same time. Each has a thread
    besides PIZZA_THREADS.
    """

    started: list[Callable[[], None]] = field(default_factory=list)
    stopping: list[Callable[[], None]] = field(default_factory=list)
    stopped: list[Callable[[], None]] = field(default_factory=list)
    streams: int = 0


def run_service(
    name: str,
    create_app: Callable[[Any], OpenAPI],
    settings_for: Callable[[str], Settings] = settings_of,
) -> int:
    """The whole life of a service's process; gives its exit code."""
    try:
        settings = settings_for(name)
        configure_logs(settings, name)
        app = create_app(settings)
        _trace(app, settings)
    except SettingsError as error:
        return _give_up(name, str(error))
    return serve(app, settings)


def serve(app: OpenAPI, settings: Settings) -> int:
    """Answer requests until a signal comes; 0 after that, 1 when the port cannot be had."""
    try:
        server = _Server(app, settings)
    except (OSError, ValueError) as error:
        where = f"port {settings.app_port} of {settings.pizza_host}"
        return _give_up(
            app.name, f"{where} cannot be used: {getattr(error, 'strerror', None) or error}"
        )
    hooks: Hooks = app.extensions["hooks"]
    with _signals_set(server.stop):
        log.info("listening", service=app.name, port=settings.app_port)
        _run_all(hooks.started)
        server.serve()
        _run_all(hooks.stopping)
        server.drain(settings.pizza_shutdown_seconds)
        _run_all(hooks.stopped)
        log.info("stopped", service=app.name)
    return 0


class _Server:
    """Waitress with its loop in our hands, so that it ends without dropping what is in flight."""

    def __init__(self, app: OpenAPI, settings: Settings) -> None:
        self._sockets: dict[int, Any] = {}
        self._tasks = ThreadedTaskDispatcher()
        self._stop = threading.Event()
        streams: int = app.extensions["hooks"].streams
        threads = settings.pizza_threads + streams
        self._server = create_server(
            app,
            map=self._sockets,
            _dispatcher=self._tasks,
            host=settings.pizza_host,
            port=settings.app_port,
            threads=threads,
            connection_limit=_CONNECTIONS,
            max_request_header_size=_HEADER_BYTES,
            max_request_body_size=settings.pizza_max_body_bytes + 1,  # what is refused
            asyncore_use_poll=True,
            outbuf_high_watermark=_UNSENT_BYTES,
            channel_request_lookahead=_LOOKAHEAD if streams else 0,
            ident=None,
        )
        for listener in self._listeners():
            listener.channel_class = Channel
        self._tasks.set_thread_count(threads)

    def stop(self) -> None:
        """End `serve` soon; may be called from a signal handler."""
        self._stop.set()
        for listener in self._listeners():
            listener.pull_trigger()

    def serve(self) -> None:
        """Answer requests until `stop`."""
        while not self._stop.is_set():
            self._turn(_LOOP_SECONDS)

    def drain(self, seconds: float) -> None:
        """Accept no more; give the requests in flight that long to be answered; close all."""
        for listener in self._listeners():
            listener.accepting = False
            listener.del_channel()
            listener.socket.close()
        deadline = time.monotonic() + seconds
        while self._busy() and time.monotonic() < deadline:
            self._turn(_DRAIN_LOOP_SECONDS)
        self._tasks.shutdown(timeout=0.2)
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._sockets, count=1)

    def _listeners(self) -> list[BaseWSGIServer]:
        return [each for each in list(self._sockets.values()) if isinstance(each, BaseWSGIServer)]

    def _busy(self) -> bool:
        """Whether some connection still has a request, or an answer that is not sent."""
        channels = list(self._sockets.values())
        return any(
            getattr(each, "requests", None) or getattr(each, "total_outbufs_len", 0)
            for each in channels
        )


@contextlib.contextmanager
def _signals_set(stop: Callable[[], None]) -> Any:
    """SIGTERM and SIGINT call `stop` inside; a signal handler belongs to the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _trace(app: OpenAPI, settings: Settings) -> None:
    """Send traces, if there is somewhere to send them to. Raises SettingsError."""
    if settings.otel_exporter_otlp_endpoint:
        try:
            from pizza_common.tracing import trace_service
        except ImportError as missing:
            raise SettingsError(_NO_TRACING.format(missing.name)) from missing
        trace_service(app)


def _run_all(hooks: list[Callable[[], None]]) -> None:
    for hook in hooks:
        hook()


def _give_up(name: str, reason: str) -> int:
    sys.stderr.write(f"{name}: {reason}\n")
    return 1
