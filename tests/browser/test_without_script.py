"""What people do works without script: forms, and pages that are loaded again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import (
    MARGHERITA,
    PEPPERONI,
    OpenPage,
    decide,
    expect_delivered_and_paid,
    now,
    order,
    part,
    waiting,
)
from tests.browser.watch import Watch
from tests.system.shop import Shop, an_order

Plain = Callable[..., Page]


@pytest.fixture
def plain_page(open_page: OpenPage) -> Plain:
    return lambda path, role=None: open_page(path, role, java_script_enabled=False)


def test_a_customer_orders_and_a_manager_approves(shop: Shop, plain_page: Plain):
    customer = plain_page("/")
    order_id = order(customer, MARGHERITA, PEPPERONI)
    expect(part(customer, "Price")).to_contain_text("Pepperoni, large")
    shop.wait_for_place(order_id, "waiting_for_validation")
    customer.reload()
    expect(now(customer)).to_contain_text("Waits for the manager's approval")
    manager = plain_page("/manager", "manager")
    decide(manager, order_id, "Approve")
    expect(waiting(manager, order_id)).to_have_count(0)
    shop.wait_for_status(order_id, "payment_captured")
    customer.reload()
    expect_delivered_and_paid(customer)


def test_an_operator_pauses_an_order(shop: Shop, plain_page: Plain):
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    page = plain_page("/operator", "operator")
    page.get_by_label("Order id").fill(order_id)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(part(page, "Its workflow")).to_contain_text("SUSPENDED")
    assert shop.status(order_id)["runtime_status"] == "SUSPENDED"


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(
    plain_page: Plain, watch: Watch
):
    watch.forgive("status of 400")
    page = plain_page("/")
    page.get_by_role("button", name="Add Margherita, small").click()
    page.get_by_label("How many of").fill("2")
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Order", exact=True).click()
    address = page.get_by_label("Address")
    expect(address).to_have_attribute("aria-invalid", "true")
    expect(address).to_have_accessible_description(re.compile("."))
    expect(page.get_by_label("How many of")).to_have_value("2")
    expect(page.get_by_label("Name")).to_have_value("Ada")


def test_the_price_is_known_before_ordering(plain_page: Plain):
    page = plain_page("/")
    page.get_by_role("button", name="Add Margherita, medium").click()
    page.get_by_label("How many of").fill("3")
    page.get_by_role("button", name="What does it cost?").click()
    expect(page.get_by_role("region", name="Basket")).to_contain_text("$30.00")
