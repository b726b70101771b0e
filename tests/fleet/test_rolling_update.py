"""Every replica is stopped and started again, one after the other, while orders come in."""

from tests.fleet.books import check_books
from tests.fleet.customers import Customers
from tests.fleet.fleet import Fleet
from tests.fleet.load import SteadyLoad

CLIENTS = 8
MORE = 8


def test_a_rolling_update_of_every_service_fails_no_order(
    fleet: Fleet, customers: Customers
) -> None:
    with SteadyLoad(customers, CLIENTS) as load:
        load.wait_for_more(CLIENTS)
        for name in fleet.replicas():
            away = fleet.restart(name)
            print(f"{name} was away {away:.1f} s: {customers.report()}")
        load.wait_for_more(MORE)
    orders, ends = zip(*load.orders_and_ends(), strict=True)
    print(f"{len(orders)} orders")
    check_books(fleet, customers, orders, ends)
