"""The menu and the order form, with the services in memory."""

import re

import pytest

from pizza_common.errors import PeerRefused, PeerUnavailable
from tests.unit.pizza_web.customer_shop import (
    BASKET,
    CUSTOMER,
    ORDER,
    QUOTE,
    has_order,
    place,
)
from tests.unit.pizza_web.fake_shop import text

HTMX = {"HX-Request": "true"}


def starts(services):
    """How often an order was to be started."""
    return sum(path == "pizza-workflow/start-order" for path, _ in services.sent("POST"))


def test_the_menu_has_every_pizza_with_its_prices(client):
    said = text(client.get("/"))
    assert "Funghi Small $9.00 Large $14.00" in said
    assert "Nothing yet" in said


def test_a_button_of_the_menu_keeps_all_that_was_typed(client):
    typed = {**BASKET, "name": 'Ada "<b>"', "phone": "555", "address": "", "order_id": "o-1"}
    page = client.post("/basket", data={**typed, "add": "diavola.small"}).text
    assert 'name="name" type="text" value="Ada &#34;&lt;b&gt;&#34;"' in page
    assert page.count('name="quantity"') == 2
    assert 'name="order_id" value="o-1"' in page
    assert "To pay $28.00" in text(page)


def test_htmx_is_sent_the_basket_alone(client):
    answer = client.post("/basket", data={**BASKET, "add": "funghi.large"}, headers=HTMX)
    assert 'id="basket-count" hx-swap-oob="true">3<' in answer.text
    assert answer.text.lstrip().startswith("<h2>Basket</h2>")
    assert "To pay $28.00" in text(answer)


def test_a_free_pizza_is_shown_before_ordering(client, services):
    loyalty = {"delivered": 9, "free_next": True}
    free = {"free_cents": 1400, "to_pay_cents": 1400, "loyalty": loyalty}
    services.have("POST", "pizza-storefront/quotes", QUOTE | free)
    said = text(client.post("/basket", data={**BASKET, **CUSTOMER}))
    assert "A present after 9 orders: the cheapest pizza is free. -$14.00 To pay $14.00" in said
    assert services.sent("POST")[-1][1]["customer"] == {"name": "Ada Byron", "phone": "555-1815"}


def test_ordering_leads_to_the_signed_link_and_is_noted_in_the_browser(client, services):
    has_order(services)
    location = place(client)
    assert re.fullmatch(r"/orders/o-1\?key=o-1\.[\w-]+", location)
    ((path, body),) = services.sent("POST")
    assert (path, body["order_id"], body["customer"]) == (
        "pizza-workflow/start-order",
        "o-1",
        CUSTOMER,
    )
    assert location.replace("&", "&amp;") in client.get("/orders").text


def test_a_form_that_is_sent_twice_orders_once(client, services):
    assert place(client) == place(client)
    assert {body["order_id"] for _, body in services.sent("POST")} == {"o-1"}


def test_a_form_that_stands_for_another_order_already_is_shown_under_a_new_id(client, services):
    services.have("POST", "pizza-workflow/start-order", PeerRefused("pizza-workflow: other", 409))
    answer = client.post("/orders", data={**BASKET, **CUSTOMER, "order_id": "o-1"})
    assert answer.status_code == 409
    assert 'name="order_id" value="o-1"' not in answer.text
    assert "ordered before" in text(answer)
    assert starts(services) == 1, "it may be the order of this form, told to the book in a moment"


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(client, services):
    wrong = [("customer.phone", "does not match ^x$")]
    refused = PeerRefused("pizza-workflow: Cannot use: customer.phone", 400, wrong)
    services.have("POST", "pizza-workflow/start-order", refused)
    answer = client.post("/orders", data={**BASKET, **CUSTOMER, "phone": "", "order_id": "o-1"})
    assert answer.status_code == 400
    field = re.search(r'<input id="phone"[^>]*>', answer.text)[0]
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="phone-says"' in field
    assert "A phone number is needed." in text(answer)
    assert 'value="12 Square"' in answer.text
    assert 'name="order_id" value="o-1"' in answer.text


def test_a_form_that_is_refused_says_so_at_its_top_and_leads_to_the_first_that_is_wrong(
    client, services
):
    wrong = [("customer.phone", "does not match ^x$"), ("items.0.quantity", "Input should be")]
    refused = PeerRefused("pizza-workflow: Cannot use", 400, wrong)
    services.have("POST", "pizza-workflow/start-order", refused)
    page = client.post("/orders", data={**BASKET, **CUSTOMER, "quantity": "99"}).text
    assert "<title>Error: Menu" in page
    assert '<a href="/" aria-current="page">Menu' in page
    notice = re.search(r'<div class="notice error [^>]*role="alert">.*?</div>', page, re.DOTALL)[0]
    assert "2 fields need your attention" in text(notice)
    assert re.findall('href="#([^"]+)"', notice) == ["of-funghi-large", "phone"]
    assert re.findall(r'<input id="([^"]+)"[^>]*autofocus', page) == ["of-funghi-large"]


def test_an_id_that_is_somebody_elses_order_is_replaced_by_a_new_one(client, services):
    elses = {"name": "Bob", "address": "1 Hill", "phone": "555-0000"}
    has_order(services, {**ORDER, "customer": elses})
    taken, answer = PeerRefused("pizza-workflow: other content", 409), services.invoke
    ids = []

    def once_taken(app_id, path, body=None, **more):
        if path == "start-order":
            ids.append(body["order_id"])
            if len(ids) == 1:
                raise taken
        return answer(app_id, path, body, **more)

    services.invoke = once_taken
    location = place(client)
    assert (len(ids), ids[0], location.partition("?")[0]) == (2, "o-1", f"/orders/{ids[1]}")


def test_a_form_sent_again_with_other_content_never_orders_by_itself(client, services):
    has_order(services)
    services.have("POST", "pizza-workflow/start-order", PeerRefused("pizza-workflow: other", 409))
    form = {**BASKET, **CUSTOMER, "address": "another", "order_id": "o-1"}
    assert client.post("/orders", data=form).status_code == 409
    assert starts(services) == 1


def test_an_order_of_this_browser_is_not_taken_for_somebody_elses(client, services):
    has_order(services)
    place(client)
    services.have("POST", "pizza-workflow/start-order", PeerRefused("pizza-workflow: other", 409))
    elses = {"name": "Bob", "address": "1 Hill", "phone": "555-0000"}
    form = {**BASKET, **elses, "order_id": "o-1"}
    assert client.post("/orders", data=form).status_code == 409
    assert starts(services) == 2


@pytest.mark.parametrize(
    ("delivered", "said"),
    [
        (0, "Your tenth order has a free pizza; this is your first."),
        (12, "Your 20th order has a free pizza; this is your 13th."),
    ],
)
def test_how_far_it_is_to_the_free_pizza_is_told(client, services, delivered, said):
    loyalty = {"loyalty": {"delivered": delivered, "free_next": False}}
    services.have("POST", "pizza-storefront/quotes", QUOTE | loyalty)
    assert said in text(client.post("/basket", data={**BASKET, **CUSTOMER}))


def test_an_order_that_cannot_be_taken_now_is_kept_in_the_form(client, services):
    services.have("POST", "pizza-workflow/start-order", PeerUnavailable("away"))
    answer = client.post("/orders", data={**BASKET, **CUSTOMER, "order_id": "o-1"})
    assert (answer.status_code, "try again" in text(answer)) == (503, True)
    assert 'name="order_id" value="o-1"' in answer.text
