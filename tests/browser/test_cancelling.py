"""A customer cancels on the order's page: at each moment that allows it, and not after."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import MARGHERITA, OpenPage, now, order, part, timeline
from tests.system.shop import Shop

Hold = Callable[[str], None]

CANCEL = "Cancel the order"


def cancel(page: Page) -> None:
    part(page, "Cancel").get_by_label("Why").fill("changed my mind")
    part(page, "Cancel").get_by_role("button", name=CANCEL).click()


def expect_cancelled(page: Page, money: str) -> None:
    expect(now(page)).to_contain_text("Cancelled")
    expect(timeline(page)).to_contain_text("changed my mind")
    expect(part(page, "Price")).to_contain_text(money)
    expect(page.get_by_role("button", name=CANCEL)).to_have_count(0)


def test_an_order_for_later_is_cancelled_before_its_time(open_page: OpenPage):
    tomorrow = datetime.now() + timedelta(days=1)
    page = open_page("/")
    order(page, MARGHERITA, later=f"{tomorrow:%Y-%m-%dT%H:%M}")
    expect(now(page)).to_contain_text("Ordered for later")
    cancel(page)
    expect_cancelled(page, "Nothing was taken")


@pytest.mark.parametrize(
    ("step", "place", "money"),
    [
        ("order_pizza", "taking_order", "Nothing was taken"),
        ("authorize_payment", "paying", "nothing was taken"),
        ("cook_one_pizza", "cooking", "nothing was taken"),
        ("", "waiting_for_validation", "nothing was taken"),
    ],
)
def test_an_order_is_cancelled_while_it_is(
    shop: Shop, open_page: OpenPage, hold: Hold, step: str, place: str, money: str
):
    if step:
        hold(step)
    page = open_page("/")
    order_id = order(page, MARGHERITA)
    shop.wait_for_place(order_id, place)
    cancel(page)
    if step:
        expect(now(page)).to_contain_text("Being cancelled")
    expect_cancelled(page, money)


def test_an_approved_order_says_why_it_is_not_cancelled_any_more(
    shop: Shop, open_page: OpenPage, hold: Hold
):
    hold("deliver_pizza")
    page = open_page("/")
    order_id = order(page, MARGHERITA)
    shop.wait_for_place(order_id, "waiting_for_validation")
    expect(page.get_by_role("button", name=CANCEL)).to_be_visible()
    shop.approve(order_id)
    expect(page.get_by_role("button", name=CANCEL)).to_have_count(0)
    expect(part(page, "Cancel")).to_contain_text("on its way")
    expect(now(page)).to_contain_text("Delivered")
