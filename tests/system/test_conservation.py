"""Nothing is lost and nothing doubled: random orders, decisions, faults and deaths, then the books.

PIZZA_CONSERVATION_ORDERS says how many orders (60), PIZZA_CONSERVATION_SEED repeats a run.
"""

import contextlib
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.system.conftest import OpenShop
from tests.system.runtime_cure import curing
from tests.system.shop import Shop, ShopError, until
from tools.shop_client import FINAL, SAMPLE_ORDER, Json

ORDERS = int(os.environ.get("PIZZA_CONSERVATION_ORDERS", "60"))
SEED = int(os.environ.get("PIZZA_CONSERVATION_SEED", "0")) or random.SystemRandom().getrandbits(32)
KILLS = ORDERS // 2  # at most: the last orders are left in peace
TIME_SCALE = 0.02
AT_ONCE = 12
LOOK_SECONDS = 0.2
ORDER_SECONDS = 300.0
SETTLE_SECONDS = 240.0  # events whose receiver died come to another after 90 s

SERVICES = {
    "pizza-storefront": (
        "order",
        "authorize_payment",
        "capture_payment",
        "refund_payment",
        "confirm_order",
        "cancel_order",
    ),
    "pizza-kitchen": ("cook_pizza", "discard", "reserve_stock", "release_stock"),
    "pizza-delivery": ("deliver", "recall"),
    "pizza-order": ("note",),
    "pizza-loyalty": ("claim", "note"),
    "pizza-workflow": (
        "order_pizza",
        "cook_one_pizza",
        "open_validation",
        "announce",
        "deliver_pizza",
        "capture_payment",
        "release_stock",
        "refund_payment",
    ),
}
# What may be refused for good: a step whose refusal is undone. An undo that is refused is a
# person's work, and then the books are not even.
REFUSABLE = {"authorize_payment", "reserve_stock", "confirm_order", "cook_pizza", "deliver"}

Fate = Callable[["Driver", str], None]


@dataclass
class Driver:
    """Asks the shop until it answers: its services come and go."""

    shop: Shop

    def ask(self, method: str, service: str, path: str, body: Json | None = None) -> Any:
        """The first answer that is no 5xx."""
        for _ in until(ORDER_SECONDS, LOOK_SECONDS):
            with contextlib.suppress(requests.RequestException):
                answer = self.shop.ask(method, service, path, body)
                if answer.status < 500:
                    return answer
        raise ShopError(f"{service}{path} never answered")

    def wait_for(self, order_id: str, *places: str) -> None:
        """Until the order is at one of these places, or at its end."""
        for _ in until(ORDER_SECONDS, LOOK_SECONDS):
            at = self.ask("GET", "pizza-workflow", f"/get-status/{order_id}").body
            if at.get("custom_status") in places or at.get("runtime_status") in FINAL:
                return
        raise ShopError(f"{order_id} did not come to {places}: {at}")

    def decide(self, order_id: str, **decision: Any) -> int:
        self.wait_for(order_id, "waiting_for_validation")
        body = {"order_id": order_id, **decision}
        return int(self.ask("POST", "pizza-workflow", "/validate-pizza", body).status)


def approve(driver: Driver, order_id: str) -> None:
    driver.decide(order_id, approved=True)


def reject(driver: Driver, order_id: str) -> None:
    driver.decide(order_id, approved=False, reason="burnt")


def remake(driver: Driver, order_id: str) -> None:
    driver.decide(order_id, approved=False, remake=True)
    # The first round may still show; until the second is open, each decision is refused.
    for _ in until(ORDER_SECONDS, LOOK_SECONDS):
        at = driver.ask("GET", "pizza-workflow", f"/get-status/{order_id}").body
        if at["runtime_status"] in FINAL or driver.decide(order_id, approved=True) == 200:
            return


def cancel_at_once(driver: Driver, order_id: str) -> None:
    body = {"order_id": order_id, "reason": "a slip"}
    driver.ask("POST", "pizza-workflow", "/cancel-order", body)
    approve(driver, order_id)


def cancel_late(driver: Driver, order_id: str) -> None:
    driver.wait_for(order_id, "waiting_for_validation")
    driver.ask("POST", "pizza-workflow", "/cancel-order", {"order_id": order_id})


FATES: tuple[Fate, ...] = (approve, approve, approve, reject, remake, cancel_at_once, cancel_late)


def random_order(chance: random.Random, number: int, menu: Json) -> Json:
    """One to three kinds of pizza for a customer who never came before."""
    kinds = [pizza["pizza_type"] for pizza in menu["pizzas"]]
    items = [
        {
            "pizza_type": chance.choice(kinds),
            "size": chance.choice(menu["sizes"]),
            "quantity": chance.randint(1, 2),
        }
        for _ in range(chance.randint(1, 3))
    ]
    customer = {**SAMPLE_ORDER["customer"], "name": f"Customer {number}"}
    return {"order_id": f"c-{number}", "items": items, "customer": customer}


def price_of(order: Json, menu: Json) -> int:
    prices = {pizza["pizza_type"]: pizza["prices"] for pizza in menu["pizzas"]}
    return sum(prices[i["pizza_type"]][i["size"]] * i["quantity"] for i in order["items"])


