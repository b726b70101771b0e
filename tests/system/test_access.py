"""The whole shop where services ask who calls: each role does its part, and nobody another's."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pizza_common.identity import HEADER, sign_identity
from pizza_common.principal import Principal, Role
from tests.system.conftest import OpenShop
from tests.system.shop import TIMELINE, Shop, an_order
from tools.shop_client import Json, ShopClient, wait_for

SECRET = "the-secret-of-this-shop"
TOKENS = {role: f"the-token-of-the-{role}" for role in ("kitchen", "manager", "operator")}
SETTINGS = {
    "PIZZA_SECRET": SECRET,
    **{f"PIZZA_{role.upper()}_TOKEN": token for role, token in TOKENS.items()},
    "PIZZA_MONITOR_SECONDS": "0.5",
    "PIZZA_RESTOCK_BELOW": "10001",  # of 10000: the monitor has something to buy
}


def client_of(shop: Shop, token: str) -> ShopClient:
    """A client with a bearer token of its own."""
    return ShopClient(shop.process.urls, {"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def the_shop(open_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("access"), 0.02, **SETTINGS) as shop:
        yield shop


@pytest.fixture
def shop(the_shop: Shop) -> Shop:
    the_shop.process.check_alive()
    return the_shop


@pytest.fixture
def operator(shop: Shop) -> ShopClient:
    return client_of(shop, TOKENS["operator"])


@pytest.fixture
def manager(shop: Shop) -> ShopClient:
    return client_of(shop, TOKENS["manager"])


def placed(shop: Shop) -> tuple[str, ShopClient]:
    """An order that somebody unknown has started, and its customer."""
    started = shop.start(an_order())
    return started["order_id"], client_of(shop, started["key"])


def who(caller: ShopClient, order_id: str) -> dict[str, str | None]:
    return {entry["status"]: entry.get("by") for entry in caller.timeline(order_id)}


def through_sidecar(shop: Shop, app_id: str, path: str, body: Json, **headers: str) -> int:
    """Call a service as another one does, by that one's sidecar."""
    port = next(app.http for app in shop.process.apps if app.app_id == "pizza-workflow")
    url, headers = f"http://127.0.0.1:{port}{path}", {"dapr-app-id": app_id, **headers}
    return requests.post(url, json=body, headers=headers, timeout=30).status_code


def test_each_role_does_its_part_of_an_order(
    shop: Shop, operator: ShopClient, manager: ShopClient
) -> None:
    order_id, customer = placed(shop)
    customer.wait_for_place(order_id, "waiting_for_validation")
    for path in ("/pause-order", "/resume-order"):
        assert operator.post(path, {"order_id": order_id})
    approval = {"order_id": order_id, "approved": True, "approver": "somebody else"}
    assert manager.post("/validate-pizza", approval)
    assert customer.wait_for_end(order_id)["result"]["status"] == "completed"
    customer.wait_for_statuses(order_id, [*TIMELINE, "paused", "resumed"])
    by = {status: name for status, name in who(customer, order_id).items() if name}
    assert by == {"paused": "operator", "resumed": "operator", "validated": "manager"}
    kitchen = client_of(shop, TOKENS["kitchen"])
    assert kitchen.get("pizza-order", f"/order/{order_id}")["customer"] == {"name": "John Doe"}
    path = f"/loyalty/{'john-doe.5550123'}"
    wait_for(lambda: operator.get("pizza-loyalty", path)["delivered"], lambda count: count == 1)
    assert operator.ask("DELETE", "pizza-order", f"/order/{order_id}").status == 200
    assert customer.ask("GET", "pizza-order", f"/order/{order_id}").status == 404


def test_a_customer_cancels_the_own_order_and_no_other(shop: Shop, operator: ShopClient) -> None:
    (order_id, customer), (_, other) = placed(shop), placed(shop)
    customer.wait_for_place(order_id, "waiting_for_validation")
    body = {"order_id": order_id, "reason": "hungry no more"}
    for caller, refused in ((other, 403), (shop, 401)):
        for method, service, path in (
            ("POST", "pizza-workflow", "/cancel-order"),
            ("GET", "pizza-order", f"/order/{order_id}"),
            ("GET", "pizza-workflow", f"/get-status/{order_id}"),
            ("GET", "pizza-storefront", f"/payments/{order_id}"),
        ):
            sent = body if method == "POST" else None
            assert caller.ask(method, service, path, sent).status == refused, path
    assert customer.status(order_id)["custom_status"] == "waiting_for_validation"
    assert customer.post("/cancel-order", body)["status"] == "cancelled"
    customer.wait_for_status(order_id, "cancelled")
    assert who(operator, order_id)["cancelled"] == "customer"


def test_the_monitor_is_let_in_where_it_asks(shop: Shop) -> None:
    wait_for(shop.monitor_says, lambda told: "; forgot 0" in told and "answer" not in told)
    kitchen = client_of(shop, TOKENS["kitchen"])
    levels = wait_for(
        lambda: kitchen.get("pizza-kitchen", "/stock")["stock"],
        lambda stock: all(level["bought"] > 10000 for level in stock.values()),
    )
    assert levels


STEPS: list[tuple[str, str, Any]] = [
    ("pizza-storefront", "/payments", an_order()),
    ("pizza-kitchen", "/cook", an_order()),
    ("pizza-delivery", "/deliver", an_order()),
    ("pizza-order", "/order", an_order()),
    ("pizza-workflow", "/forget-order", {"order_id": "1"}),
]


@pytest.mark.parametrize(("app_id", "path", "body"), STEPS, ids=[step[1] for step in STEPS])
def test_a_step_is_refused_to_whom_no_service_sent(
    shop: Shop, manager: ShopClient, app_id: str, path: str, body: Json
) -> None:
    def signed(secret: str, role: Role) -> dict[str, str]:
        return {HEADER: sign_identity(secret, Principal("Eve", frozenset({role})))}

    assert shop.ask("POST", app_id, path, body).status == 401
    assert shop.ask("POST", app_id, path, body, signed(SECRET, "service")).status == 401
    assert manager.ask("POST", app_id, path, body).status == 403
    assert through_sidecar(shop, app_id, path, body) == 401
    forged = signed("the-secret-of-another-shop", "service")
    assert through_sidecar(shop, app_id, path, body, **forged) == 401
    assert through_sidecar(shop, app_id, path, body, **signed(SECRET, "customer")) == 403


def test_the_pages_ask_as_the_person_who_signed_in(shop: Shop):
    pages = shop.process.urls["pizza-web"]
    for role, sees in (("manager", 403), ("operator", 200)):
        with requests.Session() as browser:
            browser.headers["Accept"] = "text/html"
            found = re.search(
                r'name="csrf_token" value="([^"]+)"', browser.get(f"{pages}/sign-in").text
            )
            assert found
            form = {"csrf_token": found[1], "token": TOKENS[role], "called": "Maria"}
            home = browser.post(f"{pages}/sign-in", data=form, timeout=60)
            assert (home.url, home.status_code) == (f"{pages}/{role}", 200)
            assert f"{role} Maria" in home.text
            assert browser.get(f"{pages}/operator", timeout=60).status_code == sees
