"""The pages of the customers: the menu, ordering, and an order on its way."""

from flask import Blueprint, render_template

from shop import shop

pages = Blueprint("customer_pages", __name__)


@pages.get("/")
def menu_page() -> str:
    """What there is, and for how much."""
    return render_template("customer/menu.html", menu=shop().get("pizza-storefront", "/menu"))
