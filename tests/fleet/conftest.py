"""These tests are of several replicas and of the runtime's own parts, so only Dapr can run them."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.customers import Customers
from tests.fleet.fleet import Fleet
from tools.dapr_binaries import MissingRuntimeError
from tools.dapr_shop import DaprShop

pytest.register_assert_rewrite("tests.fleet.books")

TIME_SCALE = 0.05
DRIVERS = 60
TWICE = ("pizza-workflow", "pizza-kitchen")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Left out on localdapr, which has one of each."""
    return True if config.getoption("--engine") != "dapr" else None


@pytest.fixture(scope="session")
def the_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with new_shop(tmp_path_factory.mktemp("fleet")) as shop:
        fleet = Fleet(shop)
        for app_id in TWICE:
            fleet.add_replica(app_id)
        yield fleet


def new_shop(folder: Path) -> DaprShop:
    """Where the runtime is missing, all tests end with the line that says how to get it."""
    try:
        return DaprShop(folder, time_scale=TIME_SCALE, PIZZA_DRIVERS=str(DRIVERS))
    except MissingRuntimeError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture
def fleet(the_fleet: Fleet) -> Fleet:
    """Everything runs and says that it can work."""
    the_fleet.wait_until_ready()
    return the_fleet


@pytest.fixture
def customers(fleet: Fleet) -> Customers:
    return Customers(fleet.doors)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """A test that failed shows what each part printed last."""
    report = (yield).get_result()
    fleet = getattr(item, "funcargs", {}).get("fleet")
    if report.failed and fleet is not None:
        report.sections.append(("the fleet's last lines", fleet.shop.tail()))
