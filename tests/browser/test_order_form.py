"""The order form with script and without: no press of a button and nothing typed is lost."""

from playwright.sync_api import expect

from tests.browser.steps import (
    MARGHERITA,
    PEPPERONI,
    OpenPage,
    add,
    assert_never_reloaded,
    fill_in,
    mark,
)
from tests.browser.watch import Watch


def test_each_press_of_a_button_counts_however_fast_they_follow(open_page: OpenPage):
    page = open_page("/")
    button = page.get_by_role("button", name="Add Margherita, medium")
    button.evaluate("button => [1, 2, 3].forEach(() => button.click())")
    page.get_by_role("button", name="Add Pepperoni, large").click()
    expect(page.get_by_label("How many of Pepperoni, large")).to_be_visible()
    expect(page.get_by_label("How many of Margherita, medium")).to_have_value("3")


def test_the_price_follows_the_basket(open_page: OpenPage):
    page = open_page("/")
    add(page, MARGHERITA)
    price = page.get_by_role("region", name="Basket").get_by_role("status")
    expect(price).to_contain_text("$10.00")
    page.get_by_label("How many of Margherita, medium").fill("2")
    page.get_by_label("Name").focus()
    expect(price).to_contain_text("$20.00")


def test_enter_in_a_field_asks_for_the_price_and_nothing_else(open_page: OpenPage):
    page = open_page("/")
    add(page, MARGHERITA)
    mark(page)
    quantity = page.get_by_label("How many of Margherita, medium")
    quantity.fill("3")
    quantity.press("Enter")
    expect(page.get_by_role("region", name="Basket")).to_contain_text("$30.00")
    assert_never_reloaded(page)


def test_what_is_wrong_is_said_at_the_top_and_leads_to_the_fields(
    open_page: OpenPage, watch: Watch
):
    watch.forgive("400")
    page = open_page("/")
    add(page, MARGHERITA)
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("For later").fill("2020-01-01T10:00")
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("3 fields need your attention")
    expect(page.get_by_label("Address")).to_be_focused()
    page.get_by_role("link", name="For later: This is not in the future.").click()
    expect(page.get_by_label("For later")).to_be_focused()


def test_the_whole_form_works_without_script(open_page: OpenPage, watch: Watch):
    watch.forgive("400")
    page = open_page("/", java_script_enabled=False)
    page.get_by_label("Name").fill("Ada")
    for pizza in (MARGHERITA, PEPPERONI, MARGHERITA):
        add(page, pizza)
    page.get_by_role("button", name="Remove Pepperoni, large").click()
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_label("Phone")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_have_value("Ada")
    expect(page.get_by_label("How many of Margherita, medium")).to_have_value("2")
    fill_in(page)
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_role("region", name="Now")).to_be_visible()
