"""An operator steers an order and sees what became of it."""

from playwright.sync_api import Page, expect

from tests.browser.steps import MARGHERITA, OpenPage, now, order, part
from tests.system.shop import Shop

WORKFLOW = "Its workflow"


def choose(page: Page, action: str) -> None:
    """Say what is to be done, and come to the page that tells what it does."""
    part(page, WORKFLOW).get_by_role("button", name=action, exact=True).click()
    expect(page.get_by_role("heading", name="What it does")).to_be_visible()


def confirm(page: Page, action: str) -> None:
    page.get_by_role("button", name=action, exact=True).click()
    expect(part(page, WORKFLOW)).to_be_visible()


def test_an_operator_pauses_resumes_and_terminates_an_order_and_undoes_what_it_left(
    shop: Shop, open_page: OpenPage
):
    customer = open_page("/")
    order_id = order(customer, MARGHERITA)
    shop.wait_for_place(order_id, "waiting_for_validation")
    page = open_page("/operator", "operator")
    page.get_by_role("link", name=order_id, exact=True).first.click()
    choose(page, "Pause")
    confirm(page, "Pause")
    expect(part(page, WORKFLOW)).to_contain_text("SUSPENDED")
    expect(now(customer)).to_contain_text("The shop holds it")
    choose(page, "Resume")
    confirm(page, "Resume")
    expect(part(page, WORKFLOW)).to_contain_text("RUNNING")
    choose(page, "Terminate")
    expect(page.get_by_role("main")).to_contain_text("$10.00 that is set aside stays so")
    confirm(page, "Terminate")
    expect(part(page, WORKFLOW)).to_contain_text("TERMINATED")
    expect(now(customer)).to_contain_text("Stopped by the shop")
    expect(part(page, "The order")).to_contain_text("$10.00 is set aside")
    choose(page, "Refund")
    confirm(page, "Refund")
    expect(part(page, "The order")).to_contain_text("free again")
    expect(page.get_by_role("region", name="What happened")).to_contain_text("Stopped by the shop")
