"""Ordering and deciding by keyboard alone: all can be reached, and where one is can be seen."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import OpenPage, order_id_of, timeline, waiting
from tests.system.shop import Shop

MOST_TABS = 80
_HAS_OUTLINE = """
(element) => {
  const style = getComputedStyle(element);
  return style.outlineStyle !== "none" || style.boxShadow !== "none";
}
"""


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus, which has to be seen."""
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            assert wanted.evaluate(_HAS_OUTLINE), "the focus cannot be seen"
            return
    raise AssertionError(f"{wanted} is not reached by {MOST_TABS} tabs")


def test_a_customer_orders_and_a_manager_rejects_by_keyboard(shop: Shop, open_page: OpenPage):
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Add Margherita, small"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("How many of")).to_be_visible()
    for label, text in (("Name", "Ada"), ("Address", "1 Byron Row"), ("Phone", "555-0100")):
        tab_to(page, page.get_by_label(label))
        page.keyboard.type(text)
    tab_to(page, page.get_by_role("button", name="Order", exact=True))
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/*")
    order_id = order_id_of(page)
    manager = open_page("/manager", "manager")
    card = waiting(manager, order_id)
    tab_to(manager, card.locator("summary"))
    manager.keyboard.press("Enter")
    tab_to(manager, card.get_by_label("What is wrong with it?"))
    manager.keyboard.type("cold")
    tab_to(manager, card.get_by_role("button", name="Reject"))
    manager.keyboard.press("Space")
    expect(timeline(page)).to_contain_text("cold")
