"""Whatever is sent, it is refused with a problem that says why, and nothing is begun."""

import itertools
import json
from typing import Any

import pytest
import requests

from pizza_common.settings import PORTS
from tests.system.bad_bodies import (
    BAD_BATCHES,
    BAD_CARDS,
    BAD_CONFIRMATIONS,
    BAD_CUSTOMERS,
    BAD_IDS,
    BAD_ITEMS,
    BAD_ORDERS,
    BAD_PIZZAS,
    BAD_QUERIES,
    BAD_REFERENCES,
    BAD_RESTOCKS,
    BAD_VALIDATIONS,
    CUSTOMER,
    NO_JSON_OBJECTS,
)
from tests.system.shop import Shop, an_order

Json = dict[str, Any]

ORDER_ROUTES = [
    ("pizza-order", "/order"),
    ("pizza-storefront", "/order"),
    ("pizza-storefront", "/payments"),
    ("pizza-kitchen", "/stock/reservations"),
    ("pizza-kitchen", "/cook"),
    ("pizza-delivery", "/deliver"),
    ("pizza-workflow", "/start-order"),
]
REFERENCE_ROUTES = [
    ("pizza-workflow", "/validate-pizza"),
    ("pizza-workflow", "/pause-order"),
    ("pizza-workflow", "/resume-order"),
    ("pizza-workflow", "/cancel-order"),
    ("pizza-workflow", "/terminate-order"),
]
UNDO_ROUTES = [
    ("pizza-storefront", "/orders/bad-undo/cancel"),
    ("pizza-kitchen", "/cook/bad-undo/discard"),
    ("pizza-delivery", "/deliver/bad-undo/recall"),
    ("pizza-storefront", "/payments/bad-undo/refund"),
]
CONFIRM = ("pizza-storefront", "/orders/bad-order/confirm")
COOK_PIZZA = ("pizza-kitchen", "/cook/bad-order/pizzas/1")
BATCH = ("pizza-workflow", "/start-orders")
INITIALIZE = ("pizza-loyalty", "/loyalty/nobody.555/initialize")
GIFTS = ("pizza-loyalty", "/loyalty/nobody.555/gifts")
BODY_ROUTES = [
    *ORDER_ROUTES,
    *REFERENCE_ROUTES,
    CONFIRM,
    COOK_PIZZA,
    BATCH,
    INITIALIZE,
    GIFTS,
]
EVENT_ROUTES = [
    ("pizza-order", "/orders-sub"),
    ("pizza-loyalty", "/orders-sub"),
    ("pizza-web", "/orders-sub"),
]
ALL_ROUTES = [*BODY_ROUTES, *UNDO_ROUTES, *EVENT_ROUTES]
PATH_ROUTES = [
    ("GET", "pizza-order", "/order/{}"),
    ("DELETE", "pizza-order", "/order/{}"),
    ("GET", "pizza-workflow", "/get-status/{}"),
    ("GET", "pizza-storefront", "/payments/{}"),
    ("GET", "pizza-kitchen", "/stock/reservations/{}"),
]
# What may be asked of an order before it is known, but not under a malformed id.
EARLY_ROUTES = [
    ("POST", "pizza-storefront", "/payments/{}/capture"),
    ("POST", "pizza-storefront", "/payments/{}/refund"),
    ("POST", "pizza-storefront", "/orders/{}/confirm"),
    ("POST", "pizza-storefront", "/orders/{}/cancel"),
    ("POST", "pizza-kitchen", "/cook/{}/pizzas/1"),
    ("POST", "pizza-kitchen", "/cook/{}/discard"),
    ("DELETE", "pizza-kitchen", "/stock/reservations/{}"),
    ("POST", "pizza-delivery", "/deliver/{}/recall"),
]

SERVICES = sorted(PORTS)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_begun(the_fast_shop: Shop) -> Any:
    """All that is sent here is refused: in the end the order book is as it was."""
    before = the_fast_shop.all_orders()
    yield
    assert the_fast_shop.all_orders() == before
    assert untouched(the_fast_shop, "bad-order")


def refused(answer: requests.Response, *statuses: int) -> Json:
    """The problem, checked to be one."""
    assert answer.status_code in statuses, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    problem: Json = answer.json()
    assert set(problem) - {"errors"} == {"type", "title", "status", "detail"}
    assert problem["status"] == answer.status_code
    assert len(answer.content) < 10_000
    return problem


