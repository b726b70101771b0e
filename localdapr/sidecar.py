"""One app's sidecar: its parts, and the two ports on which they are served.

Owns the servers and nothing of what they answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from dapr.proto.runtime.v1 import dapr_pb2_grpc

from localdapr.callers import Callers
from localdapr.dispatcher import Dispatcher
from localdapr.errors import PortInUseError
from localdapr.http_guard import api_token
from localdapr.invoke import Invoker
from localdapr.listener import LOOPBACK, SILENCE, Listener, Room
from localdapr.manifest import App
from localdapr.ports import is_free
from localdapr.pubsub import PubSub
from localdapr.resources import Resources
from localdapr.runtime_grpc import DaprServicer, TokenGuard
from localdapr.runtime_http import http_app
from localdapr.secret_stores import SecretStores
from localdapr.state import StateStores
from localdapr.task_hub import TaskHub
from localdapr.wire import add_task_hub_to_server
from localdapr.workflows import Workflows

LARGEST_MESSAGE = 64 * 1024 * 1024  # bytes, of what comes in
GRACE = 1.0  # seconds that calls in flight get when the sidecar closes


@dataclass
class Sidecar:
    """What the front ends of one app need, and their servers."""

    app: App
    resources: Resources
    pubsub: PubSub  # one for the whole process; its calls name the app
    state: StateStores
    invoker: Invoker
    dispatcher: Dispatcher
    request_shutdown: Callable[[], None]  # ends the app's run as SIGTERM would; returns at once
    callers: Callers = field(default_factory=Callers)
    room: Room = field(default_factory=Room)
    extended: dict[str, str] = field(default_factory=dict)  # what PUT /v1.0/metadata/<key> has set

    def __post_init__(self) -> None:
        self.secrets = SecretStores(self.resources.components_of(self.app.app_id))
        self.workflows = Workflows(self.app.app_id, self.dispatcher)
        self.ready = self.app.app_port is None  # the app's port has answered once
        self._http: Listener | None = None
        self._grpc: grpc.aio.Server | None = None

    @property
    def connected_workers(self) -> int:
        """How many workflow workers hold a stream now."""
        return self.dispatcher.connected(self.app.app_id)

    async def start(self) -> None:
        """Serve both ports. Raises PortInUseError."""
        await self._start_grpc()
        await self._start_http()

    async def close(self) -> None:
        """Stop serving. May be called twice."""
        if self._grpc is not None:
            await self._grpc.stop(GRACE)
        if self._http is not None:
            await self._http.close()
        self._grpc = self._http = None

    async def _start_grpc(self) -> None:
        limits = [
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", -1),  # what was taken in must get out
            ("grpc.so_reuseport", 0),
            # The SDK's clients ping every 30 s; unless told so, gRPC takes that for an attack.
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.server_handshake_timeout_ms", int(SILENCE * 1000)),
        ]
        guards = [TokenGuard(token)] if (token := api_token()) else []
        self._grpc = server = grpc.aio.server(interceptors=guards, options=limits)
        dapr_pb2_grpc.add_DaprServicer_to_server(DaprServicer(self), server)  # type: ignore[no-untyped-call]
        add_task_hub_to_server(TaskHub(self.workflows, self.dispatcher), server)  # type: ignore[no-untyped-call]
        if not is_free(self.app.grpc_port):  # gRPC would say so on standard error, too
            raise self._port_in_use(self.app.grpc_port, "gRPC")
        try:
            server.add_insecure_port(f"{LOOPBACK}:{self.app.grpc_port}")
        except RuntimeError as cause:
            raise self._port_in_use(self.app.grpc_port, "gRPC") from cause
        await server.start()

    async def _start_http(self) -> None:
        self._http = Listener(http_app(self), self.room, GRACE)
        try:
            await self._http.start(self.app.http_port)
        except OSError as cause:
            raise self._port_in_use(self.app.http_port, "HTTP") from cause

    def _port_in_use(self, port: int, kind: str) -> PortInUseError:
        return PortInUseError(f"port {port} ({self.app.app_id}'s sidecar, {kind}) is in use")
