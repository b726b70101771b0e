"""What managers see and decide, also two at once."""

import re

from playwright.sync_api import expect

from tests.browser.steps import OpenPage, decide, open_decision, waiting
from tests.browser.watch import LOST, Watch
from tests.system.shop import Shop, an_order


def test_two_managers_at_once_come_to_one_decision_and_the_second_is_told(
    shop: Shop, open_page: OpenPage, watch: Watch
):
    watch.forgive(LOST)
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    second = open_page("/", "manager")
    second.route("**/live/**", lambda route: route.abort())  # it shows what was before
    second.goto("/manager")
    first = open_page("/manager", "manager")
    decide(first, order_id, "Approve")
    expect(first.get_by_role("status").first).to_be_visible()
    decide(second, order_id, "Make it again", "too dark")
    notice = second.locator(".notice")
    expect(notice).to_have_count(1)
    expect(notice).to_contain_text(re.compile("already|approved"))
    shop.wait_for_end(order_id)
    assert shop.statuses(order_id).count("validated") == 1


def test_a_reason_that_is_being_typed_survives_what_arrives_meanwhile(
    shop: Shop, open_page: OpenPage
):
    order_id = shop.place(an_order())
    page = open_page("/manager", "manager")
    card = open_decision(page, order_id)
    reason = card.get_by_label("What is wrong with it?")
    reason.press_sequentially("the crust is")
    other = shop.place(an_order())
    expect(waiting(page, other)).to_be_visible()
    expect(reason).to_have_value("the crust is")
    expect(reason).to_be_focused()
    page.keyboard.type(" burnt")
    card.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("region", name="Last decisions")).to_contain_text("the crust is burnt")
    assert "rejected" in shop.wait_for_status(order_id, "rejected")
    shop.deliver(other)