def send(
    shop: Shop, service: str, path: str, body: bytes, method: str = "POST", **headers: str
) -> requests.Response:
    url = shop.process.urls[service] + path
    known = {"dapr-api-token": shop.process.app_token}
    headers = {"content-type": "application/json", **known, **headers}
    return requests.request(method, url, data=body, headers=headers, timeout=30)


def send_json(shop: Shop, route: tuple[str, str], body: Json) -> requests.Response:
    """Those of its fields that are not None."""
    kept = {name: value for name, value in body.items() if value is not None}
    return send(shop, *route, json.dumps(kept).encode())


def untouched(shop: Shop, order_id: str) -> bool:
    """Whether nothing was begun, paid or set aside for this order."""
    payment = shop.ask("GET", "pizza-storefront", f"/payments/{order_id}").status
    stock = shop.ask("GET", "pizza-kitchen", f"/stock/reservations/{order_id}").status
    return (payment, stock) == (404, 404) and not shop.knows(order_id)


def cases(routes: list[tuple[str, str]], bodies: dict[str, Any]) -> list[Any]:
    pairs = itertools.product(routes, bodies.items())
    return [
        pytest.param(*route, body, id=f"{route[0]}{route[1]}-{name}")
        for route, (name, body) in pairs
    ]


@pytest.mark.parametrize(("service", "path", "body"), cases(ALL_ROUTES, NO_JSON_OBJECTS))
def test_what_is_no_json_object_is_refused(
    shop: Shop, service: str, path: str, body: bytes
) -> None:
    refused(send(shop, service, path, body), 400, 413)


@pytest.mark.parametrize(("service", "path"), BODY_ROUTES)
def test_no_body_is_refused_naming_what_is_missing(shop: Shop, service: str, path: str) -> None:
    assert refused(send(shop, service, path, b""), 400)["errors"]


@pytest.mark.parametrize(("service", "path", "change"), cases(ORDER_ROUTES, BAD_ORDERS))
def test_a_bad_order_is_refused_naming_the_field(
    shop: Shop, service: str, path: str, change: Json
) -> None:
    order = {name: value for name, value in an_order(**change).items() if value is not None}
    problem = refused(send(shop, service, path, json.dumps(order).encode()), 400)
    fields = [error["field"].partition(".")[0] for error in problem.get("errors", [])]
    assert set(fields) & {*change, "topping"} or "UTF-8" in problem["detail"]


@pytest.mark.parametrize(("service", "path", "change"), cases([CONFIRM, COOK_PIZZA], BAD_ORDERS))
def test_a_bad_order_within_is_refused(shop: Shop, service: str, path: str, change: Json) -> None:
    order = {name: value for name, value in an_order(**change).items() if value is not None}
    order = {"order_id": "bad-order", **order} if "order_id" in change else order
    terms = {"total_cents": 900, "estimated_at": "2030-01-01T12:00:00Z"}
    body = {"order": order, **(terms if path.endswith("confirm") else {})}
    refused(send(shop, service, path, json.dumps(body).encode()), 400)
    assert untouched(shop, "bad-order")


@pytest.mark.parametrize("route", [CONFIRM, COOK_PIZZA])
def test_an_order_of_another_id_than_the_paths_is_refused(
    shop: Shop, route: tuple[str, str]
) -> None:
    terms = {"total_cents": 900, "estimated_at": "2030-01-01T12:00:00Z"}
    order = an_order(order_id="bad-other")
    body = {"order": order, **(terms if route is CONFIRM else {})}
    assert refused(send_json(shop, route, body), 400)["errors"][0]["field"] == "order_id"
    assert untouched(shop, "bad-other")


@pytest.mark.parametrize("change", BAD_CONFIRMATIONS.values(), ids=BAD_CONFIRMATIONS)
def test_a_bad_confirmation_is_refused(shop: Shop, change: Json) -> None:
    terms = {"total_cents": 900, "estimated_at": "2030-01-01T12:00:00Z"}
    body = {"order": an_order(order_id="bad-order"), **terms, **change}
    assert refused(send_json(shop, CONFIRM, body), 400)["errors"]
    assert untouched(shop, "bad-order")


@pytest.mark.parametrize("change", BAD_PIZZAS.values(), ids=BAD_PIZZAS)
def test_a_bad_wish_for_one_pizza_is_refused(shop: Shop, change: Json) -> None:
    body = {"order": an_order(order_id="bad-order"), **change}
    assert refused(send_json(shop, COOK_PIZZA, body), 400)["errors"]
    assert untouched(shop, "bad-order")


