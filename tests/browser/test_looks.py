"""Every page in every state: accessible in both themes, fit for a phone, light, and still."""

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.looks import (
    assert_accessible,
    assert_fits,
    assert_light_weight,
    assert_nothing_jumped,
)
from tests.browser.steps import (
    MARGHERITA,
    PEPPERONI,
    OpenPage,
    add,
    decide,
    expect_delivered_and_paid,
    now,
    open_decision,
    order,
)
from tests.browser.watch import Watch
from tests.system.shop import Shop, an_order
from tools.shop_client import wait_for

PHONE = {"width": 360, "height": 740}
REFUSED = r"status of 4\d\d"

PAGES = [
    ("/", None),
    ("/orders", None),
    ("/sign-in", None),
    ("/kitchen", "kitchen"),
    ("/manager", "manager"),
    ("/operator", "operator"),
    ("/operator/drivers", "operator"),
    ("/operator/health", "operator"),
    ("/operator/faults", "operator"),
    ("/operator/dead-letters", "operator"),
]


@pytest.fixture(scope="module")
def busy_shop(the_shop: Shop) -> Shop:
    """One order was delivered, one was terminated, and one waits for the manager."""
    the_shop.deliver(the_shop.place(an_order()))
    stopped = the_shop.place(an_order())
    the_shop.wait_for_place(stopped, "cooking")
    the_shop.post("/terminate-order", {"order_id": stopped})
    the_shop.wait_for_place(the_shop.place(an_order()), "waiting_for_validation")
    return the_shop


@pytest.mark.parametrize(("path", "role"), PAGES)
def test_a_page(busy_shop: Shop, open_page: OpenPage, path: str, role: str | None):
    page = open_page(path, role)
    assert_accessible(page)
    assert_light_weight(page)
    page.set_viewport_size(PHONE)
    assert_accessible(page)
    assert_fits(page)


@pytest.mark.parametrize(("path", "role"), [("/nowhere", None), ("/operator", "kitchen")])
def test_a_page_that_is_refused(open_page: OpenPage, watch: Watch, path: str, role: str | None):
    watch.forgive(REFUSED)
    assert_accessible(open_page(path, role))


def test_the_menu_with_a_basket_and_with_what_is_wrong(open_page: OpenPage, watch: Watch):
    watch.forgive(REFUSED)
    page = open_page("/")
    add(page, MARGHERITA)
    add(page, PEPPERONI)
    assert_accessible(page)
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    assert_accessible(page)
    page.set_viewport_size(PHONE)
    assert_fits(page)
    assert_nothing_jumped(page)


def test_an_order_from_its_beginning_to_its_end(shop: Shop, open_page: OpenPage):
    page = open_page("/", viewport={"width": 1280, "height": 1600})
    order_id = order(page, MARGHERITA, PEPPERONI)
    assert_accessible(page)
    shop.wait_for_place(order_id, "waiting_for_validation")
    expect(now(page)).to_contain_text("Waits for the manager's approval")
    assert_accessible(page)
    shop.approve(order_id)
    expect_delivered_and_paid(page)
    assert_accessible(page)
    page.set_viewport_size(PHONE)
    assert_accessible(page)
    assert_fits(page)
    assert_nothing_jumped(page)


def test_an_order_that_ends_otherwise(shop: Shop, open_page: OpenPage):
    tomorrow = datetime.now() + timedelta(days=1)
    page = open_page("/")
    order_id = order(page, MARGHERITA, later=f"{tomorrow:%Y-%m-%dT%H:%M}")
    expect(now(page)).to_contain_text("Ordered for later")
    assert_accessible(page)
    shop.post("/cancel-order", {"order_id": order_id})
    expect(now(page)).to_contain_text("Cancelled")
    assert_accessible(page)
    assert_nothing_jumped(page)


def test_a_decision_that_is_being_made(shop: Shop, open_page: OpenPage):
    order_id = shop.place(an_order())
    page = open_page("/manager", "manager")
    open_decision(page, order_id)
    assert_accessible(page)
    page.set_viewport_size(PHONE)
    assert_accessible(page)
    assert_fits(page)
    shop.deliver(order_id)


def test_the_longest_words_fit_on_every_page(shop: Shop, open_page: OpenPage):
    customer = {"name": "X" * 100, "address": "Y" * 200, "phone": "5" * 40}
    order_id = shop.place(an_order(order_id="i" * 48, customer=customer))
    shop.wait_for_place(order_id, "waiting_for_validation")
    pages = {"/kitchen": "kitchen", "/manager": "manager", "/operator": "operator"}
    pages |= {f"/operator/orders/{order_id}{more}": "operator" for more in ("", "/cancel")}
    for path, role in pages.items():
        page = open_page(path, role)
        for width in (360, 768, 1200):
            page.set_viewport_size({"width": width, "height": 740})
            assert_fits(page)
    decide(open_page("/manager", "manager"), order_id, "Reject", "Z" * 200)
    shop.wait_for_end(order_id)
    for path, role in pages.items():
        page = open_page(path, role, viewport=PHONE)
        assert_fits(page)


