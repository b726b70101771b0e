"""The services in memory, as a page's requests through the sidecar see them; and who looks."""

import contextlib
import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pizza_common.errors import PeerRefused
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.pizza_web.sessions import sign_in
from tests.unit.services import app_module
from web_settings import WebSettings

Answer = dict[str, Any] | Exception


class FakeShop(FakeSidecar):
    """A sidecar whose peers answer by method and path; each request is kept in `asked`.

    A path that begins with an app's id is that app's; one that begins with / is that of every app
    that has no such answer of its own. What has no answer, or None, is not found.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[tuple[str, str], Answer | None] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.keys: list[str | None] = []

    def have(self, method: str, path: str, answer: Answer) -> None:
        """Let `path` be answered so, whatever its query is."""
        self.answers[method, path] = answer

    def sent(self, method: str) -> list[tuple[str, Any]]:
        """The path and body of each request of this method."""
        return [(path, body) for asked, path, body in self.asked if asked == method]

    def invoke(
        self, app_id: str, path: str, body: Any = None, *, method: str = "POST", **more: Any
    ) -> dict[str, Any]:
        path = "/" + path.lstrip("/")
        self.asked.append((method, f"{app_id}{path}", body))
        self.keys.append(more.get("idempotency_key"))
        self.identities.append(more.get("identity"))
        path = path.partition("?")[0]
        of_all = self.answers.get((method, path))
        answer = self.answers.get((method, f"{app_id}{path}"), of_all)
        if answer is None:
            raise PeerRefused(f"{app_id}: not found", 404)
        if isinstance(answer, Exception):
            raise answer
        return answer


def browser_of(shop: FakeShop, *roles: str, name: str = "Maria", **rows: Any) -> FlaskClient:
    """The browser of somebody with these roles, whose forms need no CSRF token.

    `rows` are settings of pizza-web.
    """
    app = app_module("pizza-web").create_app(WebSettings(**rows), shop)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    if roles:
        sign_in(client, *roles, name=name)
    return client


def first_event(client: FlaskClient, path: str) -> str:
    """The fragment that a live region is sent first."""
    answer = client.get(path, headers={"Accept": "text/event-stream"}, buffered=False)
    with contextlib.closing(answer):
        return first_fragment(answer)


def first_fragment(stream: TestResponse) -> str:
    """The fragment that an open stream sends first; the stream stays open."""
    for chunk in stream.response:
        event = chunk.decode() if isinstance(chunk, bytes) else chunk
        if "data:" in event:
            lines = [line for line in event.splitlines() if line.startswith("data: ")]
            return "\n".join(line.removeprefix("data: ") for line in lines)
    raise AssertionError(f"{stream.request.path} sent nothing")


def text(page: TestResponse | str) -> str:
    """What a page says, without its tags."""
    said = re.sub(r"<[^>]*>", " ", page if isinstance(page, str) else page.text)
    return " ".join(said.split())