@pytest.mark.parametrize("number", ["0", "2", "-1", "x", "1.0", "9" * 30])
def test_a_pizza_that_the_order_has_not_is_not_found(shop: Shop, number: str) -> None:
    body = {"order": an_order(order_id="bad-order")}
    refused(send_json(shop, ("pizza-kitchen", f"/cook/bad-order/pizzas/{number}"), body), 404)
    assert untouched(shop, "bad-order")


@pytest.mark.parametrize("cents", [-1, 1.5, "100", True, 10**30, [], {}])
def test_a_bad_present_is_refused(shop: Shop, cents: Any) -> None:
    body = {**an_order(order_id="bad-order"), "free_cents": cents}
    problem = refused(send_json(shop, ("pizza-storefront", "/payments"), body), 400)
    assert problem["errors"][0]["field"] == "free_cents"
    assert untouched(shop, "bad-order")


@pytest.mark.parametrize("orders", BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_a_bad_batch_is_refused(shop: Shop, orders: Any) -> None:
    refused(send_json(shop, BATCH, {"orders": orders}), 400)


@pytest.mark.parametrize("change", BAD_ORDERS.values(), ids=BAD_ORDERS)
def test_a_bad_order_of_a_batch_is_refused_for_itself(shop: Shop, change: Json) -> None:
    order = {name: value for name, value in an_order(**change).items() if value is not None}
    answer = send_json(shop, BATCH, {"orders": [order]})
    if answer.status_code == 200:
        (result,) = answer.json()["results"]
        assert result["error"]["status"] == 400
        assert "status" not in result
    else:
        assert "UTF-8" in refused(answer, 400)["detail"]


@pytest.mark.parametrize("when", ["2020-01-01T12:00:00Z", "2999-01-01T12:00:00+01:00"])
def test_a_time_that_cannot_be_kept_is_refused(shop: Shop, when: str) -> None:
    order = an_order(order_id="bad-time", scheduled_for=when)
    problem = refused(send_json(shop, ("pizza-workflow", "/start-order"), order), 400)
    assert problem["errors"][0]["field"] == "scheduled_for"
    assert untouched(shop, "bad-time")


@pytest.mark.parametrize("body", NO_JSON_OBJECTS.values(), ids=NO_JSON_OBJECTS)
def test_a_restock_that_is_no_json_object_is_refused(shop: Shop, body: bytes) -> None:
    refused(send(shop, "pizza-kitchen", "/stock/basil", body, "PUT"), 400, 413)


@pytest.mark.parametrize("body", BAD_RESTOCKS.values(), ids=BAD_RESTOCKS)
def test_a_bad_restock_is_refused(shop: Shop, body: Json) -> None:
    sent = json.dumps(body).encode()
    refused(send(shop, "pizza-kitchen", "/stock/basil", sent, "PUT"), 400)


@pytest.mark.parametrize("key", ["a b", "x" * 65, "a/b", "\u00e9"])
def test_a_bad_idempotency_key_is_refused(shop: Shop, key: str) -> None:
    headers = {"Idempotency-Key": key}
    refused(send(shop, "pizza-kitchen", "/stock/basil", b'{"add": 1}', "PUT", **headers), 400)


@pytest.mark.parametrize(
    "name", ["anchovies", "Basil", "reservations", "x" * 40, "x" * 41, "%00", "%ff", "a%20b"]
)
def test_an_ingredient_that_is_not_there_is_not_found(shop: Shop, name: str) -> None:
    refused(send(shop, "pizza-kitchen", f"/stock/{name}", b'{"add": 1}', "PUT"), 400, 404)


@pytest.mark.parametrize("body", BAD_CARDS.values(), ids=BAD_CARDS)
def test_a_bad_beginning_of_a_card_is_refused(shop: Shop, body: Json) -> None:
    refused(send_json(shop, INITIALIZE, body), 400)


@pytest.mark.parametrize("customer", BAD_CUSTOMERS)
def test_a_malformed_customer_is_refused(shop: Shop, customer: str) -> None:
    body = b'{"delivered": 1}'
    refused(send(shop, "pizza-loyalty", f"/loyalty/{customer}", b"", "GET"), 400, 404)
    refused(send(shop, "pizza-loyalty", f"/loyalty/{customer}/initialize", body), 400, 404)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_faults_are_not_there_unless_they_are_switched_on(
    shop: Shop, service: str, method: str
) -> None:
    refused(send(shop, service, "/faults", b'{"step": "cook", "status": 500}', method), 404)


def test_nothing_is_captured_of_an_order_that_is_not_known(shop: Shop) -> None:
    refused(send(shop, "pizza-storefront", "/payments/nobody-knows/capture", b""), 404)
    assert untouched(shop, "nobody-knows")


@pytest.mark.parametrize(("service", "path", "items"), cases(ORDER_ROUTES, BAD_ITEMS))
def test_bad_items_are_refused(shop: Shop, service: str, path: str, items: Any) -> None:
    order = {"order_id": "bad-items", "items": items, "customer": CUSTOMER}
    refused(send(shop, service, path, json.dumps(order).encode()), 400)
    assert not shop.knows("bad-items")


@pytest.mark.parametrize(("service", "path", "body"), cases(REFERENCE_ROUTES, BAD_REFERENCES))
def test_a_bad_reference_to_an_order_is_refused(
    shop: Shop, service: str, path: str, body: Json
) -> None:
    verdict = {"approved": True} if path == "/validate-pizza" else {}
    refused(send(shop, service, path, json.dumps({**verdict, **body}).encode()), 400)


@pytest.mark.parametrize("body", BAD_VALIDATIONS.values(), ids=BAD_VALIDATIONS)
def test_a_bad_verdict_is_refused(shop: Shop, body: Json) -> None:
    asked = json.dumps({"order_id": "bad-verdict", **body}).encode()
    refused(send(shop, "pizza-workflow", "/validate-pizza", asked), 400)


@pytest.mark.parametrize(("service", "path"), UNDO_ROUTES)
@pytest.mark.parametrize("body", [{"attempt": 0}, {"attempt": "1"}, {"reason": "\x00"}, {"x": 1}])
def test_a_bad_undo_is_refused(shop: Shop, service: str, path: str, body: Json) -> None:
    refused(send(shop, service, path, json.dumps(body).encode()), 400)


@pytest.mark.parametrize(("method", "service", "path"), [*PATH_ROUTES, *EARLY_ROUTES])
@pytest.mark.parametrize("order_id", BAD_IDS)
def test_a_malformed_id_in_the_path_is_refused(
    shop: Shop, method: str, service: str, path: str, order_id: str
) -> None:
    url = shop.process.urls[service] + path.format(order_id)
    refused(requests.request(method, url, timeout=30), 400, 404)


@pytest.mark.parametrize(("method", "service", "path"), PATH_ROUTES)
def test_an_unknown_id_is_not_found(shop: Shop, method: str, service: str, path: str) -> None:
    url = shop.process.urls[service] + path.format("nobody-knows")
    refused(requests.request(method, url, timeout=30), 404)


@pytest.mark.parametrize(("service", "path"), REFERENCE_ROUTES)
def test_asking_for_an_unknown_order_is_not_found(shop: Shop, service: str, path: str) -> None:
    verdict = {"approved": True} if path == "/validate-pizza" else {}
    body = json.dumps({"order_id": "nobody-knows", **verdict}).encode()
    refused(send(shop, service, path, body), 404)


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_bad_query_is_refused(shop: Shop, query: str) -> None:
    refused(requests.get(f"{shop.process.urls['pizza-order']}/orders?{query}", timeout=30), 400)


@pytest.mark.parametrize(("service", "path"), ALL_ROUTES)
def test_a_method_that_is_not_there_is_refused(shop: Shop, service: str, path: str) -> None:
    url = shop.process.urls[service] + path
    answer = requests.patch(url, "{}", timeout=30)
    assert "POST" in answer.headers["allow"]
    refused(answer, 405)


@pytest.mark.parametrize("service", SERVICES)
def test_a_path_that_is_not_there_is_not_found(shop: Shop, service: str) -> None:
    refused(requests.get(f"{shop.process.urls[service]}/no/such/page", timeout=30), 404)


@pytest.mark.parametrize("service", [service for service, _ in EVENT_ROUTES])
@pytest.mark.parametrize(
    "data", [None, "text", [], {}, {"order_id": "bad-event"}, {"order_id": 7, "status": "cooked"}]
)
def test_an_event_that_nobody_understands_is_dropped(shop: Shop, service: str, data: Any) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "x", "type": "y", "data": data}
    answer = shop.hand_over(service, event)
    assert (answer.status, answer.body) == (200, {"status": "DROP"})


@pytest.mark.parametrize("request_id", ["x" * 65, "a b", "a\tb"])
def test_a_request_id_that_could_spoil_a_log_is_not_sent_back(shop: Shop, request_id: str) -> None:
    url = f"{shop.process.urls['pizza-order']}/healthz"
    answer = requests.get(url, headers={"X-Request-ID": request_id}, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["X-Request-ID"] != request_id
