import json

import pytest
import requests
import responses
import structlog

from pizza_common.errors import PeerRefused, PeerUnavailable
from pizza_common.identity import read_identity
from pizza_common.principal import Principal
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


def test_a_refusal_keeps_what_it_says_of_fields(peers, real):
    rows = [{"field": "size", "message": "too big"}]
    peers.post(URL, json={"detail": "Cannot use: size", "errors": rows}, status=400)
    with pytest.raises(PeerRefused) as caught:
        cook(real)
    assert caught.value.errors == (("size", "too big"),)


@pytest.mark.parametrize("errors", ["size", None, [1, {}], {"size": "too big"}])
def test_what_is_no_list_of_fields_is_no_other_error(peers, real, errors):
    peers.post(URL, json={"errors": errors}, status=400)
    with pytest.raises(PeerRefused):
        cook(real)


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


SECRET = "the-secret-of-this-shop"
MARIA = Principal("Maria", frozenset({"manager"}))


@pytest.fixture
def signing():
    sidecar = Sidecar(Settings(dapr_http_port=3505, pizza_secret=SECRET), "pizza-workflow")
    yield sidecar
    sidecar.close()


def identity_of(request):
    return read_identity(SECRET, request.headers["Pizza-Identity"])


def test_a_service_says_that_it_asks_itself_or_for_whom(peers, signing):
    peers.post(URL, json={})
    cook(signing)
    signing.invoke("pizza-kitchen", "cook", timeout=5, identity=MARIA)
    itself = Principal("pizza-workflow", frozenset({"service"}))
    assert [identity_of(call.request) for call in peers.calls] == [itself, MARIA]


def test_who_has_no_name_or_no_secret_says_nothing(peers, real):
    peers.post(URL, json={})
    nameless = Sidecar(Settings(dapr_http_port=3505, pizza_secret=SECRET))
    cook(nameless)
    nameless.close()
    real.invoke("pizza-kitchen", "cook", timeout=5, identity=MARIA)
    assert not [call for call in peers.calls if "Pizza-Identity" in call.request.headers]


def test_a_peer_that_does_not_know_this_service_is_asked_again_and_a_person_is_told(peers, signing):
    peers.post(URL, json={"detail": "not signed by this shop"}, status=401)
    with pytest.raises(PeerUnavailable):  # as while a new secret comes to one after the other
        cook(signing)
    with pytest.raises(PeerRefused, match="not signed"):
        signing.invoke("pizza-kitchen", "cook", timeout=5, identity=MARIA)
