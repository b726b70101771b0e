"""What a live page does when its stream begins, breaks and comes back.

The page is the operator's list of orders, which shows each new order.
"""

import re
import time
from collections.abc import Callable

import requests
from playwright.sync_api import Page, Route, expect

from tests.browser.steps import OpenPage
from tests.browser.watch import LOST, Watch
from tests.system.shop import Shop, ShopError, an_order, until

LIVE = "**/live/**"
AWAY = "status of 503"  # as the browser says it on its console
BACK_SECONDS = 15.0  # 5 on a machine that has nothing else to do
STREAM_SECONDS = 30.0

_HIDDEN = """
(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}
"""


def expect_order(page: Page, order_id: str) -> None:
    expect(page.get_by_role("main").get_by_text(order_id, exact=True).first).to_be_visible()


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    """While routes of the page are handled."""
    for _ in until(STREAM_SECONDS, 0):
        if is_so():
            return
        page.wait_for_timeout(50)
    raise TimeoutError


def wait_for_streams(shop: Shop, count: int) -> None:
    """Until pizza-web has so many open."""
    seen = -1.0
    for _ in until(STREAM_SECONDS, 0.1):
        metrics = requests.get(f"{shop.process.urls['pizza-web']}/metrics", timeout=10).text
        found = re.search(r"^pizza_web_streams (\S+)$", metrics, re.MULTILINE)
        assert found, metrics
        if (seen := float(found[1])) == count:
            return
    raise ShopError(f"{seen:g} streams are open, not {count}")


def test_a_late_sse_extension_is_waited_for(shop: Shop, open_page: OpenPage):
    """Were the scripts deferred, htmx would begin without it, and the page would never be live."""

    def late(route: Route) -> None:
        time.sleep(0.4)
        route.continue_()

    page = open_page("/", "operator")
    page.route("**/hx-sse*", late)
    page.goto("/operator")
    expect_order(page, shop.place(an_order()))


def test_a_stream_that_cannot_begin_leaves_the_page_as_it_is_and_begins_later(
    shop: Shop, open_page: OpenPage, watch: Watch
):
    watch.forgive(AWAY)
    tried: list[str] = []

    def away(route: Route) -> None:
        tried.append(route.request.url)
        route.fulfill(status=503, body="<h1>No such luck</h1>", content_type="text/html")

    page = open_page("/", "operator")
    page.route(LIVE, away)
    page.goto("/operator")
    wait_until(page, lambda: len(tried) >= 2)
    expect(page.get_by_text("No such luck")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.unroute(LIVE)
    expect_order(page, shop.place(an_order()))


def test_a_page_that_loses_its_service_shows_again_what_happens_once_it_is_back(
    shop: Shop, open_page: OpenPage, watch: Watch
):
    watch.forgive(LOST)
    page = open_page("/operator", "operator")
    before = shop.place(an_order())
    expect_order(page, before)
    shop.kill("pizza-web")
    expect_order(page, before)
    back = time.monotonic()
    expect_order(page, shop.place(an_order()))
    assert time.monotonic() - back < BACK_SECONDS


def test_what_happens_before_the_stream_begins_is_not_missed(shop: Shop, open_page: OpenPage):
    page = open_page("/", "operator")
    placed: list[str] = []

    def place_first(route: Route) -> None:
        if not placed:
            placed.append(shop.place(an_order()))
            shop.wait_for_status(placed[0], "validating")
        route.continue_()

    page.route(LIVE, place_first)
    page.goto("/operator")
    wait_until(page, lambda: bool(placed))
    expect_order(page, placed[0])


def test_a_page_that_is_hidden_or_closed_has_no_stream(shop: Shop, open_page: OpenPage):
    wait_for_streams(shop, 0)
    page = open_page("/operator", "operator")
    wait_for_streams(shop, 1)
    page.evaluate(_HIDDEN, True)
    wait_for_streams(shop, 0)
    order_id = shop.place(an_order())
    page.evaluate(_HIDDEN, False)
    expect_order(page, order_id)
    wait_for_streams(shop, 1)
    page.close()
    wait_for_streams(shop, 0)


def test_who_signs_out_leaves_no_other_page_open(open_page: OpenPage):
    page = open_page("/operator", "operator")
    other = page.context.new_page()
    other.goto("/operator")
    other.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/sign-in"))


def test_a_page_that_is_not_to_be_seen_any_more_is_loaded_again(open_page: OpenPage, watch: Watch):
    watch.forgive(f"{LOST}|status of 404")
    page = open_page("/operator", "operator")
    loaded = page.evaluate("performance.timeOrigin")
    page.route(LIVE, lambda route: route.fulfill(status=404))
    page.evaluate(_HIDDEN, True)
    page.evaluate(_HIDDEN, False)
    page.wait_for_function("(loaded) => performance.timeOrigin > loaded", arg=loaded)
