"""`make bench`: how long an order takes beyond its stages, on a shop of its own. Prints medians.

At scale 0: from start to delivered, approved at once. At scale 1: from start to waiting for
approval, less the 17 seconds of the stages until then.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pizza_common.status import KITCHEN_STAGES, STOREFRONT_STAGES
from tools.shop_client import SAMPLE_ORDER, Json, ShopClient
from tools.shop_process import ShopProcess, until

STAGE_SECONDS = sum(stage.seconds for stage in (*STOREFRONT_STAGES, *KITCHEN_STAGES))
WAITING = "waiting_for_validation"
LOOK_SECONDS = 0.005


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--orders", type=int, default=30, help="orders at scale 0")
    parser.add_argument("--slow-orders", type=int, default=2, help="orders at scale 1")
    asked = parser.parse_args()
    show("start to delivered, scale 0", measure(0, asked.orders, to_delivered), 0)
    show("start to waiting, scale 1", measure(1, asked.slow_orders, to_waiting), STAGE_SECONDS)


def measure(time_scale: float, orders: int, way: Callable[[ShopClient, str], None]) -> list[float]:
    """The seconds of each order, one after the other."""
    with (
        tempfile.TemporaryDirectory(prefix="pizza-bench-") as folder,
        ShopProcess(Path(folder), time_scale=time_scale) as shop,
    ):
        client = ShopClient(shop.urls)
        shop.wait(client.is_ready, "to be able to work", 60)
        return [timed(client, way, number) for number in range(orders)]


def timed(client: ShopClient, way: Callable[[ShopClient, str], None], number: int) -> float:
    order: Json = {**SAMPLE_ORDER, "order_id": f"bench-{number}"}
    began = time.perf_counter()
    client.start(order)
    way(client, order["order_id"])
    return time.perf_counter() - began


def to_waiting(client: ShopClient, order_id: str) -> None:
    wait_for_place(client, order_id, WAITING)


def to_delivered(client: ShopClient, order_id: str) -> None:
    wait_for_place(client, order_id, WAITING)
    client.approve(order_id)
    wait_for_place(client, order_id, "delivered")


def wait_for_place(client: ShopClient, order_id: str, place: str) -> None:
    for _ in until(60, LOOK_SECONDS):
        if client.status(order_id)["custom_status"] == place:
            return
    raise TimeoutError(f"{order_id} did not come to {place}")


def show(what: str, seconds: list[float], stages: float) -> None:
    median, longest = statistics.median(seconds) - stages, max(seconds) - stages
    beyond = f" beyond the {stages:g} s of its stages" if stages else ""
    print(f"{what}: median {median:.3f} s, longest {longest:.3f} s{beyond} ({len(seconds)} orders)")


if __name__ == "__main__":
    main()
