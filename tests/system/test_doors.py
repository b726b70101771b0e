"""Who may drive the shop: clients and its own sidecars, no page of another origin, no forger."""

import itertools
from typing import Any

import pytest
import requests

from pizza_common.settings import PORTS
from tests.system.shop import Shop, an_order
from tools.shop_client import wait_for

Json = dict[str, Any]

FORMS = ["text/plain", "application/x-www-form-urlencoded", "application/json"]
PAGES = [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    {"Origin": "null"},
]
SUBSCRIBERS = ["pizza-order", "pizza-loyalty", "pizza-web"]

_numbers = itertools.count(1)


def problem_of(answer: requests.Response) -> int:
    assert answer.headers["content-type"] == "application/problem+json"
    return int(answer.json()["status"])


def a_customer() -> Json:
    """Somebody who never ordered."""
    return {"name": "Mallory", "address": "1 Side St", "phone": f"555-77{next(_numbers):02}"}


def delivered_to(shop: Shop, customer: Json) -> int:
    key = f"mallory.{customer['phone'].replace('-', '')}"
    return int(shop.get("pizza-loyalty", f"/loyalty/{key}")["delivered"])


def forged(customer: Json, number: int) -> Json:
    """A CloudEvent that tells of an order that never was."""
    order = an_order(order_id=f"forged-{number}", customer=customer)
    told = {"order_id": order["order_id"], "order": order, "status": "delivered"}
    data = {**told, "event_id": f"forged-{number}:delivered", "service": "pizza-delivery"}
    return {"specversion": "1.0", "id": "1", "data": {**data, "at": "2026-01-01T12:00:00.000Z"}}


def invoke(shop: Shop, caller: str, app_id: str, body: Json) -> requests.Response:
    """Call a subscription's route through the sidecar of another service."""
    port = next(app.http for app in shop.process.apps if app.app_id == caller)
    headers = {"dapr-app-id": app_id}
    return requests.post(
        f"http://127.0.0.1:{port}/orders-sub", json=body, headers=headers, timeout=30
    )


@pytest.mark.parametrize("service", SUBSCRIBERS)
def test_an_event_is_taken_from_the_own_sidecar_only(shop: Shop, service: str) -> None:
    customer = a_customer()
    for number in range(9):
        event = forged(customer, number)
        assert shop.ask("POST", service, "/orders-sub", event).status == 401
        wrong = {"dapr-api-token": "guessed"}
        assert shop.ask("POST", service, "/orders-sub", event, wrong).status == 401
        assert problem_of(invoke(shop, "pizza-kitchen", service, event)) == 403
        assert not shop.knows(f"forged-{number}")
    assert delivered_to(shop, customer) == 0


def test_what_the_sidecars_deliver_is_taken(shop: Shop) -> None:
    customer = a_customer()
    order_id = shop.place(an_order(customer=customer))
    assert shop.deliver(order_id)["runtime_status"] == "COMPLETED"
    shop.wait_for_status(order_id, "delivered")
    wait_for(lambda: delivered_to(shop, customer), lambda delivered: delivered == 1)


@pytest.mark.parametrize("content_type", FORMS)
@pytest.mark.parametrize("headers", PAGES)
def test_a_page_of_another_origin_orders_nothing(
    shop: Shop, content_type: str, headers: dict[str, str]
) -> None:
    order = an_order()
    url = f"{shop.process.urls['pizza-workflow']}/start-order"
    headers = {**headers, "Content-Type": content_type}
    body = requests.Request("POST", url, json=order).prepare().body
    assert problem_of(requests.post(url, data=body, headers=headers, timeout=30)) == 403
    assert not shop.knows(order["order_id"])


@pytest.mark.parametrize("service", sorted(PORTS))
@pytest.mark.parametrize("path", ["/", "/readyz", "/orders", "/order/123", "/no/such/page"])
def test_a_rebound_name_reads_nothing(shop: Shop, service: str, path: str) -> None:
    url = f"{shop.process.urls[service]}{path}"
    answer = requests.get(url, headers={"Host": "evil.example:8001"}, timeout=30)
    assert problem_of(answer) == 421


@pytest.mark.parametrize("service", sorted(PORTS.keys() - {"pizza-web"}))  # which has a page there
def test_a_service_says_what_it_is(shop: Shop, service: str) -> None:
    page = shop.get(service, "/")
    assert page["service"] == service
    for path in page["links"].values():
        assert requests.get(f"{shop.process.urls[service]}{path}", timeout=30).status_code == 200
