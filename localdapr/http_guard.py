"""What every HTTP request must pass before a route sees it: its form, who sends it, the token.

Checks only; what is refused here is refused whatever the path. The token is asked for by the
route that was found, not by the path: what runs is what was checked.
"""

import hmac
import os
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import hdrs, web

from localdapr.callers import Callers
from localdapr.errors import ApiError

TOKEN_HEADER = "dapr-api-token"  # noqa: S105  the header's name, not a secret
TOLD_BY_BROWSERS = (hdrs.HOST, hdrs.ORIGIN, "Sec-Fetch-Site")
WITHOUT_TOKEN = ("health", "outbound_health")  # routes, by name

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def caller_guard(callers: Callers) -> Any:
    """The middleware that lets programs and allowed pages through."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        _check_form(request)
        callers.check(request.method, request.headers)
        if _is_preflight(request) and callers.allows(request.headers[hdrs.ORIGIN]):
            return web.Response(status=204, headers=_permission(request))
        return await handler(request)

    return guard


def reading_guard(callers: Callers) -> Any:
    """Tells the browser that a page may read the answer, when it may."""

    async def permit(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin and callers.allows(origin):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers.add(hdrs.VARY, hdrs.ORIGIN)

    return permit


def token_guard() -> Any:
    """The middleware that wants DAPR_API_TOKEN, when there is one, for all but health."""
    token = api_token().encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get(TOKEN_HEADER, "").encode()
        needed = token and request.match_info.route.name not in WITHOUT_TOKEN
        if needed and not hmac.compare_digest(given, token):
            raise ApiError(401, "ERR_UNAUTHENTICATED", "invalid api token")
        return await handler(request)

    return guard


def api_token() -> str:
    """The token that callers must send, empty when none is asked for."""
    return os.environ.get("DAPR_API_TOKEN", "")


def _check_form(request: web.Request) -> None:
    """Refuse what no client of Dapr sends, so that nothing else has to expect it."""
    if not request.raw_path.startswith("/"):
        raise _malformed("the request target must be a path")
    if any(len(request.headers.getall(name, ())) > 1 for name in TOLD_BY_BROWSERS):
        raise _malformed(f"one of {', '.join(TOLD_BY_BROWSERS)} is there more than once")
    try:
        "".join(request.headers.values()).encode()
    except UnicodeEncodeError as cause:
        raise _malformed("a header is not UTF-8") from cause


def _malformed(reason: str) -> ApiError:
    return ApiError(400, "ERR_MALFORMED_REQUEST", reason)


def _is_preflight(request: web.Request) -> bool:
    needed = (hdrs.ORIGIN, hdrs.ACCESS_CONTROL_REQUEST_METHOD)
    return request.method == "OPTIONS" and all(name in request.headers for name in needed)


def _permission(request: web.Request) -> dict[str, str]:
    asked = request.headers
    return {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: asked[hdrs.ACCESS_CONTROL_REQUEST_METHOD],
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: asked.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ""),
    }
