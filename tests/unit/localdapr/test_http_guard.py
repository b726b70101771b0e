"""What a request must pass before any route of the HTTP API sees it."""

from pathlib import Path

import pytest

from localdapr.callers import Callers
from tests.unit.localdapr.http_api import Api

APP = {"dapr-app-id": "shop"}
PAGE = {"Origin": "http://localhost:5173"}
SHUTDOWN = ("POST", "/v1.0/shutdown")


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


@pytest.fixture
def open_api(tmp_path: Path) -> Api:
    return Api(tmp_path, Callers(origins=("http://localhost:5173",)))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1.0/metadata"),
        ("GET", "/v1.0/%6detadata"),
        ("POST", "/v1.0/healthz"),
        ("HEAD", "/v1.0/healthz"),
        ("GET", "/v1.0/healthz/"),
        ("GET", "/v1.0/healthz/other"),
        ("GET", "/v1.0/healthz;a=b"),
        ("GET", "//v1.0/healthz"),
        ("POST", "/v1.0/healthz/../../start-order"),
        ("POST", "/v1.0/healthz/%2e%2e/%2E%2E/start-order"),
        ("POST", "/v1.0/healthz%2f..%2f../start-order"),
        ("POST", "/v1.0/healthz/outbound/../../../start-order"),
        ("GET", "/v1.0/healthz/../metadata"),
        ("GET", "/v1.0/metadata/../healthz"),
        ("GET", "/v1.0/invoke/shop/method/v1.0/healthz"),
        ("GET", "/nowhere"),
    ],
)
def test_without_the_api_token_nothing_but_health_is_reached(
    api: Api, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    monkeypatch.setenv("DAPR_API_TOKEN", "sesame")
    (answer,) = api.ask((method, path, {"headers": APP}))
    assert answer.status == 401


def test_the_token_is_compared_whole_and_whatever_it_holds(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAPR_API_TOKEN", "sésame")
    tokens = ["", "s", "sésame ", "sésame"]
    answers = api.ask(
        *(("GET", "/v1.0/metadata", {"headers": {"dapr-api-token": token}}) for token in tokens)
    )
    # White space around a header's value is no part of it.
    assert [answer.status for answer in answers] == [401, 401, 200, 200]


def test_a_foreign_page_does_not_end_the_run(api: Api) -> None:
    form = {"content-type": "text/plain"}
    answers = api.ask(
        (*SHUTDOWN, {"headers": form | PAGE}),
        (*SHUTDOWN, {"headers": form | {"Sec-Fetch-Site": "cross-site"}}),
        (*SHUTDOWN, {"headers": {"Host": "evil.example"}}),
        ("GET", "/v1.0/metadata", {"headers": {"Host": "evil.example"}}),
    )
    assert [answer.status for answer in answers] == [403] * 4
    assert b'{"errorCode":"ERR_ORIGIN_NOT_ALLOWED","message":' in answers[0].body
    assert api.shutdowns == 0


def test_a_page_that_is_allowed_is_let_in_and_may_read(open_api: Api) -> None:
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}
    asked, done, refused = open_api.ask(
        ("OPTIONS", "/v1.0/shutdown", {"headers": PAGE | asking}),
        (*SHUTDOWN, {"headers": PAGE}),
        (*SHUTDOWN, {"headers": {"Origin": "http://evil.example"}}),
    )
    assert [asked.status, done.status, refused.status] == [204, 204, 403]
    assert asked.headers["Access-Control-Allow-Origin"] == PAGE["Origin"]
    assert asked.headers["Access-Control-Allow-Headers"] == "x-a"
    assert done.headers["Access-Control-Allow-Origin"] == PAGE["Origin"]
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize("path", ["/v1.0/publish/pubsub/a%0Ab", "/a%1Bb", "/v1.0/metadata/%00"])
def test_a_path_with_a_control_character_is_refused(api: Api, path: str) -> None:
    (answer,) = api.ask(("PUT", path, {"headers": APP}))
    assert answer.status == 400
    assert b"control character" in answer.body
