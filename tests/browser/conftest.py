"""A shop, and browsers whose windows are signed in as whoever a test needs."""

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from pizza_common.sign_in_link import sign_in_path
from tests.browser.looks import note_layout_shifts
from tests.browser.steps import OpenPage
from tests.browser.watch import Watch
from tests.system.shop import Shop, running_shop, show_last_lines
from tools.chromium import MissingChromiumError, launch_args

TIME_SCALE = 0.2  # each stage can be seen, and an order takes a few seconds
SECRET = "of-the-browser-tests-0123456789"
HELD_SECONDS = 5.0
PATIENCE_MS = 30_000  # the machine may be busy with something else

expect.set_options(timeout=PATIENCE_MS)


@pytest.hookimpl(trylast=True)  # pytest itself puts tests with the same parameter together
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These come last: once Playwright is started, the thread has a running event loop."""
    folder = Path(__file__).parent
    items.sort(key=lambda item: folder in item.path.parents)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    try:
        return launch_args()
    except MissingChromiumError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@pytest.fixture(scope="session")
def base_url() -> None:
    """Pages are opened by `open_page`. The plugin's own fixture warns on pytest 9."""


@pytest.fixture(scope="session")
def the_shop(
    pytestconfig: pytest.Config,
    browser_type_launch_args: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    engine = pytestconfig.getoption("--engine")
    folder = tmp_path_factory.mktemp("browser")
    settings = {"PIZZA_SECRET": SECRET, "PIZZA_FAULTS": "1"}
    with running_shop(engine, folder, TIME_SCALE, **settings) as shop:
        yield shop


@pytest.fixture
def shop(the_shop: Shop) -> Shop:
    the_shop.process.check_alive()
    return the_shop


@pytest.fixture
def hold(shop: Shop) -> Iterator[Callable[[str], None]]:
    """Lets the next call of an activity wait, so that an order can be seen where it is then."""

    def hold_(step: str) -> None:
        shop.arm("pizza-workflow", step, delay_seconds=HELD_SECONDS)

    yield hold_
    shop.disarm("pizza-workflow")


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test when a browser complained of something."""
    watch = Watch()
    yield watch
    assert not watch.complaints(), "\n".join(watch.complaints())


@pytest.fixture
def open_page(shop: Shop, watch: Watch, new_context: Callable[..., BrowserContext]) -> OpenPage:
    """A page in a browser of its own, signed in as `role`; further arguments are the context's."""

    def open_(path: str = "/", role: str | None = None, **context_args: Any) -> Page:
        context = new_context(
            base_url=shop.process.urls["pizza-web"], reduced_motion="reduce", **context_args
        )
        context.set_default_timeout(PATIENCE_MS)
        watch.over(context)
        note_layout_shifts(context)
        page = context.new_page()
        if role:
            page.goto(sign_in_path(SECRET, role))
        page.goto(path)
        return page

    return open_


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    show_last_lines(item, (yield).get_result())
