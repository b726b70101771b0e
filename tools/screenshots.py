"""`make screenshots`: each page in light and dark, of a shop of its own, into docs/pictures."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Error, Page, ViewportSize, expect, sync_playwright

from pizza_common.sign_in_link import sign_in_path
from pizza_common.staff import StaffRole
from tools.chromium import MissingChromiumError, launch_args
from tools.shop_client import Json, ShopClient
from tools.shop_engine import ShopError
from tools.shop_ports import REPO
from tools.shop_process import ShopProcess

SECRET = "of-the-screenshots-0123456789"  # noqa: S105 - of a shop that ends with this
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DESK: ViewportSize = {"width": 1040, "height": 720}
TALL: ViewportSize = {"width": 1040, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 760}
MOST_BYTES = 150_000
WAITING = "waiting_for_validation"

CUSTOMERS = {
    "1041": ("Grace Hopper", "margherita", "medium"),
    "1042": ("Alan Turing", "hawaiian", "large"),
    "1043": ("Edsger Dijkstra", "vegetarian", "small"),
    "1044": ("Barbara Liskov", "pepperoni", "large"),
    "1045": ("Donald Knuth", "funghi", "medium"),
    "1046": ("Radia Perlman", "margherita", "small"),
}


class Camera:
    """Takes a page in both themes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def shoot(self, page: Page, name: str, size: ViewportSize = DESK) -> None:
        """Raises ShopError when the picture is too large for the docs."""
        page.set_viewport_size(size)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            file = self._folder / f"{name}-{theme}.png"
            page.screenshot(path=file, animations="disabled", caret="hide")
            if file.stat().st_size > MOST_BYTES:
                raise ShopError(f"{file.name} has {file.stat().st_size} bytes")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPO / "docs" / "pictures")
    try:
        take_all(Camera(parser.parse_args().folder))
    except (MissingChromiumError, ShopError, Error) as error:
        sys.stderr.write(f"No pictures: {error}\n")
        return 1
    return 0


def take_all(camera: Camera) -> None:
    with running_shop() as shop, chromium() as browser:
        client = ShopClient(shop.urls)
        shop.wait(client.is_ready, "to be able to work", 60)
        url = shop.urls["pizza-web"]
        customer = open_page(browser, url)
        take_menu(camera, customer)
        begin_the_day(client, customer)
        take_customer(camera, customer)
        take_staff(camera, client, browser, url)


@contextmanager
def running_shop() -> Iterator[ShopProcess]:
    with (
        tempfile.TemporaryDirectory(prefix="pizza-pictures-") as folder,
        ShopProcess(Path(folder), time_scale=1, PIZZA_SECRET=SECRET) as shop,
    ):
        yield shop


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_args())
        yield browser
        browser.close()


def open_page(browser: Browser, url: str, role: StaffRole | None = None) -> Page:
    """In a browser of its own, signed in as `role`."""
    page = browser.new_context(base_url=url, locale="en-GB", timezone_id="Europe/Berlin").new_page()
    page.goto(sign_in_path(SECRET, role) if role else "/")
    return page


def take_menu(camera: Camera, page: Page) -> None:
    camera.shoot(page, "customer-menu")
    for name in ("Add Margherita, medium", "Add Pepperoni, large"):
        page.get_by_role("button", name=name).click()
    expect(page.get_by_role("region", name="Basket")).to_contain_text("To pay")
    camera.shoot(page, "customer-basket")


def begin_the_day(client: ShopClient, customer: Page) -> None:
    """Some orders were decided about, some are under way; the customer's own is in the oven."""
    for order_id in ("1041", "1042", "1043", "1044"):
        client.start(an_order(order_id))
    client.post("/cancel-order", {"order_id": "1043", "reason": "ordered twice"})
    decide(client, "1041", approved=True, approver="Maria")
    decide(client, "1042", approved=False, approver="Maria", reason="burnt at the rim")
    decide(client, "1044", approved=False, remake=True, approver="Tom", reason="wrong topping")
    client.start(an_order("1045"))
    order(customer)
    client.start(an_order("1046"))


def decide(client: ShopClient, order_id: str, **decision: object) -> None:
    client.wait_for_place(order_id, WAITING)
    client.post("/validate-pizza", {"order_id": order_id, **decision})


def an_order(order_id: str) -> Json:
    name, pizza, size = CUSTOMERS[order_id]
    customer = {"name": name, "address": "12 Analytical Row", "phone": "555-0142"}
    return {"order_id": order_id, "pizza_type": pizza, "size": size, "customer": customer}


def order(page: Page) -> None:
    """What is in the basket."""
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Address").fill("1 Byron Row")
    page.get_by_label("Phone").fill("555-0100")
    page.get_by_role("button", name="Order", exact=True).click()


def take_customer(camera: Camera, page: Page) -> None:
    expect(page.get_by_role("region", name="Now")).to_contain_text("In the oven", timeout=60_000)
    camera.shoot(page, "customer-order")
    camera.shoot(page, "customer-order-phone", PHONE)
    for path, name in (("/orders", "customer-orders"), ("/sign-in", "sign-in")):
        page.goto(path)
        camera.shoot(page, name)


def take_staff(camera: Camera, client: ShopClient, browser: Browser, url: str) -> None:
    kitchen = open_page(browser, url, "kitchen")
    camera.shoot(kitchen, "kitchen")
    client.wait_for_place("1046", WAITING)
    manager = open_page(browser, url, "manager")
    manager.locator("summary").first.click()
    camera.shoot(manager, "manager")
    camera.shoot(manager, "manager-phone", PHONE)
    operator = open_page(browser, url, "operator")
    camera.shoot(operator, "operator", TALL)
    for path, name in (
        ("/operator/orders/1044", "operator-order"),
        ("/operator/orders/1044/terminate", "operator-terminate"),
        ("/operator/health", "operator-health"),
    ):
        operator.goto(path)
        camera.shoot(operator, name, TALL)


if __name__ == "__main__":
    sys.exit(main())
