"""The HTTP API beyond the recorded vectors: tokens, limits, refusals, secrets, shutdown."""

import io
import sqlite3
from pathlib import Path

import pytest

from localdapr.runtime_http import LARGEST_BODY
from localdapr.store import Store
from tests.unit.localdapr.http_api import Api


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


def test_without_the_api_token_only_health_is_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAPR_API_TOKEN", "sesame")
    answers = api.ask(
        ("GET", "/v1.0/metadata"),
        ("GET", "/v1.0/metadata", {"headers": {"dapr-api-token": "wrong"}}),
        ("GET", "/v1.0/metadata", {"headers": {"dapr-api-token": "sesame"}}),
        ("GET", "/v1.0/healthz/outbound"),
    )
    assert [answer.status for answer in answers] == [401, 401, 200, 204]


def test_the_sidecar_is_not_healthy_before_its_app_is_ready(api: Api) -> None:
    inbound, outbound = api.ask(("GET", "/v1.0/healthz"), ("GET", "/v1.0/healthz/outbound"))
    assert (inbound.status, outbound.status) == (500, 204)
    assert b"ERR_HEALTH_NOT_READY" in inbound.body


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1.0/bindings/mail", b"Bindings"),
        ("GET", "/v1.0/configuration/store", b"Configuration"),
        ("POST", "/v1.0-alpha1/lock/store", b"Distributed lock"),
        ("POST", "/v1.0-alpha1/jobs/nightly", b"Jobs"),
        ("PUT", "/v1.0/actors/cat/1/method/purr", b"Actors"),
        ("POST", "/v1.0-alpha2/conversation/llm/converse", b"Conversation"),
        ("POST", "/v1.0-alpha1/state/statestore/query", b"State query"),
    ],
)
def test_what_localdapr_does_not_do_is_refused_by_name(
    api: Api, method: str, path: str, name: bytes
) -> None:
    (answer,) = api.ask((method, path))
    assert answer.status == 501
    assert name in answer.body
    assert b"real Dapr" in answer.body


def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not(api: Api) -> None:
    at_limit = b'[{"key":"k","value":"' + b"x" * (LARGEST_BODY - 24) + b'"}]'
    path = "/v1.0/state/statestore"
    answers = api.ask(
        ("POST", path, {"data": io.BytesIO(at_limit)}),
        ("POST", path, {"data": io.BytesIO(at_limit + b" " * 100)}),
        ("GET", f"{path}/k"),
    )
    assert [answer.status for answer in answers] == [204, 413, 200]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b'[{"key":5}]',
        b'[{"key":"k","value":NaN}]',
        b'[{"key":"k","value":1e400}]',
        b'[{"key":"k","value":"\\ud800"}]',
        b'[{"key":"\\ud800","value":1}]',
        b'[{"key":"k","value":1,"etag":"\\ud800"}]',
        b'[{"key":"k","value":1,"options":{"concurrency":"\\uDbff"}}]',
        b'[{"key":"k","options":7}]',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_malformed_state_request_is_a_400(api: Api, body: bytes) -> None:
    (answer,) = api.ask(("POST", "/v1.0/state/statestore", {"data": body}))
    assert answer.status == 400
    assert b"ERR_MALFORMED_REQUEST" in answer.body


@pytest.mark.parametrize("path", ["cook/start", "one/raiseEvent/go"])
def test_a_workflows_payload_that_is_no_text_is_a_400(api: Api, path: str) -> None:
    odd = {"data": b"\xff\xfe", "headers": {"content-type": "text/plain; charset=foo"}}
    (answer,) = api.ask(("POST", f"/v1.0/workflows/dapr/{path}", odd))
    assert (answer.status, b"not UTF-8" in answer.body) == (400, True)


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("bulk", b"[]"),
        ("bulk", b"{"),
        ("bulk", b'{"keys": [1]}'),
        ("bulk", b'{"keys": ["\\ud800"]}'),
        ("transaction", b"[]"),
        ("transaction", b'{"operations": 5}'),
        ("transaction", b'{"operations": [5]}'),
        ("transaction", b'{"operations": [{"operation": "upsert"}]}'),
        ("transaction", b'{"metadata": 5, "operations": []}'),
    ],
)
def test_bulk_and_transaction_bodies_are_checked(api: Api, verb: str, body: bytes) -> None:
    (answer,) = api.ask(("POST", f"/v1.0/state/statestore/{verb}", {"data": body}))
    assert answer.status == 400


@pytest.mark.parametrize("item", ['"etag":"%s"', '"metadata":{"ttlInSeconds":"%s"}'])
def test_a_number_of_thousands_of_digits_is_too_large(api: Api, item: str) -> None:
    body = '[{"key":"k","value":1,' + item % ("9" * 5000) + "}]"
    (answer,) = api.ask(("POST", "/v1.0/state/statestore", {"data": body}))
    assert answer.status == 400


def test_values_saved_are_shown_with_their_expiry(api: Api) -> None:
    item = {"key": "k", "value": {"a": [1]}, "metadata": {"ttlInSeconds": "100"}}
    path = "/v1.0/state/statestore"
    _, got, bulk = api.ask(
        ("POST", path, {"json": [item]}),
        ("GET", f"{path}/k"),
        ("POST", f"{path}/bulk", {"json": {"keys": ["k"]}}),
    )
    assert got.body == b'{"a":[1]}'
    assert "metadata.ttlExpireTime" in got.headers
    assert b'"data":{"a":[1]}' in bulk.body


def test_secrets_are_answered_and_foreign_stores_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIZZA_TEST_PIN", "1234")
    one, every, missing, unknown, foreign = api.ask(
        ("GET", "/v1.0/secrets/env/PIN"),
        ("GET", "/v1.0/secrets/env/bulk"),
        ("GET", "/v1.0/secrets/env/NONE"),
        ("GET", "/v1.0/secrets/nowhere/PIN"),
        ("GET", "/v1.0/secrets/vault/PIN"),
    )
    assert (one.body, every.body) == (b'{"PIN":"1234"}', b'{"PIN":{"PIN":"1234"}}')
    assert [missing.status, unknown.status, foreign.status] == [500, 401, 500]
    assert b"real Dapr" in foreign.body


def test_shutdown_asks_the_host_to_end(api: Api) -> None:
    (answer,) = api.ask(("POST", "/v1.0/shutdown"))
    assert (answer.status, api.shutdowns) == (204, 1)


def test_a_failing_data_file_is_an_answer_not_a_crash(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Store, "write", fail)
    item = [{"key": "k", "value": 1}]
    (answer,) = api.ask(("POST", "/v1.0/state/statestore", {"json": item}))
    assert answer.status == 500
    assert b"disk I/O error" in answer.body