@pytest.mark.parametrize("role", ["kitchen", "manager", "operator"])
def test_nothing_jumps_when_something_arrives(shop: Shop, open_page: OpenPage, role: str):
    page = open_page(f"/{role}", role)
    order_id = shop.place(an_order())
    expect(page.get_by_role("main").get_by_text(order_id).first).to_be_visible()
    assert_nothing_jumped(page)
    shop.deliver(order_id)
    if role != "manager":  # what was decided makes room there
        assert_nothing_jumped(page)


def test_an_order_as_the_operator_sees_it_and_what_can_be_asked(shop: Shop, open_page: OpenPage):
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    page = open_page(f"/operator/orders/{order_id}", "operator")
    assert_accessible(page)
    for action in ("pause", "cancel", "terminate", "refund"):
        page.goto(f"/operator/orders/{order_id}/{action}")
        assert_accessible(page)
    shop.post("/terminate-order", {"order_id": order_id})
    page.goto(f"/operator/orders/{order_id}")
    assert_accessible(page)
    page.set_viewport_size(PHONE)
    assert_accessible(page)
    assert_fits(page)


@pytest.mark.parametrize(
    ("path", "role", "button"),
    [
        ("/", None, "Order"),
        ("/", None, "Add Margherita, medium"),
        ("/kitchen", "kitchen", "Change the stock"),
        ("/kitchen", "kitchen", "Sign out"),
    ],
)
def test_a_button_under_the_mouse(
    open_page: OpenPage, path: str, role: str | None, button: str
) -> None:
    page = open_page(path, role)
    page.get_by_role("button", name=button).first.hover()
    assert_accessible(page)


def test_what_is_typed_wrong_is_said_to_everybody(open_page: OpenPage, watch: Watch):
    watch.forgive(REFUSED)
    kitchen = open_page("/kitchen?ingredient=basil", "kitchen")
    kitchen.get_by_label("Units").fill("0")
    kitchen.get_by_role("button", name="Change the stock").click()
    operator = open_page("/operator/faults", "operator")
    operator.get_by_role("combobox", name="Step").select_option("pizza-kitchen/cook")
    operator.get_by_role("button", name="Arm").click()
    for page in (kitchen, operator):
        expect(page.locator("[aria-invalid=true]")).to_have_count(1)
        assert_accessible(page)


def test_what_was_not_answered_and_is_sent_again(shop: Shop, open_page: OpenPage, watch: Watch):
    watch.forgive("status of 503")
    order_id = shop.place(an_order())
    manager = open_page("/manager", "manager")
    with shop.failing("pizza-workflow", "validate_pizza", 503):
        decide(manager, order_id, "Approve")
        expect(manager.get_by_role("alert")).to_contain_text("Send it again")
    kitchen = open_page("/kitchen?ingredient=basil", "kitchen")
    kitchen.get_by_label("Units").fill("5")
    with shop.failing("pizza-kitchen", "restock", 503):
        kitchen.get_by_role("button", name="Change the stock").click()
        expect(kitchen.get_by_role("alert")).to_contain_text("Send it again")
    for page in (manager, kitchen):
        assert_accessible(page)
        page.set_viewport_size(PHONE)
        assert_fits(page)
    shop.deliver(order_id)


def test_a_form_of_a_page_that_is_too_old(open_page: OpenPage, watch: Watch):
    watch.forgive(REFUSED)
    page = open_page("/kitchen?ingredient=basil", "kitchen")
    page.get_by_label("Units").fill("5")
    page.context.clear_cookies()
    page.get_by_role("button", name="Change the stock").click()
    expect(page.get_by_role("button", name="Send it again")).to_be_visible()
    assert_accessible(page)


def test_a_dead_letter(shop: Shop, open_page: OpenPage):
    with shop.failing("pizza-order", "note", 404):
        order_id = shop.place(an_order())
        wait_for(lambda: shop.get("pizza-order", "/dead-letters")["dead_letters"], bool)
    page = open_page("/operator/dead-letters", "operator")
    assert_accessible(page)
    page.set_viewport_size(PHONE)
    assert_fits(page)
    page.get_by_role("row", name=order_id).first.get_by_role("link").click()
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    shop.deliver(order_id)


def test_pages_of_one_order_are_light(shop: Shop, open_page: OpenPage):
    order_id = order(open_page("/"), MARGHERITA, PEPPERONI)
    shop.wait_for_place(order_id, "waiting_for_validation")
    page = open_page(f"/operator/orders/{order_id}", "operator")
    assert_light_weight(page)
    page.goto(f"/orders/{order_id}")
    assert_light_weight(page)
    page.goto(f"/operator/orders/{order_id}/children/round-1:pizza-1-1")
    assert_accessible(page)
    shop.deliver(order_id)
