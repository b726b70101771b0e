"""Who may hand over events."""

import pytest

from tests.unit.services import ORDER

TOKEN = "t0ken"
EVENT = {
    "event_id": "123:cooked",
    "order_id": "123",
    "status": "cooked",
    "service": "pizza-kitchen",
    "at": "2026-01-01T12:00:00.000Z",
    "order": ORDER,
}
SUBSCRIBERS = ["pizza-order", "pizza-loyalty", "pizza-web"]


def hand_over(client, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    event = {"specversion": "1.0", "data": EVENT}
    return client.post("/orders-sub", json=event, headers=headers)


def problem_of(answer):
    assert answer.mimetype == "application/problem+json"
    return answer.get_json()["status"]


@pytest.mark.parametrize("service", SUBSCRIBERS)
@pytest.mark.parametrize("given", [None, "", "T0ken", "t0ken2", "t0ken, t0ken", "t0k\u00e9n"])
def test_an_event_without_the_token_is_refused(client_of, sidecar, service, given):
    headers = {} if given is None else {"dapr_api_token": given}
    answer = hand_over(client_of(service, app_api_token=TOKEN), **headers)
    assert problem_of(answer) == 401
    assert answer.headers["WWW-Authenticate"] == "dapr-api-token"
    assert not sidecar.calls


@pytest.mark.parametrize("service", SUBSCRIBERS)
def test_an_event_with_the_token_is_taken(client_of, service):
    client = client_of(service, app_api_token=TOKEN)
    assert hand_over(client, dapr_api_token=TOKEN).get_json() == {"status": "SUCCESS"}


@pytest.mark.parametrize("service", SUBSCRIBERS)
def test_without_a_token_events_are_taken_from_all(client_of, service):
    assert hand_over(client_of(service)).get_json() == {"status": "SUCCESS"}


@pytest.mark.parametrize("service", SUBSCRIBERS)
@pytest.mark.parametrize("token", ["", TOKEN])
@pytest.mark.parametrize("header", ["dapr_caller_app_id", "dapr_callee_app_id"])
def test_a_call_of_another_service_is_no_event(client_of, sidecar, service, token, header):
    headers = {"dapr_api_token": token, header: "pizza-order"}
    assert problem_of(hand_over(client_of(service, app_api_token=token), **headers)) == 403
    assert not sidecar.calls


@pytest.mark.parametrize("service", SUBSCRIBERS)
def test_all_else_needs_no_token(client_of, service):
    client = client_of(service, app_api_token=TOKEN)
    assert client.get("/healthz").status_code == 200
    assert client.get("/openapi/openapi.json").status_code == 200
