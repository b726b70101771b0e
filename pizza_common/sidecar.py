"""The border to Dapr: the only file that knows requests and the SDK's client.

Every foreign error becomes one of `errors.py` here; nothing else leaves this file.
"""

import json
import threading
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Literal

import dapr.conf
import grpc
import requests
from dapr.clients import DaprClient
from dapr.clients.grpc._state import Concurrency, Consistency, StateOptions
from requests.adapters import HTTPAdapter
from structlog.contextvars import get_contextvars

from pizza_common.errors import (
    EtagMismatch,
    FieldErrors,
    PeerRefused,
    PeerUnavailable,
    SidecarUnavailable,
)
from pizza_common.event import OrderEvent
from pizza_common.identity import HEADER, sign_identity
from pizza_common.principal import Principal
from pizza_common.settings import Settings

PUBSUB = "pizzapubsub"
TOPIC = "orders"
STATE_STORE = "pizzastatestore"

FOR_EVER = -1
"""For `save_state`: the key does not expire, also if what it held before would have."""

State = tuple[dict[str, Any] | None, str]
Method = Literal["GET", "POST", "PUT", "DELETE"]

_AWAY = "the sidecar does not answer"
_CONNECT_SECONDS = 2.0
_PROBE_SECONDS = 1.0
_RETRYABLE_4XX = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_WRITES = ("save_state", "delete_state")
_FIRST_WRITE = StateOptions(Consistency.strong, Concurrency.first_write)
_sdk_lock = threading.Lock()


