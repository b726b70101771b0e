"""What every call from localdapr to an app has in common: the pool, the body, the token."""

import io
import os

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from localdapr.manifest import App

OWN_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")  # aiohttp's, unwanted
CONNECT_SECONDS = 5.0
LARGE = 1024 * 1024  # bytes from which a body is sent in pieces, so that the loop goes on


def new_session() -> ClientSession:
    """The one pool of connections to all apps; nothing is added to or taken from a request."""
    return ClientSession(
        connector=TCPConnector(limit=0),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=OWN_HEADERS,
        timeout=ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
    )


def sendable(body: bytes) -> bytes | io.BytesIO | None:
    """A body in the form that aiohttp sends best."""
    return io.BytesIO(body) if len(body) >= LARGE else body or None


def token_header(app: App) -> dict[str, str]:
    """The token by which an app knows its sidecar, when it has one (APP_API_TOKEN)."""
    token = app.env.get("APP_API_TOKEN") or os.environ.get("APP_API_TOKEN", "")
    return {"dapr-api-token": token} if token else {}
