"""The shop as its people see it, each in a browser of their own."""

import re

from playwright.sync_api import expect

from tests.browser.steps import (
    MARGHERITA,
    PEPPERONI,
    OpenPage,
    assert_never_reloaded,
    decide,
    expect_delivered_and_paid,
    mark,
    now,
    order,
    timeline,
    waiting,
)


def test_a_customer_watches_two_orders_and_a_manager_decides_about_both(open_page: OpenPage):
    one = open_page("/")
    first = order(one, MARGHERITA)
    mark(one)
    expect(now(one)).to_contain_text(re.compile("ingredients|dough|toppings|oven"))
    two = one.context.new_page()
    second = order(two, MARGHERITA, PEPPERONI)
    mark(two)
    manager = open_page("/manager", "manager")
    decide(manager, first, "Approve")
    expect(waiting(manager, first)).to_have_count(0)
    decide(manager, second, "Make it again", "burnt")
    expect(timeline(two)).to_contain_text("burnt")
    expect_delivered_and_paid(one)
    expect(waiting(manager, second)).to_contain_text("made again")
    decide(manager, second, "Approve")
    expect_delivered_and_paid(two)
    expect(timeline(two)).to_contain_text("In the oven (round 2)")
    assert_never_reloaded(one)
    assert_never_reloaded(two)
