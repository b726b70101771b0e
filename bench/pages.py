"""`python -m bench.pages`: how soon open order pages show what happens, on a shop of its own.

The delay is from the time of an event to its arrival on a page of its order. An event that came
while a page was open and that the page never showed counts as missed.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.machine import describe
from bench.open_pages import OpenPage, Viewers
from bench.processor_time import seconds_of
from bench.results import percentile
from pizza_common.order_key import order_key
from tools.shop_client import SAMPLE_ORDER, ShopClient
from tools.shop_engine import until
from tools.shop_process import ShopProcess

SECRET = "of-the-bench-0123456789"
WEB = "pizza-web"
STORY_SECONDS = 31.0  # of all stages before the delivery, at scale 1
OPENING_SECONDS = 30.0  # from placing the orders until the first begins: the pages open meanwhile
APART_SECONDS = 0.5  # from the beginning of an order to that of the next
END_SECONDS = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--streams", type=int, default=200, help="PIZZA_WEB_STREAMS")
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--time-scale", type=float, default=1.0)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="pizza-bench-") as folder,
        ShopProcess(
            Path(folder),
            time_scale=asked.time_scale,
            PIZZA_SECRET=SECRET,
            PIZZA_DRIVERS=str(asked.orders),
            PIZZA_WEB_STREAMS=str(asked.streams),
        ) as shop,
    ):
        client = ShopClient(shop.urls)
        shop.wait(client.is_ready, "to be able to work", 60)
        ids = [place(client, number, asked.time_scale) for number in range(asked.orders)]
        measure(shop, client, [ids[number % len(ids)] for number in range(asked.pages)])
    print(describe(None, None))


def place(client: ShopClient, number: int, time_scale: float) -> str:
    """An order for later, which begins when all pages are open."""
    begins = OPENING_SECONDS + number * APART_SECONDS + STORY_SECONDS * time_scale
    when = datetime.now(UTC) + timedelta(seconds=begins)
    order = {**SAMPLE_ORDER, "order_id": f"bench-{number}", "scheduled_for": when.isoformat()}
    return str(client.start(order)["order_id"])


def measure(shop: ShopProcess, client: ShopClient, watched: Sequence[str]) -> None:
    """Open a page for each order of `watched`, see the orders to their end, and report."""
    pages = [OpenPage(each, f"/orders/{each}?key={order_key(SECRET, each)}") for each in watched]
    pids = {**shop.pids(), "localdapr": shop.pid}
    viewers = Viewers(shop.urls[WEB], pages)
    began, before = time.monotonic(), seconds_of(pids)
    viewers.start()
    opened, open_pages = time.monotonic(), seconds_of(pids)
    web = open_pages[WEB] - before[WEB]
    print(f"{len(pages)} pages open after {opened - began:.1f} s; pizza-web used {web:.1f} s")
    print(f"pizza-web has {threads_of(pids[WEB])} threads")
    see_to_the_end(client, set(watched))
    used = {name: after - open_pages[name] for name, after in seconds_of(pids).items()}
    elapsed = time.monotonic() - opened
    viewers.stop()
    report_delays(pages, {each: events(client, each) for each in set(watched)})
    report_processor(used, elapsed)


def see_to_the_end(client: ShopClient, ids: set[str]) -> None:
    """Approve each order when it waits, until all are delivered and paid."""
    approved: set[str] = set()
    for _ in until(END_SECONDS, 0.25):
        path = "/orders?status=waiting_for_validation&limit=100"
        waiting = {order["order_id"] for order in client.get("pizza-order", path)["orders"]}
        for order_id in waiting - approved:
            client.approve(order_id)
            approved.add(order_id)
        if approved >= ids:
            break
    for order_id in ids:
        client.wait_for_status(order_id, "payment_captured", END_SECONDS)
    time.sleep(2)  # what is late may still arrive, and is measured then


def events(client: ShopClient, order_id: str) -> dict[str, datetime]:
    """When each status of the order was announced, by the order book."""
    timeline = client.timeline(order_id)
    return {entry["status"]: datetime.fromisoformat(entry["at"]) for entry in timeline}


def report_delays(
    pages: Sequence[OpenPage], timelines: Mapping[str, Mapping[str, datetime]]
) -> None:
    delays = [delay for page in pages for delay in page.delays(timelines[page.order_id])]
    shown = sorted(delay for delay in delays if delay is not None)
    p50, p95, longest = (percentile(shown, share) for share in (0.5, 0.95, 1.0))
    print(f"event to page: p50 {p50:.3f} s, p95 {p95:.3f} s, longest {longest:.3f} s")
    print(f"{len(shown)} shown, {len(delays) - len(shown)} missed")
    kilobytes = sum(page.bytes_read for page in pages) / len(pages) / 1000
    print(f"each page read {kilobytes:.0f} kB from its stream")


def report_processor(used: Mapping[str, float], elapsed: float) -> None:
    web, rest = used[WEB], sum(used.values()) - used[WEB]
    print(
        f"processor time in {elapsed:.1f} s: pizza-web {web:.1f} s ({web / elapsed:.0%} of a core),"
        f" the rest of the shop {rest:.1f} s"
    )


def threads_of(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())


if __name__ == "__main__":
    main()
