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


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET http://evil.example/v1.0/metadata HTTP/1.1\r\n", b"must be a path"),
        (b"GET http://127.0.0.1/v1.0/healthz HTTP/1.1\r\n", b"must be a path"),
        (b"OPTIONS * HTTP/1.1\r\n", b"must be a path"),
        (b"CONNECT evil.example:80 HTTP/1.1\r\n", b"must be a path"),
        (b"GET /x HTTP/1.1\r\ndapr-app-id: \xff\r\n", b"not UTF-8"),
        (b"DELETE /v1.0/state/statestore/k HTTP/1.1\r\nIf-Match: \xe9\r\n", b"not UTF-8"),
    ],
)
def test_what_no_client_of_dapr_sends_is_refused(api: Api, sent: bytes, reason: bytes) -> None:
    answer = api.answer_line(sent + b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert b" 400 " in answer
    assert reason in answer


def test_a_request_that_names_no_host_is_refused(api: Api) -> None:
    assert b" 403 " in api.answer_line(b"GET /v1.0/metadata HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize(
    "twice",
    [
        [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
        [("Origin", "http://localhost:5173"), ("Origin", "http://evil.example")],
    ],
)
def test_what_a_browser_says_once_is_not_taken_twice(
    open_api: Api, twice: list[tuple[str, str]]
) -> None:
    (answer,) = open_api.ask((*SHUTDOWN, {"headers": twice}))
    assert (answer.status, open_api.shutdowns) == (400, 0)
