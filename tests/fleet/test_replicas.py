"""Of two replicas one dies by SIGKILL under load: no order is lost, and the books are even."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fleet.books import check_books
from tests.fleet.customers import Customers
from tests.fleet.fleet import Fleet
from tests.fleet.load import InFlight
from tests.system.runtime_cure import restarting_when_still
from tools.dapr_shop import sidecar_of

ORDERS = 100
COOKED_FIRST = 20
AWAY_SECONDS = 8.0
WORKFLOW = "pizza-workflow"
APPS = [WORKFLOW, "pizza-kitchen-2"]
SIDECARS = [sidecar_of(name) for name in APPS]


@contextmanager
def orders_when_these_die(
    fleet: Fleet, customers: Customers, dead: list[str]
) -> Iterator[InFlight]:
    """100 orders of which some are cooked and none is delivered when the parts are killed."""
    with InFlight(customers, ORDERS) as flight:
        flight.wait_for_cooked(COOKED_FIRST)
        flight.decide()
        fleet.shop.kill_parts(*dead)
        yield flight


def check_all(fleet: Fleet, customers: Customers, flight: InFlight, dead: list[str]) -> None:
    """All orders end; then those that died come back, if they have not, and tell the same."""

    def restart_workers() -> None:
        """One after the other, also one that died: docs/dapr.md says why."""
        for name in fleet.replicas_of(WORKFLOW):
            print(f"standing still: {name} is started again")
            fleet.shop.kill_parts(name, sidecar_of(name))
            fleet.start(name, sidecar_of(name))
            fleet.wait_until_ready(name)

    with restarting_when_still(restart_workers, flight.ended, on=fleet.shop):
        ends = flight.ends()
    print(customers.report())
    fleet.start(*dead)
    check_books(fleet, customers, flight.orders, ends)


@pytest.mark.parametrize(
    "dead", [pytest.param(APPS + SIDECARS, id="with its app"), pytest.param(SIDECARS, id="alone")]
)
def test_100_orders_in_flight_survive_the_loss_of_a_sidecar_of_workflow_and_of_kitchen(
    fleet: Fleet, customers: Customers, dead: list[str]
) -> None:
    with orders_when_these_die(fleet, customers, dead) as flight:
        check_all(fleet, customers, flight, dead)


def test_100_orders_in_flight_survive_apps_that_die_beside_their_sidecars(
    fleet: Fleet, customers: Customers
) -> None:
    """Whoever runs them starts them again, pizza-workflow together with its sidecar: daprd keeps
    the workflows of a worker that died, and may take no worker again."""
    with orders_when_these_die(fleet, customers, APPS) as flight:
        time.sleep(AWAY_SECONDS)
        fleet.shop.kill_parts(sidecar_of(WORKFLOW))
        fleet.start(*APPS, sidecar_of(WORKFLOW))
        check_all(fleet, customers, flight, [])
