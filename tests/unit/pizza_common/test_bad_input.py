"""Whatever is sent to any route of any service, the answer is a problem of the 4xx kind."""

import json

import pytest

from tests.unit.services import ORDER, an_order

TAKES_ORDERS = [
    ("pizza-order", "/order"),
    ("pizza-storefront", "/order"),
    ("pizza-kitchen", "/cook"),
    ("pizza-delivery", "/deliver"),
    ("pizza-storefront", "/payments"),
    ("pizza-kitchen", "/stock/reservations"),
]
UNDOES = [
    ("pizza-storefront", "/orders/1/cancel"),
    ("pizza-kitchen", "/cook/1/discard"),
    ("pizza-delivery", "/deliver/1/recall"),
]
MOVES_MONEY = [
    ("pizza-storefront", "/payments/1/capture"),
    ("pizza-storefront", "/payments/1/refund"),
]
OF_ONE_ORDER = [
    *MOVES_MONEY,
    ("pizza-storefront", "/orders/1/cancel"),
    ("pizza-kitchen", "/cook/1/discard"),
]
TAKES_NESTED_ORDERS = [
    ("pizza-storefront", "/orders/1/confirm"),
    ("pizza-kitchen", "/cook/1/pizzas/1"),
    ("pizza-loyalty", "/loyalty/john-doe.1/initialize"),
]
SUBSCRIBES = [
    ("pizza-order", "/orders-sub"),
    ("pizza-loyalty", "/orders-sub"),
    ("pizza-web", "/orders-sub"),
]

NOT_JSON = [b"{", b"order", b"\x00\x01", b"\xff\xfe{}", b"[1]", b'"a"', b"null", b"[" * 50000]
BAD_ORDERS = [
    b"",
    b"{}",
    *NOT_JSON,
    *(
        json.dumps(order).encode()
        for order in (
            an_order(customer={**ORDER["customer"], "name": "x" * 1_000_000}),
            an_order(customer={**ORDER["customer"], "name": "x" * 50_000}),
            an_order(customer={**ORDER["customer"], "name": "a\u0000b"}),
            an_order(customer={**ORDER["customer"], "name": "\ud800"}),
            an_order(customer=["John"]),
            an_order(order_id={"a": 1}),
            an_order(size=float("nan")),
            an_order(**{"x" * 1000: 1}),
            an_order(**{str(number): 1 for number in range(1000)}),
        )
    ),
]


def assert_problem(answer, body=None):
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == answer.status_code
    assert len(answer.data) < 16384, "a problem does not repeat what was sent"


@pytest.mark.parametrize(("service", "path"), TAKES_ORDERS)
@pytest.mark.parametrize("body", BAD_ORDERS, ids=lambda body: repr(body[:30]))
def test_a_bad_order_is_a_problem(client_of, service, path, body, sidecar):
    assert_problem(client_of(service).post(path, data=body))
    assert not sidecar.calls


@pytest.mark.parametrize(("service", "path"), TAKES_NESTED_ORDERS)
@pytest.mark.parametrize("body", BAD_ORDERS, ids=lambda body: repr(body[:30]))
def test_what_is_no_order_with_more_is_a_problem(client_of, service, path, body, sidecar):
    assert_problem(client_of(service).post(path, data=body))
    assert not sidecar.calls


@pytest.mark.parametrize(("service", "path"), UNDOES + SUBSCRIBES + MOVES_MONEY)
@pytest.mark.parametrize("body", NOT_JSON, ids=lambda body: repr(body[:30]))
def test_what_is_no_json_object_is_a_problem(client_of, service, path, body):
    assert_problem(client_of(service).post(path, data=body))


@pytest.mark.parametrize(("service", "path"), UNDOES)
@pytest.mark.parametrize("body", [{"attempt": 0}, {"attempt": "1"}, {"x": 1}, {"reason": "\n"}])
def test_a_bad_undo_is_a_problem(client_of, service, path, body):
    assert_problem(client_of(service).post(path, json=body))


@pytest.mark.parametrize(("service", "path"), OF_ONE_ORDER)
def test_a_body_of_another_order_than_the_path_is_a_problem_and_changes_nothing(
    client_of, service, path, sidecar
):
    answer = client_of(service).post(path, json={"order_id": "2"})
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (400, "order_id")
    assert not sidecar.calls


@pytest.mark.parametrize(("service", "path"), MOVES_MONEY)
@pytest.mark.parametrize("body", [{"amount_cents": 1}, {"bogus": True}, {"order_id": 1}])
def test_what_is_asked_of_the_till_beyond_all_is_a_problem_and_moves_no_money(
    client_of, service, path, body, sidecar
):
    assert_problem(client_of(service).post(path, json=body))
    assert not sidecar.calls


@pytest.mark.parametrize("body", [None, {}, {"data": {}}, {"specversion": 1}])
def test_what_is_no_cloud_event_is_a_problem(client_of, body):
    assert_problem(client_of("pizza-order").post("/orders-sub", json=body))


@pytest.mark.parametrize("order_id", ["a b", "x" * 49, "%00", "a.b", "%F0%9F%8D%95", "a%2Fb"])
def test_a_malformed_order_id_in_a_path_is_not_found(client_of, order_id):
    for service, path in UNDOES:
        answer = client_of(service).post(path.replace("1", order_id), json={})
        assert_problem(answer)
        assert answer.status_code == 404
    assert client_of("pizza-order").get(f"/order/{order_id}").status_code == 404


def test_the_wrong_fields_are_named(client_of):
    body = an_order(customer={"name": "", "address": "1", "phone": "2"}, items=[], extra=1)
    answer = client_of("pizza-kitchen").post("/cook", json=body).get_json()
    assert [error["field"] for error in answer["errors"]] == [
        "items",
        "customer.name",
        "extra",
    ] or {error["field"] for error in answer["errors"]} == {"items", "customer.name", "extra"}


def test_both_ways_of_ordering_at_once_are_named(client_of):
    body = an_order(items=[{"pizza_type": "funghi", "size": "small"}])
    answer = client_of("pizza-kitchen").post("/cook", json=body).get_json()
    assert [error["field"] for error in answer["errors"]] == ["items"]


@pytest.mark.parametrize(("service", "path"), TAKES_ORDERS)
def test_a_sidecar_that_is_away_is_a_503(client_of, sidecar, service, path):
    from pizza_common.errors import SidecarUnavailable

    sidecar.fail("get_state", SidecarUnavailable("the sidecar does not answer"))
    answer = client_of(service).post(path, json=ORDER)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")


@pytest.mark.parametrize(("service", "path"), TAKES_ORDERS)
def test_two_apps_of_a_kind_live_in_one_process(client_of, service, path):
    first, second = client_of(service), client_of(service)
    for client in (first, second):
        assert client.post(path, json=ORDER).status_code == 200
        assert path in client.get("/openapi/openapi.json").get_json()["paths"]
