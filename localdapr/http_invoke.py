"""Service invocation over HTTP: every request that no other route takes ends here.

An app id comes from the header `dapr-app-id`, the Basic auth user of that name, or the path
`/v1.0/invoke/<id>/method/...`, in this order; without one it is Dapr's 404.
"""

import base64
import binascii
import re

from aiohttp import ClientError, ClientResponse, hdrs, web
from multidict import CIMultiDict

from localdapr.errors import ApiError
from localdapr.http_request import PASSED_ON, TRACE
from localdapr.invoke import Invocation, Invoker, passed_back

IN_PATH = re.compile(r"/v1\.0/invoke/([^/]+)/method(/.*)")
BUFFERED = 256 * 1024  # a longer answer, or one of unknown length, is streamed
CHUNK = 64 * 1024
HTML = re.compile(rb"\s*<(!doctype|html|head|body|script|!--)", re.IGNORECASE)


class InvokeHttp:
    """The handler of one app's sidecar for all that is not another API."""

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker

    async def handle(self, request: web.Request) -> web.StreamResponse:
        call = await _invocation(request)
        request[PASSED_ON] = True
        answer = await self._invoker.invoke(call)
        try:
            return await _relay(request, answer)
        finally:
            answer.release()


async def _invocation(request: web.Request) -> Invocation:
    raw_path, _, query = request.raw_path.partition("?")
    named = IN_PATH.fullmatch(raw_path)
    app_id = request.headers.get("dapr-app-id") or _user(request) or (named and named[1])
    if not app_id:
        message = "failed getting app id either from the URL path or the header dapr-app-id"
        raise ApiError(404, "ERR_DIRECT_INVOKE", message)
    return Invocation(
        app_id=app_id,
        method=request.method,
        path=named[2] if named else raw_path,
        query=query,
        headers=list(request.headers.items()),
        body=await _body(request, app_id),
        caller_host=request.host,
        trace=request[TRACE],
    )


async def _body(request: web.Request, app_id: str) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as cause:
        message = f"failed to invoke, id: {app_id}, err: stream too large"
        raise ApiError(500, "ERR_DIRECT_INVOKE", message) from cause


def _user(request: web.Request) -> str:
    """The password of the Basic auth user `dapr-app-id`: the app id inside a URL."""
    header = request.headers.get(hdrs.AUTHORIZATION, "")
    if not header.lower().startswith("basic "):
        return ""
    try:
        pair = base64.b64decode(header[6:], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    user, _, password = pair.partition(":")
    return password if user == "dapr-app-id" else ""


async def _relay(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    length = answer.content_length
    if request.method == "HEAD" or answer.status in (204, 304):
        headers = _typed(passed_back(answer), answer.status, b"")
        return web.Response(status=answer.status, headers=headers)
    if length is not None and length <= BUFFERED:
        body = await _read(answer)
        headers = _typed(passed_back(answer), answer.status, body)
        return web.Response(status=answer.status, headers=headers, body=body)
    return await _stream(request, answer)


async def _read(answer: ClientResponse) -> bytes:
    try:
        return await answer.read()
    except ClientError as cause:
        message = f"failed to invoke: the app broke off its answer: {cause}"
        raise ApiError(500, "ERR_DIRECT_INVOKE", message) from cause


async def _stream(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    first = b"" if hdrs.CONTENT_TYPE in answer.headers else await answer.content.readany()
    headers = _typed(passed_back(answer), answer.status, first)
    headers.extend({"Content-Length": str(answer.content_length)} if answer.content_length else {})
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    await response.write(first)
    async for chunk in answer.content.iter_chunked(CHUNK):
        await response.write(chunk)
    await response.write_eof()
    return response


def _typed(headers: CIMultiDict[str], status: int, body: bytes) -> CIMultiDict[str]:
    """Give an answer that has no content type the one that Dapr's HTTP server would."""
    headers.popall(hdrs.CONTENT_LENGTH, None)
    if hdrs.CONTENT_TYPE not in headers and (status >= 400 or body):
        headers[hdrs.CONTENT_TYPE] = "application/json" if status >= 400 else _sniffed(body)
    return headers


def _sniffed(body: bytes) -> str:
    if HTML.match(body):
        return "text/html; charset=utf-8"
    binary = any(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in body[:512])
    return "application/octet-stream" if binary else "text/plain; charset=utf-8"
