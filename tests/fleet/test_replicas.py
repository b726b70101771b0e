"""Of two replicas one dies by SIGKILL under load: no order is lost, and the books are even."""

import pytest

from tests.fleet.books import check_books
from tests.fleet.customers import Customers
from tests.fleet.fleet import Fleet
from tests.fleet.load import InFlight
from tools.dapr_shop import sidecar_of

ORDERS = 100
COOKED_FIRST = 20
VICTIMS = ("pizza-workflow", "pizza-kitchen-2")


def parts_of(app: bool, sidecar: bool) -> list[str]:
    """The apps of the two victims, their sidecars, or both."""
    apps = [*VICTIMS] if app else []
    return apps + [sidecar_of(name) for name in VICTIMS] if sidecar else apps


@pytest.mark.parametrize(
    "dead",
    [
        pytest.param(parts_of(app=True, sidecar=True), id="app and sidecar"),
        pytest.param(parts_of(app=False, sidecar=True), id="only the sidecar"),
        pytest.param(parts_of(app=True, sidecar=False), id="only the app"),
    ],
)
def test_100_orders_in_flight_survive_the_death_of_a_replica_of_workflow_and_of_kitchen(
    fleet: Fleet, customers: Customers, dead: list[str]
) -> None:
    flight = InFlight(customers, ORDERS)
    flight.wait_for_cooked(COOKED_FIRST)
    flight.decide()
    fleet.shop.kill_parts(*dead)
    ends = flight.ends()
    print(customers.report())
    fleet.start(*dead)
    check_books(fleet, customers, flight.orders, ends)
