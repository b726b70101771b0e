"""Whatever is sent, it is refused with a problem that says why, and nothing is begun."""

import itertools
import json
from typing import Any

import pytest
import requests

from tests.system.shop import Shop, an_order

Json = dict[str, Any]

ORDER_ROUTES = [
    ("pizza-order", "/order"),
    ("pizza-storefront", "/order"),
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
]
ALL_ROUTES = [*ORDER_ROUTES, *REFERENCE_ROUTES, *UNDO_ROUTES, ("pizza-order", "/orders-sub")]
PATH_ROUTES = [
    ("GET", "pizza-order", "/order/{}"),
    ("DELETE", "pizza-order", "/order/{}"),
    ("GET", "pizza-workflow", "/get-status/{}"),
]

MEGABYTE = "x" * 1_000_000
NO_JSON_OBJECTS = {
    "no JSON": b"pizza, please",
    "half of it": b'{"order_id": "1"',
    "not UTF-8": b'{"order_id": "\xff\xfe"}',
    "an array": b"[]",
    "a number": b"7",
    "a string": b'"order"',
    "null": b"null",
    "nested deeply": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a megabyte of name": json.dumps({"customer": {"name": MEGABYTE}}).encode(),
}
CUSTOMER = {"name": "John Doe", "address": "123 Main St", "phone": "555-0123"}
BAD_ORDERS: dict[str, Json] = {
    "unknown field": {"topping": "pineapple"},
    "unknown field of the customer": {"customer": {**CUSTOMER, "age": 7}},
    "no customer": {"customer": None},
    "a customer that is text": {"customer": "John Doe"},
    "empty name": {"customer": {**CUSTOMER, "name": ""}},
    "blank name": {"customer": {**CUSTOMER, "name": "   "}},
    "number as name": {"customer": {**CUSTOMER, "name": 7}},
    "control character in the name": {"customer": {**CUSTOMER, "name": "John\u0000Doe"}},
    "line break in the address": {"customer": {**CUSTOMER, "address": "123\r\nMain St"}},
    "lone surrogate in the name": {"customer": {**CUSTOMER, "name": "John \ud800"}},
    "long name": {"customer": {**CUSTOMER, "name": "x" * 101}},
    "unknown pizza": {"pizza_type": "shoe"},
    "pizza that is a list": {"pizza_type": ["pepperoni"]},
    "unknown size": {"size": "huge"},
    "size of another case": {"size": "LARGE"},
    "pizza and items": {"items": [{"pizza_type": "funghi", "size": "small"}]},
    "no pizza": {"pizza_type": None, "size": None},
    "id with a slash": {"order_id": "a/b"},
    "id with a line break": {"order_id": "abc\n"},
    "empty id": {"order_id": ""},
    "long id": {"order_id": "x" * 49},
    "number as id": {"order_id": 123},
}
BAD_ITEMS: dict[str, Any] = {
    "no items": [],
    "items that are an object": {},
    "too many items": [{"pizza_type": "funghi", "size": "small"}] * 21,
    "none of it": [{"pizza_type": "funghi", "size": "small", "quantity": 0}],
    "a fraction of it": [{"pizza_type": "funghi", "size": "small", "quantity": 1.5}],
    "far too much of it": [{"pizza_type": "funghi", "size": "small", "quantity": 10**30}],
    "item without size": [{"pizza_type": "funghi"}],
}
BAD_REFERENCES: dict[str, Json] = {
    "no id": {"order_id": None},
    "number as id": {"order_id": 123},
    "id with a dot": {"order_id": "a.b"},
    "long id": {"order_id": "x" * 49},
    "unknown field": {"order_id": "bad-reference", "please": True},
}
BAD_VALIDATIONS: dict[str, Json] = {
    "no verdict": {},
    "verdict that is text": {"approved": "yes"},
    "verdict that is a number": {"approved": 1},
    "long reason": {"approved": True, "reason": "x" * 201},
    "control character in the reason": {"approved": True, "reason": "a\u0007b"},
    "approver that is a list": {"approved": True, "approver": []},
    "remake that is text": {"approved": False, "remake": "yes"},
}
BAD_IDS = ["x" * 49, "a.b", "%00", "%0a", "a%20b", "..%2f..", "%ff", "äöü"]
BAD_QUERIES = [
    "status=no",
    "limit=0",
    "limit=101",
    "limit=many",
    "cursor=x",
    "cursor=%00",
    "sort=x",
]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_begun(the_fast_shop: Shop) -> Any:
    """All that is sent here is refused: in the end the order book is as it was."""
    before = the_fast_shop.all_orders()
    yield
    assert the_fast_shop.all_orders() == before


def refused(answer: requests.Response, *statuses: int) -> Json:
    """The problem, checked to be one."""
    assert answer.status_code in statuses, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    problem: Json = answer.json()
    assert set(problem) - {"errors"} == {"type", "title", "status", "detail"}
    assert problem["status"] == answer.status_code
    assert len(answer.content) < 10_000
    return problem


def send(shop: Shop, service: str, path: str, body: bytes) -> requests.Response:
    url = shop.process.urls[service] + path
    return requests.post(url, body, headers={"content-type": "application/json"}, timeout=30)


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


@pytest.mark.parametrize(("service", "path"), [*ORDER_ROUTES, *REFERENCE_ROUTES])
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
    assert not shop.knows("bad-order")


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


@pytest.mark.parametrize(("method", "service", "path"), PATH_ROUTES)
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


@pytest.mark.parametrize("service", sorted({service for service, _ in ALL_ROUTES}))
def test_a_path_that_is_not_there_is_not_found(shop: Shop, service: str) -> None:
    refused(requests.get(f"{shop.process.urls[service]}/no/such/page", timeout=30), 404)


@pytest.mark.parametrize(
    "data", [None, "text", [], {}, {"order_id": "bad-event"}, {"order_id": 7, "status": "cooked"}]
)
def test_an_event_that_nobody_understands_is_dropped(shop: Shop, data: Any) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "x", "type": "y", "data": data}
    answer = shop.ask("POST", "pizza-order", "/orders-sub", event)
    assert (answer.status, answer.body) == (200, {"status": "DROP"})


@pytest.mark.parametrize("request_id", ["x" * 65, "a b", "a\tb"])
def test_a_request_id_that_could_spoil_a_log_is_not_sent_back(shop: Shop, request_id: str) -> None:
    url = f"{shop.process.urls['pizza-order']}/healthz"
    answer = requests.get(url, headers={"X-Request-ID": request_id}, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["X-Request-ID"] != request_id