class Sidecar:
    """One per process; its methods may be called from any thread. Connects when first used.

    `service` is in whose name it asks others when it asks for nobody else.
    """

    def __init__(self, settings: Settings, service: str = "") -> None:
        self._settings = settings
        self._itself = Principal(service, frozenset({"service"})) if service else None
        self._url = f"http://127.0.0.1:{settings.dapr_http_port}"
        self._session = _session(settings)
        self._lock = threading.Lock()
        self._client: DaprClient | None = None
        self._closed = False

    def invoke(
        self,
        app_id: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        timeout: float,
        method: Method = "POST",
        idempotency_key: str | None = None,
        identity: Principal | None = None,
    ) -> dict[str, Any]:
        """Ask another service, at most `timeout` seconds, and give its JSON answer.

        With PIZZA_SECRET, the service says that it is asking, or for whom: `identity`.
        Raises PeerRefused (4xx, final) or PeerUnavailable (5xx, no connection, no answer).
        """
        headers = {"dapr-app-id": app_id}
        if request_id := get_contextvars().get("request_id"):
            headers["X-Request-ID"] = str(request_id)
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        if (who := identity or self._itself) and self._settings.pizza_secret:
            headers[HEADER] = sign_identity(self._settings.pizza_secret, who)
        try:
            answer = self._session.request(
                method,
                f"{self._url}/{path.lstrip('/')}",
                json=body,
                headers=headers,
                timeout=(_CONNECT_SECONDS, timeout),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise PeerUnavailable(f"{app_id} cannot be reached: {_kind(error)}") from error
        if answer.status_code == HTTPStatus.UNAUTHORIZED and identity is None:
            # Of this service's own making, as when one of the two has a new secret already.
            raise PeerUnavailable(f"{app_id} does not know who is asking")
        return _success(app_id, answer)

    def publish(self, event: OrderEvent) -> None:
        """Announce an order's status on topic `orders`; the CloudEvent has the event's own id.

        Raises SidecarUnavailable.
        """
        self._call(
            "publish_event",
            pubsub_name=PUBSUB,
            topic_name=TOPIC,
            data=event.model_dump_json(exclude_none=True),
            data_content_type="application/json",
            publish_metadata={"cloudevent.id": event.event_id},
        )

    def get_state(self, key: str) -> State:
        """The value of a key and its ETag; (None, "") when there is none.

        Raises SidecarUnavailable.
        """
        answer = self._call("get_state", store_name=STATE_STORE, key=key)
        return _value(answer.data), answer.etag

    def get_states(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The values of several keys; those that are not there are left out.

        Raises SidecarUnavailable.
        """
        if not keys:
            return {}
        answer = self._call(
            "get_bulk_state", store_name=STATE_STORE, keys=list(keys), parallelism=10
        )
        found = ((item.key, _value(item.data)) for item in answer.items)
        return {key: value for key, value in found if value is not None}

    def save_state(
        self, key: str, value: dict[str, Any], etag: str = "", ttl: int | None = None
    ) -> None:
        """Write a key that still has this ETag, or, without one, that is not there yet.

        It expires after `ttl` seconds. Redis keeps the expiry of what is overwritten, unless it is
        given FOR_EVER. Raises EtagMismatch, SidecarUnavailable.
        """
        expiry = {} if ttl is None else {"ttlInSeconds": str(ttl)}
        self._call(
            "save_state",
            store_name=STATE_STORE,
            key=key,
            value=json.dumps(value, separators=(",", ":")),
            etag=etag or None,
            options=_FIRST_WRITE,
            state_metadata={"contentType": "application/json", **expiry},
        )

    def delete_state(self, key: str, etag: str) -> None:
        """Delete a key that still has this ETag; one that is gone already is no error.

        Raises EtagMismatch, SidecarUnavailable.
        """
        self._call("delete_state", store_name=STATE_STORE, key=key, etag=etag, options=_FIRST_WRITE)

    def is_ready(self) -> bool:
        """Whether the sidecar answers now; takes at most a second or two."""
        answer = self._probe("/v1.0/healthz/outbound")
        return answer is not None and answer.ok

    def has_worker(self) -> bool:
        """Whether the sidecar counts this app's workflow worker; takes as long.

        A stream that is open is not enough: daprd 1.18 may keep one uncounted (docs/dapr.md).
        """
        answer = self._probe("/v1.0/metadata")
        told = _json_object(answer) if answer is not None else None
        return bool((told or {}).get("workflows", {}).get("connectedWorkers"))

    def close(self) -> None:
        """Let go of all connections; may be called twice. Calls after it find no sidecar."""
        with self._lock:
            client, self._client, self._closed = self._client, None, True
        if client is not None:
            client.close()  # type: ignore[no-untyped-call]
        self._session.close()

    def _probe(self, path: str) -> requests.Response | None:
        try:
            return self._session.get(self._url + path, timeout=_PROBE_SECONDS)
        except requests.RequestException:
            return None

    def _call(self, method: str, **arguments: Any) -> Any:
        """One call of the SDK's client, its errors translated."""
        client = self._connected()
        try:
            return getattr(client, method)(**arguments)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                self._forget(client)
            raise _translated(method, error) from error
        except ValueError as error:
            if client is self._client:
                raise
            raise SidecarUnavailable(_AWAY) from error  # another thread has closed the channel

    def _connected(self) -> DaprClient:
        """The client, made at first use by one thread, for which the others wait a little."""
        client = self._client
        if client is not None:
            return client
        if not self._lock.acquire(timeout=_CONNECT_SECONDS):
            raise SidecarUnavailable(_AWAY)
        try:
            # The client's constructor would wait for an absent sidecar.
            if self._client is None and (self._closed or not self.is_ready()):
                raise SidecarUnavailable(_AWAY)
            if self._client is None:
                self._client = _new_client(self._settings)
            return self._client
        finally:
            self._lock.release()

    def _forget(self, client: DaprClient) -> None:
        """Begin anew at the next call: a channel that lost its sidecar waits ever longer.

        As long as it is open, a new channel to the same address would share its waiting.
        """
        with self._lock:
            if self._client is not client:
                return
            self._client = None
        client.close()  # type: ignore[no-untyped-call]


def _session(settings: Settings) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy of the environment has no say about 127.0.0.1
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=settings.pizza_threads)
    session.mount("http://", adapter)
    if settings.dapr_api_token:
        session.headers["dapr-api-token"] = settings.dapr_api_token
    return session


def _new_client(settings: Settings) -> DaprClient:
    """A client of these settings' sidecar. Raises SidecarUnavailable."""
    # The SDK takes these from its own settings only, while it builds the client and its calls.
    with _sdk_lock:
        sdk: Any = dapr.conf.settings
        sdk.DAPR_HTTP_PORT = settings.dapr_http_port
        sdk.DAPR_HEALTH_TIMEOUT = _CONNECT_SECONDS
        sdk.DAPR_API_TIMEOUT_SECONDS = settings.pizza_sidecar_timeout
        try:
            return DaprClient(address=f"127.0.0.1:{settings.dapr_grpc_port}")
        except TimeoutError as error:
            raise SidecarUnavailable(_AWAY) from error


def _translated(method: str, error: grpc.RpcError) -> SidecarUnavailable | EtagMismatch:
    code, details = error.code(), error.details() or ""
    # A first write of a key that exists is no ABORTED of Redis but an unspecific failure.
    if method in _WRITES and (code == grpc.StatusCode.ABORTED or "failed to set key" in details):
        return EtagMismatch("the order was changed at the same time")
    name = code.name if code is not None else "UNKNOWN"
    return SidecarUnavailable(f"the sidecar failed at {method} ({name}): {details[:200]}")


def _success(app_id: str, answer: requests.Response) -> dict[str, Any]:
    """The JSON object of a 2xx answer; every other answer is raised."""
    body = _json_object(answer)
    if answer.ok and answer.status_code < HTTPStatus.MULTIPLE_CHOICES and body is not None:
        return body
    detail = str((body or {}).get("detail") or (body or {}).get("message") or answer.reason)
    refused = HTTPStatus.BAD_REQUEST <= answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    if refused and answer.status_code not in _RETRYABLE_4XX:
        raise PeerRefused(f"{app_id}: {detail}", answer.status_code, _field_errors(body or {}))
    raise PeerUnavailable(f"{app_id} answered {answer.status_code}: {detail}")


def _field_errors(problem: dict[str, Any]) -> FieldErrors:
    """What a problem says of fields; nothing of an answer that is no problem."""
    told = problem.get("errors")
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    return [(str(row.get("field", "")), str(row.get("message", ""))) for row in rows]


def _json_object(answer: requests.Response) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _value(data: bytes) -> dict[str, Any] | None:
    """The stored object; None for a key that is not there or holds null."""
    value: dict[str, Any] | None = json.loads(data) if data else None
    return value


def _kind(error: requests.RequestException) -> str:
    return "no answer in time" if isinstance(error, requests.Timeout) else "no connection"
