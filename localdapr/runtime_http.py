"""The Dapr HTTP API of one app's sidecar: all routes of /v1.0, and their errors as Dapr's JSON.

Puts parts together and translates; every decision is a building block's. What localdapr does not
do is refused here by name.
"""

import sqlite3
from typing import TYPE_CHECKING, Any

from aiohttp import web

from localdapr import http_invoke, http_pubsub, http_state, workflow_http
from localdapr.errors import ApiError
from localdapr.http_guard import Handler, caller_guard, reading_guard, token_guard
from localdapr.http_request import PASSED_ON, TRACE, json_answer, malformed
from localdapr.metadata import describe, extend
from localdapr.tracing import next_trace

if TYPE_CHECKING:
    from localdapr.sidecar import Sidecar

LARGEST_BODY = 4 * 1024 * 1024
REFUSED = {
    "bindings": "Bindings",
    "configuration": "Configuration",
    "lock": "Distributed lock",
    "unlock": "Distributed lock",
    "crypto": "Cryptography",
    "subtlecrypto": "Cryptography",
    "jobs": "Jobs",
    "actors": "Actors",
    "conversation": "Conversation",
}
VERSION = r"{version:v1\.0(-alpha\d|-beta\d)?}"


def http_app(sidecar: "Sidecar") -> web.Application:
    """The application that listens on the sidecar's HTTP port."""
    app = web.Application(
        client_max_size=LARGEST_BODY + 1,  # aiohttp refuses what reaches its limit
        middlewares=[
            answer_errors,
            caller_guard(sidecar.callers),
            token_guard(),
            _tracing(sidecar),
        ],
    )
    app.on_response_prepare.extend([_finish_headers, reading_guard(sidecar.callers)])
    app.add_routes(
        [
            *_own_routes(sidecar),
            *http_state.routes(sidecar.state),
            *http_pubsub.routes(sidecar.pubsub, sidecar.app.app_id),
            *workflow_http.routes(sidecar.workflows),
            *_refusals(),
            # Last: every request that no other route takes is an invocation, or a 404.
            web.route("*", "/{rest:(?s:.*)}", http_invoke.InvokeHttp(sidecar.invoker).handle),
        ]
    )
    return app


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as Dapr's JSON: `errorCode`, `message` and sometimes `details`."""
    try:
        return await handler(request)
    except ApiError as error:
        return _answer(error)
    except web.RequestPayloadError as cause:
        return _answer(malformed(f"the body cannot be read: {cause}"))
    except web.HTTPRequestEntityTooLarge:
        message = f"the request body is larger than {LARGEST_BODY} bytes"
        return _answer(ApiError(413, "ERR_MALFORMED_REQUEST", message))
    except sqlite3.Error as cause:
        message = f"localdapr cannot use its data file: {cause}"
        return _answer(ApiError(500, "ERR_LOCALDAPR_DATABASE", message))


class RuntimeHttp:
    """The handlers of health, metadata, secrets and shutdown."""

    def __init__(self, sidecar: "Sidecar") -> None:
        self._sidecar = sidecar

    async def health(self, request: web.Request) -> web.Response:
        asked = request.query.get("appid")
        if asked is not None and asked != self._sidecar.app.app_id:
            raise ApiError(500, "ERR_HEALTH_APPID_NOT_MATCH", "dapr app-id does not match")
        if not self._sidecar.ready:
            raise ApiError(500, "ERR_HEALTH_NOT_READY", "dapr is not ready")
        return web.Response(status=204)

    async def outbound_health(self, _request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def get_metadata(self, _request: web.Request) -> web.Response:
        return json_answer(describe(self._sidecar))

    async def put_metadata(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode("utf-8", "replace")
        extend(self._sidecar, request.match_info["key"], body)
        return web.Response(status=204)

    async def get_secret(self, request: web.Request) -> web.Response:
        place = request.match_info
        return json_answer(self._sidecar.secrets.get(place["store"], place["key"]))

    async def get_secrets(self, request: web.Request) -> web.Response:
        return json_answer(self._sidecar.secrets.get_all(request.match_info["store"]))

    async def shut_down(self, _request: web.Request) -> web.Response:
        self._sidecar.request_shutdown()
        return web.Response(status=204)


def _own_routes(sidecar: "Sidecar") -> list[web.RouteDef]:
    http = RuntimeHttp(sidecar)
    secrets = "/v1.0/secrets/{store:[^/]+}"
    return [
        web.get("/v1.0/healthz", http.health, name="health", allow_head=False),
        web.get(
            "/v1.0/healthz/outbound", http.outbound_health, name="outbound_health", allow_head=False
        ),
        web.get("/v1.0/metadata", http.get_metadata, allow_head=False),
        web.put("/v1.0/metadata/{key:[^/]+}", http.put_metadata),
        web.get(f"{secrets}/bulk", http.get_secrets, allow_head=False),
        web.get(f"{secrets}/{{key:[^/]+}}", http.get_secret, allow_head=False),
        web.post("/v1.0/shutdown", http.shut_down),
    ]


def _refusals() -> list[web.RouteDef]:
    table = [
        web.route("*", f"/{VERSION}/{path}{{rest:(/.*)?}}", _refuse(name))
        for path, name in REFUSED.items()
    ]
    query = f"/{VERSION}/state/{{store:[^/]+}}/query"
    return [*table, web.post(query, _refuse("State query"))]


def _refuse(name: str) -> Handler:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        raise not_supported(name)

    return refuse


def not_supported(name: str) -> ApiError:
    """What a Dapr API that localdapr does not have answers."""
    message = f"{name} is not supported by localdapr; run the app with the real Dapr (dapr run)"
    return ApiError(501, "ERR_NOT_SUPPORTED_BY_LOCALDAPR", message)


def _tracing(sidecar: "Sidecar") -> Any:
    rate = sidecar.resources.configuration.sampling_rate

    @web.middleware
    async def trace(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = [request.headers.get(name, "") for name in ("traceparent", "tracestate", "baggage")]
        request[TRACE] = next_trace(sent[0], sent[1], sent[2], rate)
        return await handler(request)

    return trace


async def _finish_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Traces go back to who sent one; Dapr's own JSON names no charset."""
    trace = request.get(TRACE)
    if trace and trace.given:
        response.headers.update(trace.headers())
    if not request.get(PASSED_ON) and response.content_type == "application/json":
        response.headers["Content-Type"] = "application/json"


def _answer(error: ApiError) -> web.Response:
    body: dict[str, Any] = {"errorCode": error.code, "message": error.message}
    if error.details:
        body["details"] = list(error.details)
    return json_answer(body, error.status)
