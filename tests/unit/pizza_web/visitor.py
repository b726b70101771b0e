"""A visitor: the cookies of a test client, and the forms of the pages."""

import re
from typing import Any

from werkzeug.test import TestResponse

from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.services import app_module
from web_settings import WebSettings

SECRET = "a-secret-of-the-tests"
APP_TOKEN = "a-token-of-the-sidecar"


class Visitor:
    """Looks at a pizza-web of its own, or at that of another visitor."""

    def __init__(self, sidecar: FakeSidecar, **rows: Any) -> None:
        settings = WebSettings(**{"pizza_secret": SECRET, "app_api_token": APP_TOKEN, **rows})
        self.app = app_module("pizza-web").create_app(settings, sidecar)
        self.client = self.app.test_client()

    def another(self) -> "Visitor":
        """With cookies of its own, at the same pizza-web."""
        other = object.__new__(Visitor)
        other.app, other.client = self.app, self.app.test_client()
        return other

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, headers={"Accept": "text/html"})

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a form of the sign-in page."""
        form = {"csrf_token": self.csrf_token(), **fields}
        return self.client.post(path, data=form, headers={"Accept": "text/html"})

    def csrf_token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/sign-in").text)
        assert found
        return found[1]

    def who(self) -> str:
        """Whom the page says that one is signed in as."""
        found = re.search(r"You are signed in as ([^<]+)\.", self.get("/sign-in").text)
        return found[1] if found else ""