class Chaos:
    """Arms faults and kills services, one after the other, until it is told to stop, or enough."""

    def __init__(self, shop: Shop, chance: random.Random) -> None:
        self._shop = shop
        self._chance = chance
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.kills = 0
        self.faults = 0
        self.error: Exception | None = None

    def __enter__(self) -> "Chaos":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(120)

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._chance.uniform(0.2, 1.0)):
                for _ in range(self._chance.randint(1, 3)):
                    self._arm()
                if self.kills >= KILLS:
                    return
                if self._chance.random() < 0.5:
                    self._shop.kill(self._chance.choice(list(SERVICES)))
                    self.kills += 1
        except ShopError as error:
            self.error = error

    def _arm(self) -> None:
        service = self._chance.choice(list(SERVICES))
        step = self._chance.choice(SERVICES[service])
        fault: Json = {"step": step, "times": self._chance.randint(1, 2)}
        kind = self._chance.random()
        if kind < 0.1 and step in REFUSABLE and service != "pizza-workflow":
            fault |= {"status": 409}
        elif kind < 0.3:
            fault |= {"delay_seconds": 0.3}
        else:
            fault |= {"status": 500, "after": self._chance.random() < 0.5}
        with contextlib.suppress(requests.RequestException):
            self.faults += self._shop.ask("POST", service, "/faults", fault).status == 200


@pytest.fixture
def faulty_shop(open_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    settings = {"PIZZA_FAULTS": "1", "PIZZA_MONITOR_SECONDS": "60"}
    with open_shop(tmp_path_factory.mktemp("faulty"), TIME_SCALE, **settings) as shop:
        yield shop


def test_after_any_orders_faults_and_deaths_the_books_are_even(faulty_shop: Shop) -> None:
    print(f"PIZZA_CONSERVATION_SEED={SEED}")
    chance = random.Random(SEED)
    menu = faulty_shop.get("pizza-storefront", "/menu")
    orders = [random_order(chance, number, menu) for number in range(ORDERS)]
    fates = [chance.choice(FATES) for _ in orders]
    with Chaos(faulty_shop, chance) as chaos:
        results = run_all(faulty_shop, orders, fates)
    assert chaos.error is None, chaos.error
    assert chaos.kills > 0
    ends = Counter(result["status"] for result in results)
    print(f"{dict(ends)}, {chaos.kills} services killed, {chaos.faults} faults armed")
    faulty_shop.wait_until_ready()
    books = [
        Books.of(faulty_shop, order, result) for order, result in zip(orders, results, strict=True)
    ]
    for book in books:
        book.check(price_of(book.order, menu))
    paid = sum(book.payment["captured_cents"] - book.payment["refunded_cents"] for book in books)
    assert paid == sum(price_of(book.order, menu) for book in books if book.is_delivered)
    check_stock(faulty_shop.get("pizza-kitchen", "/stock")["stock"])


def run_all(shop: Shop, orders: list[Json], fates: list[Fate]) -> list[Json]:
    """Every order from its start to its end; their results."""
    ended: list[str] = []

    def run(order: Json, fate: Fate) -> Json:
        driver = Driver(shop)
        assert driver.ask("POST", "pizza-workflow", "/start-order", order).status == 200
        fate(driver, order["order_id"])
        driver.wait_for(order["order_id"])
        at = driver.ask("GET", "pizza-workflow", f"/get-status/{order['order_id']}").body
        assert at["runtime_status"] == "COMPLETED", at
        ended.append(order["order_id"])
        return dict(at["result"])

    with curing(shop, lambda: len(ended)), ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, orders, fates))


STATUS = {"completed": "delivered", "failed": "failed", "cancelled": "cancelled"}
NO_PAYMENT = {"status": "none", "captured_cents": 0, "refunded_cents": 0}


@dataclass
class Books:
    """What each service says of one order, once the order book agrees with its workflow."""

    order: Json
    result: Json
    status: str
    payment: Json
    reservation: Json

    @classmethod
    def of(cls, shop: Shop, order: Json, result: Json) -> "Books":
        order_id, driver = order["order_id"], Driver(shop)
        payment = driver.ask("GET", "pizza-storefront", f"/payments/{order_id}")
        held = driver.ask("GET", "pizza-kitchen", f"/stock/reservations/{order_id}")
        return cls(
            order,
            result,
            settled_status(shop, order_id, STATUS[result["status"]]),
            payment.body if payment.status == 200 else NO_PAYMENT,
            held.body if held.status == 200 else {"ingredients": {}},
        )

    @property
    def is_delivered(self) -> bool:
        return bool(self.result["status"] == "completed")

    def check(self, price: int) -> None:
        """Raises AssertionError where the books do not agree."""
        assert self.status == STATUS[self.result["status"]], self
        assert "needs_attention" not in self.result, self
        if self.is_delivered:
            assert (self.payment["status"], self.payment["captured_cents"]) == ("captured", price)
        else:
            assert self.payment["status"] in ("none", "voided", "refunded"), self
        assert not any(self.reservation["ingredients"].values()), self


def settled_status(shop: Shop, order_id: str, expected: str) -> str:
    """What the order book says; events may still be on their way."""
    status = ""
    for _ in until(SETTLE_SECONDS, LOOK_SECONDS):
        status = str(shop.ask("GET", "pizza-order", f"/order/{order_id}").body.get("status"))
        if status == expected:
            break
    return status


def check_stock(stock: Json) -> None:
    """Stock used plus stock left is stock bought, and nothing is kept for anybody."""
    for name, level in stock.items():
        assert level["reserved"] == 0, (name, level)
        assert level["available"] + level["used"] == level["bought"], (name, level)
