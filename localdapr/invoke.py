"""Service invocation: passes a request on to an app of this run and brings its answer back.

Changes nothing of an answer, follows no redirect, tries again only where a Resiliency policy says
so. Peers are found by `lookup`; there is no name resolution beyond this run.
"""

import asyncio
import posixpath
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, unquote

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
)
from multidict import CIMultiDict
from yarl import URL

from localdapr.app_calls import CONNECT_SECONDS, sendable, token_header
from localdapr.app_calls import new_session as new_session
from localdapr.breaker import BreakerOpenError, Circuits
from localdapr.errors import ApiError
from localdapr.manifest import App
from localdapr.resiliency import NO_POLICY, Policy
from localdapr.resources import Resources
from localdapr.tracing import NO_TRACE, Trace

PROXY = frozenset(("proxy-authenticate", "proxy-authorization", "proxy-connection"))
HOP_BY_HOP = PROXY | {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
OWN_TO_SIDECAR = frozenset(("host", "content-length", "expect", "dapr-app-id", "dapr-api-token"))
TRACE = frozenset(("traceparent", "tracestate", "baggage"))
CALLER = frozenset(("dapr-caller-app-id", "dapr-caller-namespace", "dapr-callee-app-id"))
NOT_PASSED_ON = HOP_BY_HOP | OWN_TO_SIDECAR | TRACE | CALLER
PATH_SAFE = "/:@!$&'()*+,;=~-._"
FORBIDDEN = re.compile("[#?\0]|(?P<control>[\x01-\x1f\x7f])")  # in a decoded path

Headers = Collection[tuple[str, str]]


@dataclass(frozen=True)
class Invocation:
    """A request for an app. `path` and `query` as they came, percent-encoded."""

    app_id: str
    method: str
    path: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""
    caller_host: str = ""  # the Host that the caller asked for
    trace: Trace = NO_TRACE


class Invoker:
    """Calls other apps in the name of one app."""

    def __init__(
        self,
        app_id: str,
        lookup: Callable[[str], App | None],
        resources: Resources,
        session: ClientSession,
    ) -> None:
        self._app_id = app_id
        self._lookup = lookup
        self._resources = resources
        self._session = session
        self._circuits = Circuits()

    async def invoke(self, call: Invocation) -> ClientResponse:
        """The app's answer, its body unread; the caller releases it. Raises ApiError."""
        _check_path(call)
        app = self._find(call.app_id)
        policy = self._resources.invocation_policy(self._app_id, app.app_id)
        failures = 0
        while True:
            failures += 1
            pause = policy.retry.delay(failures) if policy.retry else None
            try:
                answer = await self._send_guarded(call, app, policy)
            except BreakerOpenError as cause:
                raise _failed(call.app_id, str(cause)) from cause
            except (ClientError, TimeoutError) as cause:
                if pause is None:
                    raise _failed(call.app_id, _reason(cause, app, call)) from cause
            else:
                if pause is None or policy.retry is None or not policy.retry.covers(answer.status):
                    return answer
                answer.release()
            await asyncio.sleep(pause)

    def _find(self, app_id: str) -> App:
        """By id, or by `<id>.<namespace>`: the namespace plays no part on one machine."""
        app = self._lookup(app_id) or self._lookup(app_id.rpartition(".")[0])
        if app is None:
            raise _failed(app_id, f"couldn't find service: {app_id}")
        if app.app_port is None:
            raise _failed(
                app_id, "rpc error: code = Internal desc = app channel is not initialized"
            )
        return app

    async def _send_guarded(self, call: Invocation, app: App, policy: Policy) -> ClientResponse:
        """Under the circuit breaker of this path, if there is one. Raises BreakerOpenError."""
        if policy.breaker is None:
            return await self._send(call, app, policy)
        circuit = self._circuits.of(policy.breaker, app.app_id, cleaned(call.path))
        now = asyncio.get_running_loop().time
        period, succeeded = circuit.begin(now()), False
        try:
            answer = await self._send(call, app, policy)
            succeeded = answer.status < HTTPStatus.BAD_REQUEST
            return answer
        finally:
            circuit.end(period, succeeded, now())

    async def _send(self, call: Invocation, app: App, policy: Policy) -> ClientResponse:
        timeout = {} if policy is NO_POLICY or not policy.timeout else {"total": policy.timeout}
        return await self._session.request(
            call.method,
            _url(app, call),
            headers=self._headers(call, app),
            data=sendable(call.body),
            allow_redirects=False,
            timeout=ClientTimeout(sock_connect=CONNECT_SECONDS, **timeout),
        )

    def _headers(self, call: Invocation, app: App) -> CIMultiDict[str]:
        """What the caller sent, the trace, and for a call to another app who calls whom."""
        headers = _without(NOT_PASSED_ON, call.headers)
        headers.extend(call.trace.headers())
        headers.extend(token_header(app))
        if app.app_id == self._app_id:
            return headers
        host = call.caller_host
        headers.extend(
            {
                "dapr-caller-app-id": self._app_id,
                "dapr-callee-app-id": app.app_id,
                "dapr-caller-namespace": "default",
                "Forwarded": f"for=127.0.0.1;by=127.0.0.1;host={host}",
                "X-Forwarded-Host": host,
            }
        )
        headers.add("X-Forwarded-For", "127.0.0.1")
        return headers


def passed_back(answer: ClientResponse) -> CIMultiDict[str]:
    """The headers of an app's answer that belong to its content."""
    return _without(HOP_BY_HOP, answer.headers.items())


def _without(names: frozenset[str], headers: Headers) -> CIMultiDict[str]:
    """The other headers, less those that `Connection` names as its own, too."""
    own = {
        part.strip().lower()
        for name, value in headers
        if name.lower() == "connection"
        for part in value.split(",")
    }
    return CIMultiDict(
        (name, value)
        for name, value in headers
        if name.lower() not in names and name.lower() not in own
    )


def _check_path(call: Invocation) -> None:
    """Raise ApiError for a path that the runtime does not send to an app."""
    path = posixpath.normpath(unquote(call.path)).lstrip("/")
    if found := FORBIDDEN.search(path):
        control = f"control character at position {found.start()}"
        reason = (
            "rpc error: code = InvalidArgument desc = invalid method: "
            f"method contains {control if found['control'] else 'forbidden character'}: "
            f'"{repr(path)[1:-1]}"'
        )
        raise _failed(call.app_id, reason, grpc="INVALID_ARGUMENT")


def cleaned(path: str) -> str:
    """The path that the app sees: as the runtime sends it, so without `..`, `//`, a last `/`.

    `%2F` is a slash; other escapes are kept.
    """
    decoded = "/" + unquote(path, errors="surrogateescape").lstrip("/")
    return quote(posixpath.normpath(decoded), safe=PATH_SAFE, errors="surrogateescape")


def _url(app: App, call: Invocation) -> URL:
    query = f"?{call.query}" if call.query else ""
    return URL(f"http://127.0.0.1:{app.app_port}{cleaned(call.path)}{query}", encoded=True)


def _failed(app_id: str, reason: str, grpc: str = "") -> ApiError:
    message = f"failed to invoke, id: {app_id}, err: {reason}"
    return ApiError(500, "ERR_DIRECT_INVOKE", message, grpc=grpc)


def _reason(cause: Exception, app: App, call: Invocation) -> str:
    if isinstance(cause, ClientConnectorError):
        place = f"127.0.0.1:{app.app_port}"
        return (
            "rpc error: code = Internal desc = error invoking app channel: "
            f'{call.method.title()} "http://{place}{cleaned(call.path)}": dial tcp {place}: '
            f"connect: {(cause.strerror or str(cause)).lower()}"
        )
    if isinstance(cause, TimeoutError):
        return "context deadline exceeded"
    return f"error invoking app channel: {cause or type(cause).__name__}"
