import json

import pytest
import requests
import responses
import structlog

from pizza_common.errors import PeerRefused, PeerUnavailable
from pizza_common.settings import Settings
from pizza_common.sidecar import Sidecar

URL = "http://127.0.0.1:3505/cook"


@pytest.fixture
def peers():
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def real():
    sidecar = Sidecar(Settings(dapr_http_port=3505, dapr_api_token="secret"))
    yield sidecar
    sidecar.close()


def cook(sidecar):
    return sidecar.invoke("pizza-kitchen", "cook", {"order_id": "1"}, timeout=5)


def test_a_peer_is_called_through_the_sidecar_by_its_name(peers, real):
    peers.post(URL, json={"status": "cooked"})
    assert cook(real) == {"status": "cooked"}
    request = peers.calls[0].request
    assert json.loads(request.body) == {"order_id": "1"}
    assert request.headers["dapr-app-id"] == "pizza-kitchen"
    assert request.headers["dapr-api-token"] == "secret"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_peer_is_asked_with_any_method_and_without_a_body(peers, real, method):
    peers.add(method, URL, json={"status": "ok"})
    answer = real.invoke("pizza-kitchen", "/cook", timeout=5, method=method, idempotency_key="k")
    assert answer == {"status": "ok"}
    request = peers.calls[0].request
    assert not request.body
    assert request.headers["Idempotency-Key"] == "k"


def test_the_request_id_goes_along(peers, real):
    peers.post(URL, json={})
    with structlog.contextvars.bound_contextvars(request_id="my-id"):
        cook(real)
    assert peers.calls[0].request.headers["X-Request-ID"] == "my-id"


@pytest.mark.parametrize("status", [400, 404, 409, 413])
def test_a_refusal_is_final_and_keeps_status_and_reason(peers, real, status):
    peers.post(URL, json={"detail": "Other content."}, status=status)
    with pytest.raises(PeerRefused, match=r"pizza-kitchen: Other content\.") as caught:
        cook(real)
    assert caught.value.status == status


@pytest.mark.parametrize("status", [500, 502, 503, 408, 429, 302])
def test_a_failure_may_be_tried_again(peers, real, status):
    peers.post(URL, json={"message": "no such app"}, status=status)
    with pytest.raises(PeerUnavailable, match="no such app"):
        cook(real)


@pytest.mark.parametrize("body", ["", "<html>", "[1]", "null"])
def test_an_answer_that_is_no_json_object_is_a_failure(peers, real, body):
    peers.post(URL, body=body)
    with pytest.raises(PeerUnavailable):
        cook(real)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.ConnectionError(), "no connection"),
        (requests.ConnectTimeout(), "no answer in time"),
        (requests.ReadTimeout(), "no answer in time"),
        (requests.exceptions.ChunkedEncodingError(), "no connection"),
    ],
)
def test_a_broken_connection_may_be_tried_again(peers, real, error, reason):
    peers.post(URL, body=error)
    with pytest.raises(PeerUnavailable, match=reason):
        cook(real)
