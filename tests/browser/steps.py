"""What customers, managers and operators do on their pages, and what they look at."""

import re
from collections.abc import Callable
from typing import Literal

from playwright.sync_api import Locator, Page, expect

OpenPage = Callable[..., Page]
Pizza = tuple[str, str]
"""Type and size, as the menu says them."""

MARGHERITA: Pizza = ("Margherita", "medium")
PEPPERONI: Pizza = ("Pepperoni", "large")

_ORDER = re.compile(r"/orders/([^/?]+)\?key=")


def order(page: Page, *pizzas: Pizza, later: str = "") -> str:
    """Order these; the page is that of the order then. Its id."""
    page.goto("/")
    for pizza in pizzas:
        add(page, pizza)
    fill_in(page, later)
    page.get_by_role("button", name="Order", exact=True).click()
    page.wait_for_url(_ORDER)
    return order_id_of(page)


def add(page: Page, pizza: Pizza) -> None:
    """Put one into the basket, and see it there."""
    said = ", ".join(pizza)
    page.get_by_role("button", name=f"Add {said}").click()
    expect(page.get_by_label(f"How many of {said}")).to_be_visible()


def fill_in(page: Page, later: str = "") -> None:
    """Who orders, and for when."""
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Address").fill("1 Byron Row")
    page.get_by_label("Phone").fill("555-0100")
    if later:
        page.get_by_label("For later, if you like").fill(later)


def order_id_of(page: Page) -> str:
    """Of the order whose page this is."""
    found = _ORDER.search(page.url)
    assert found, page.url
    return found[1]


def now(page: Page) -> Locator:
    """Where the order stands, on its page."""
    return page.get_by_role("region", name="Now")


def part(page: Page, name: str) -> Locator:
    """The section of the page that has this heading."""
    return page.get_by_role("region", name=name, exact=True)


def timeline(page: Page) -> Locator:
    return part(page, "What happened")


def expect_delivered_and_paid(page: Page) -> None:
    expect(now(page)).to_contain_text("Delivered")
    expect(part(page, "Price")).to_contain_text(re.compile(r"\$\d+\.\d\d, paid"))


def waiting(page: Page, order_id: str) -> Locator:
    """What the manager's page shows of an order that waits for a decision."""
    return page.locator(".manager-approval", has_text=re.compile(rf"order {order_id}\b"))


def open_decision(page: Page, order_id: str) -> Locator:
    """Open what waits, to decide about it."""
    card = waiting(page, order_id)
    card.locator("summary").click()
    return card


def decide(
    page: Page, order_id: str, verdict: Literal["Approve", "Make it again", "Reject"], why: str = ""
) -> None:
    """On the manager's page."""
    card = waiting(page, order_id)
    if verdict != "Approve":
        card = open_decision(page, order_id)
        card.get_by_label("What is wrong with it?").fill(why)
    card.get_by_role("button", name=verdict).click()


def mark(page: Page) -> None:
    """So that a page that is loaded again is noticed."""
    page.evaluate("window.stillTheSamePage = true")


def assert_never_reloaded(page: Page) -> None:
    assert page.evaluate("window.stillTheSamePage"), "the page was loaded again"
