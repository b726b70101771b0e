"""Shops that several tests share; each test gets one only while it lives."""

import functools
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.system.shop import Shop, running_shop, show_last_lines

FAST = 0.05
SLOW = 0.15  # long enough to do something while a pizza is in the oven

OpenShop = Callable[..., AbstractContextManager[Shop]]


@pytest.fixture(scope="session")
def open_shop(pytestconfig: pytest.Config) -> OpenShop:
    """Opens a shop in a folder, at a time scale, on the engine that the tests run on."""
    return functools.partial(running_shop, pytestconfig.getoption("--engine"))


@pytest.fixture(scope="session")
def the_fast_shop(open_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("fast"), FAST) as shop:
        yield shop


@pytest.fixture(scope="session")
def the_slow_shop(open_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("slow"), SLOW, PIZZA_FAULTS="1") as shop:
        yield shop


@pytest.fixture
def shop(the_fast_shop: Shop) -> Shop:
    the_fast_shop.process.check_alive()
    return the_fast_shop


@pytest.fixture
def slow_shop(the_slow_shop: Shop) -> Shop:
    the_slow_shop.process.check_alive()
    return the_slow_shop


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    show_last_lines(item, (yield).get_result())
