"""`make demo`: one order from start to delivered, on a shop of its own, shown as it happens.

Exit code 0 when the timeline is complete, each status once and in order; else 1 and the reason.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests
from rich.console import Console
from rich.markup import escape

from pizza_common.status import (
    DELIVERY_STAGES,
    KITCHEN_STAGES,
    STOREFRONT_STAGES,
    Stage,
    Status,
)
from tools.shop_client import SAMPLE_ORDER, Json, ShopClient
from tools.shop_process import ShopError, ShopProcess, until

TIME_SCALE = 0.2
PACE = "five times as fast"
ORDER_SECONDS = 90.0
WAITING = Status.WAITING_FOR_VALIDATION.value


def statuses_of(stages: tuple[Stage, ...]) -> list[str]:
    return [stage.status.value for stage in stages]


TIMELINE = [
    *statuses_of(STOREFRONT_STAGES),
    Status.PAYMENT_AUTHORIZED.value,
    Status.STOCK_RESERVED.value,
    Status.ORDER_CONFIRMED.value,
    *statuses_of(KITCHEN_STAGES),
    Status.COOKED.value,
    WAITING,
    Status.VALIDATED.value,
    *statuses_of(DELIVERY_STAGES),
    Status.DELIVERED.value,
    Status.PAYMENT_CAPTURED.value,
]
"""The statuses of an order that is approved at once, in order."""


def main() -> int:
    console = Console(highlight=False)
    try:
        with tempfile.TemporaryDirectory(prefix="pizza-demo-") as folder:
            console.print("Opening the shop ...")
            with ShopProcess(Path(folder), time_scale=TIME_SCALE) as shop:
                client = ShopClient(shop.urls)
                shop.wait(client.is_ready, "to be able to work", ORDER_SECONDS)
                show_order(shop, client, console)
    except (ShopError, requests.RequestException) as error:
        console.print(f"[red]The demo failed:[/] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        return 130
    console.print("The shop is closed.")
    return 0


def show_order(shop: ShopProcess, client: ShopClient, console: Console) -> None:
    """Place the sample order and follow it. Raises ShopError when it does not end as it should."""
    began = time.monotonic()

    def say(who: str, what: str) -> None:
        console.print(f"{time.monotonic() - began:6.2f} s  {who:<17} {what}")

    order_id = SAMPLE_ORDER["order_id"]
    pizza = f"a {SAMPLE_ORDER['size']} {SAMPLE_ORDER['pizza_type']}"
    console.print(
        f"{SAMPLE_ORDER['customer']['name']} orders {pizza}, at {TIME_SCALE:g} times pace"
    )
    client.start(SAMPLE_ORDER)
    follow(shop, client, say)
    result = client.wait_for_end(order_id)["result"] or {}
    check(client.statuses(order_id), result)
    driver = result["delivery_result"]["driver"]
    console.print(f"[green]Order {order_id} is {result['status']}; {driver} brought it.[/]")


def follow(shop: ShopProcess, client: ShopClient, say: Callable[[str, str], None]) -> None:
    """Show each entry of the timeline as it arrives, and approve the pizza when it waits."""
    order_id = SAMPLE_ORDER["order_id"]
    shown: set[str] = set()
    for _ in until(ORDER_SECONDS):
        shop.check_alive()
        for entry in new_entries(client.timeline(order_id), shown):
            say(entry["service"], entry["status"])
            if entry["status"] == WAITING:
                approve(client, say)
        if shown.issuperset(TIMELINE):
            return
    raise ShopError(f"order {order_id} was not delivered in {ORDER_SECONDS:g} s:\n{shop.tail()}")


def new_entries(timeline: list[Json], shown: set[str]) -> list[Json]:
    """The entries not shown yet, which are from now on."""
    new = [entry for entry in timeline if entry["status"] not in shown]
    shown.update(entry["status"] for entry in new)
    return new


def approve(client: ShopClient, say: Callable[[str, str], None]) -> None:
    client.wait_for_place(SAMPLE_ORDER["order_id"], WAITING)
    client.approve(SAMPLE_ORDER["order_id"])
    say("the manager", "[bold]approves it[/]")


def check(statuses: list[str], result: Json) -> None:
    """Raises ShopError unless the order was delivered with a complete timeline."""
    if result.get("status") != "completed":
        raise ShopError(f"the workflow's result is {result}")
    if statuses != TIMELINE:
        raise ShopError(f"the timeline is {statuses}, not {TIMELINE}")


if __name__ == "__main__":
    sys.exit(main())
