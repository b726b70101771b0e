"""Whole orders per second, and how long one takes, at time scale 0: taken, paid, cooked, approved,
delivered and charged. Each client starts an order, approves it when it waits, sees it delivered
and starts the next.

    python -m bench.orders_throughput                     # a shop on localdapr, of its own
    python -m bench.orders_throughput --shop dapr=0       # and one that runs on the real runtime

A shop that runs elsewhere is named with the offset of its ports; start it with PIZZA_TIME_SCALE=0.
All shops are loaded in turns, so whatever else the machine does falls on all of them.
"""

import argparse
import contextlib
import itertools
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tools.shop_client import SAMPLE_ORDER, ShopClient
from tools.shop_ports import read_ports
from tools.shop_process import ShopError, ShopProcess, until

LOOK_SECONDS = 0.02
ORDER_SECONDS = 120.0
WARM_UP = 4
RUN = uuid.uuid4().hex[:8]

_numbers = itertools.count(1)


@dataclass
class Load:
    """What some clients at a time saw of one shop: the seconds of each order, and of it all."""

    orders: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def row(self) -> str:
        cuts = statistics.quantiles(self.orders, n=20, method="inclusive")
        rate = len(self.orders) / self.seconds
        return f"{rate:8.1f} {statistics.median(self.orders) * 1000:8.0f} {cuts[-1] * 1000:8.0f}"


def main() -> None:
    asked = arguments()
    with contextlib.ExitStack() as stack:
        shops = dict(other_shop(text) for text in asked.shop)
        if not asked.only:
            shops = {"localdapr": stack.enter_context(own_shop()), **shops}
        for shop in shops.values():
            put_on(shop, WARM_UP, WARM_UP, Load())
        print(f"{'shop':12} {'clients':>8} {'orders/s':>8} {'p50 ms':>8} {'p95 ms':>8}")
        for clients in asked.clients:
            measure(shops, clients, asked.orders, asked.rounds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.orders_throughput", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--orders", type=int, default=60, help="orders of each round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--shop", action="append", default=[], metavar="NAME=OFFSET")
    parser.add_argument("--only", action="store_true", help="no shop on localdapr of its own")
    return parser.parse_args()


@contextlib.contextmanager
def own_shop() -> Iterator[ShopClient]:
    """A shop on localdapr, for as long as the block lasts."""
    with (
        tempfile.TemporaryDirectory(prefix="pizza-bench-") as folder,
        ShopProcess(Path(folder), time_scale=0) as process,
    ):
        client = ShopClient(process.urls)
        process.wait(client.is_ready, "to be able to work", 60)
        yield client


def other_shop(text: str) -> tuple[str, ShopClient]:
    """NAME=OFFSET as a client of a shop that runs already. Raises ShopError unless it is ready."""
    name, _, offset = text.partition("=")
    client = ShopClient({app.app_id: app.url for app in read_ports(offset=int(offset or 0))})
    if not client.is_ready():
        raise ShopError(f"the shop {name!r} is not ready at port offset {offset or 0}")
    return name, client


def measure(shops: dict[str, ShopClient], clients: int, orders: int, rounds: int) -> None:
    """Load each shop in turns; every round begins with another."""
    loads = {name: Load() for name in shops}
    names = list(shops)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            put_on(shops[name], clients, orders, loads[name])
    for name, load in loads.items():
        print(f"{name:12} {clients:8} {load.row()}")


def put_on(shop: ShopClient, clients: int, orders: int, load: Load) -> None:
    """That many orders by that many clients; their times are added to the load."""
    left = iter(range(orders))
    turn = threading.Lock()

    def client(_number: int) -> list[float]:
        seen: list[float] = []
        while True:
            with turn:
                if next(left, None) is None:
                    return seen
            seen.append(whole_order(shop))

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        load.orders += [seconds for seen in pool.map(client, range(clients)) for seconds in seen]
    load.seconds += time.perf_counter() - began


def whole_order(shop: ShopClient) -> float:
    """The seconds from the start of an order until it is delivered and paid for."""
    order_id = f"bench-{RUN}-{next(_numbers)}"
    customer = {**SAMPLE_ORDER["customer"], "name": order_id}  # so that none comes a tenth time
    began = time.perf_counter()
    shop.start({**SAMPLE_ORDER, "order_id": order_id, "customer": customer})
    wait_for(shop, order_id, "waiting_for_validation")
    shop.approve(order_id)
    wait_for(shop, order_id, "delivered")
    return time.perf_counter() - began


def wait_for(shop: ShopClient, order_id: str, place: str) -> None:
    at = None
    for _ in until(ORDER_SECONDS, LOOK_SECONDS):
        at = shop.status(order_id)["custom_status"]
        if at == place:
            return
    raise ShopError(f"{order_id} is {at} and did not come to {place}")


if __name__ == "__main__":
    main()
