"""Two replicas of pizza-web: whichever a page is of, it is told of every change."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pizza_common.order_key import order_key
from tests.fleet.customers import Customers
from tests.fleet.fleet import Fleet
from tests.system.shop import an_order
from tools.dapr_shop import DaprShop, sidecar_of
from tools.shop_engine import until

SECRET = "of-the-replicas-of-pages-0123456789"
TIME_SCALE = 0.3  # a stage is there long enough to be shown
WEB = "pizza-web"
PATIENCE = 120.0
RESOURCES = Path(__file__).with_name("resources")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Instead of the other tests' fleet, whose pizza-web is one."""
    folder = tmp_path_factory.mktemp("pages")
    shop = DaprShop(folder, time_scale=TIME_SCALE, PIZZA_SECRET=SECRET)
    for file in RESOURCES.iterdir():
        text = file.read_text().replace("localhost:6379", f"127.0.0.1:{shop.runtime_ports.redis}")
        (folder / "resources" / file.name).write_text(text)
    with shop:
        fleet = Fleet(shop)
        fleet.add_replica(WEB)
        fleet.wait_until_ready()
        yield fleet


class OrderPage(threading.Thread):
    """Reads the stream of an order's page, as hx-sse does, until it is over or the page is shut."""

    def __init__(self, door: str, order_id: str) -> None:
        super().__init__(daemon=True)
        self._url = f"{door}/live/orders/{order_id}?key={order_key(SECRET, order_id)}"
        self._shut = threading.Event()
        self.fragments: list[str] = []
        self.start()

    def run(self) -> None:
        while not self._shut.is_set():
            try:
                self._read()
            except requests.RequestException:
                self._shut.wait(0.5)

    def _read(self) -> None:
        headers = {"Accept": "text/html, text/event-stream"}
        with requests.get(self._url, headers=headers, stream=True, timeout=30) as answer:
            answer.raise_for_status()
            event: list[str] = []
            for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                if self._shut.is_set():
                    return
                if line.startswith("data:"):
                    event.append(line.removeprefix("data:"))
                elif not line and event:
                    self.fragments.append(" ".join(event))
                    event = []

    def shows(self, text: str) -> bool:
        return bool(self.fragments) and text in self.fragments[-1]

    def wait_for(self, text: str) -> None:
        for _ in until(PATIENCE):
            if self.shows(text):
                return
        raise AssertionError(f"{text!r} is not in {self.fragments[-1:]}")

    def shut(self) -> None:
        self._shut.set()
        self.join(PATIENCE)


def events_heard(door: str) -> int:
    page = requests.get(f"{door}/metrics", timeout=30).text
    found = re.search(
        r'^pizza_http_request_seconds_count\{.*"/orders-sub".*"200".*\} (\S+)$', page, re.MULTILINE
    )
    return int(float(found[1])) if found else 0


def test_each_replica_hears_of_every_change_and_so_do_its_pages(fleet: Fleet) -> None:
    customers, doors = Customers(fleet.doors), fleet.doors(WEB)
    order = an_order(order_id="seen-by-both")
    began = customers.ask("POST", "pizza-workflow", "/start-order", order)
    assert began.status == 200
    pages = [OrderPage(door, order["order_id"]) for door in doors]
    customers.wait_for(order["order_id"], "waiting_for_validation")
    for page in pages:
        page.wait_for("approval</strong>")
    customers.approve(order["order_id"])
    for page in pages:
        page.wait_for("Delivered")
        page.shut()
    book = customers.ask("GET", "pizza-order", f"/order/{order['order_id']}").body
    for door in doors:
        assert events_heard(door) >= len(book["timeline"])


def test_a_replica_that_comes_back_shows_what_happened_meanwhile(fleet: Fleet) -> None:
    customers, door = Customers(fleet.doors), fleet.doors(WEB)[1]
    name = fleet.running_replicas(WEB)[1]
    order = an_order(order_id="seen-after-a-restart")
    assert customers.ask("POST", "pizza-workflow", "/start-order", order).status == 200
    page = OrderPage(door, order["order_id"])
    customers.wait_for(order["order_id"], "waiting_for_validation")
    page.wait_for("approval</strong>")
    fleet.shop.kill_parts(name, sidecar_of(name))
    customers.approve(order["order_id"])
    fleet.start(name, sidecar_of(name))
    page.wait_for("Delivered")
    page.shut()
