"""The whole shop as real processes, and what its tests ask of it again and again."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tools.dapr_shop import DaprShop
from tools.demo import TIMELINE
from tools.shop_client import SAMPLE_ORDER, WAIT_SECONDS, Answer, ShopClient
from tools.shop_engine import ShopEngine
from tools.shop_process import MARK, ShopError, ShopProcess, runs, until

__all__ = ["TIMELINE", "Shop", "ShopError", "an_order", "marked_processes", "until"]

Json = dict[str, Any]

ENGINES: dict[str, type[ShopEngine]] = {"localdapr": ShopProcess, "dapr": DaprShop}

_MONITOR = "/v1.0/workflows/dapr/shop-monitor"

_numbers = itertools.count(1)

# What a slow machine does late is not to be taken for what the shop refuses, or sees to.
PATIENT = {"PIZZA_CONFIRM_SECONDS": "60", "PIZZA_MONITOR_SECONDS": "0"}


class Shop(ShopClient):
    """A running shop: a client of it, and its processes to be killed and started again."""

    def __init__(self, process: ShopEngine) -> None:
        super().__init__(process.urls)
        self.process = process

    def wait_until_ready(self) -> None:
        self.process.wait(self.is_ready, "to be able to work", 60)

    def kill(self, app_id: str) -> None:
        """kill -9 of a service, and wait until it is ready again."""
        self.process.kill_app(app_id)
        self.wait_until_ready()

    def kill_engine(self) -> None:
        """kill -9 of all that the shop runs on, and wait until nothing that it started is left."""
        self.process.kill()
        wait_until_gone(self.process.folder)  # it would hold the ports

    def start_again(self) -> None:
        """On the same ports and data."""
        self.process.start()
        self.wait_until_ready()

    def place(self, order: Json) -> str:
        """Start an order; its id."""
        return str(self.start(order)["order_id"])

    def deliver(self, order_id: str) -> Json:
        """Approve the order when it waits, and see it to its end."""
        self.wait_for_place(order_id, "waiting_for_validation")
        self.approve(order_id)
        return self.wait_for_end(order_id)

    def wait_for_card(self, customer: str, delivered: int) -> None:
        """Until so many orders of the customer are counted."""
        card: Json = {}
        for _ in until(WAIT_SECONDS, 0.05):
            card = self.get("pizza-loyalty", f"/loyalty/{customer}")
            if card["delivered"] == delivered:
                return
        raise ShopError(f"{delivered} orders are not counted: {card}")

    def hand_over(self, service: str, event: Json) -> Answer:
        """Deliver a CloudEvent of topic `orders`, as the service's sidecar does."""
        headers = {"dapr-api-token": self.process.app_token}
        return self.ask("POST", service, "/orders-sub", event, headers)

    def arm(self, service: str, step: str, **fault: Any) -> None:
        """Make the next calls of a step fail or wait, as `POST /faults` takes it."""
        answer = self.ask("POST", service, "/faults", {"step": step, **fault})
        assert answer.status == 200, answer

    def disarm(self, service: str) -> None:
        """Let nothing fail there any more."""
        assert self.ask("DELETE", service, "/faults").status == 200

    @contextlib.contextmanager
    def failing(self, service: str, step: str, status: int) -> Iterator[None]:
        """In this block all calls of the step fail."""
        self.arm(service, step, status=status, times=1000)
        try:
            yield
        finally:
            self.disarm(service)

    def monitor(self) -> Json | None:
        """The monitor, which is the only workflow of its name, as the engine sees it.

        None while the engine cannot tell: Dapr reads key by key, and gives up on meeting a write.
        """
        sidecar = next(app for app in self.process.apps if app.app_id == "pizza-workflow")
        answer = requests.get(f"http://127.0.0.1:{sidecar.http}{_MONITOR}", timeout=60)
        return answer.json() if answer.status_code == 200 else None

    def monitor_says(self) -> str:
        """What it reported last; "" while that is not known."""
        found = self.monitor()
        assert found is None or found["runtimeStatus"] == "RUNNING"
        properties = (found or {}).get("properties", {})
        return str(properties.get("dapr.workflow.custom_status", ""))

    def knows(self, order_id: str) -> bool:
        """Whether anything was begun for this order."""
        book = self.ask("GET", "pizza-order", f"/order/{order_id}").status
        workflow = self.ask("GET", "pizza-workflow", f"/get-status/{order_id}").status
        return (book, workflow) != (404, 404)

    def all_orders(self) -> set[str]:
        """The ids in the order book."""
        found: set[str] = set()
        page = self.get("pizza-order", "/orders?limit=100")
        while True:
            found.update(order["order_id"] for order in page["orders"])
            if page["cursor"] is None:
                return found
            page = self.get("pizza-order", f"/orders?limit=100&cursor={page['cursor']}")


def an_order(**changes: Any) -> Json:
    """The sample order under an id of its own."""
    return {**SAMPLE_ORDER, "order_id": f"test-{next(_numbers)}", **changes}


@contextlib.contextmanager
def running_shop(engine: str, folder: Path, time_scale: float, **settings: str) -> Iterator[Shop]:
    """A shop that is ready, for as long as the block lasts; nothing of it is left afterwards.

    `engine` is one that `--engine` takes.
    """
    with ENGINES[engine](folder, time_scale=time_scale, **{**PATIENT, **settings}) as process:
        shop = Shop(process)
        shop.wait_until_ready()
        yield shop
    wait_until_gone(folder)


def show_last_lines(item: pytest.Item, report: pytest.TestReport) -> None:
    """A test that failed shows what its shops printed last."""
    if report.failed:
        parts = getattr(item, "funcargs", {}).values()
        for shop in {part for part in parts if isinstance(part, Shop)}:
            report.sections.append(("the shop's last lines", shop.process.tail()))


def wait_until_gone(folder: Path, seconds: float = 20.0) -> None:
    """Wait until no process of the shop of this folder runs. Raises ShopError."""
    left: list[int] = []
    for _ in until(seconds):
        left = marked_processes(str(folder))
        if not left:
            return
    raise ShopError(f"these processes are left: {left}")


def marked_processes(mark: str) -> list[int]:
    """The processes whose environment says that they are of this run."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return [pid for pid in found if runs(pid)]
