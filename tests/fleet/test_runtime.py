"""The runtime's own parts die under load, one after the other: orders wait, and none is lost."""

import time

from tests.fleet.books import check_books
from tests.fleet.customers import Customers
from tests.fleet.fleet import Fleet
from tests.fleet.load import SteadyLoad
from tools.dapr_runtime import PLACEMENT, REDIS, SCHEDULER

CLIENTS = 10
MORE = 20
AWAY_SECONDS = 3.0


def test_redis_scheduler_and_placement_die_and_come_back_and_no_order_is_lost(
    fleet: Fleet, customers: Customers
) -> None:
    with SteadyLoad(customers, CLIENTS) as load:
        load.wait_for_more(CLIENTS)
        for part in (REDIS, SCHEDULER, PLACEMENT):
            fleet.shop.kill_parts(part)
            time.sleep(AWAY_SECONDS)
            fleet.start(part)
            load.wait_for_more(MORE)
            print(f"after {part}: {customers.report()}")
    orders, ends = zip(*load.orders_and_ends(), strict=True)
    print(f"{len(orders)} orders")
    check_books(fleet, customers, orders, ends)
