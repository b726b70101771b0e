"""The order form: what its buttons do to the basket, and the order that it means."""

import re

import pytest
from werkzeug.datastructures import MultiDict

from order_form import OrderForm, Row

ADA = {"name": "Ada", "address": "12 Square", "phone": "555-1815"}


def sent(*rows, **fields):
    """A form as a browser sends it, with rows of kind, size and quantity."""
    columns = zip(("pizza_type", "size", "quantity"), zip(*rows, strict=True), strict=False)
    data = [(name, value) for name, values in columns for value in values]
    return MultiDict([*data, *fields.items()])


def press(*rows, **fields):
    form = sent(*rows, **fields)
    return [(row.key, row.quantity) for row in OrderForm.sent(form).pressed(form).rows]


def test_add_puts_a_pizza_into_the_basket_or_one_more_of_it():
    assert press(add="funghi.small") == [("funghi.small", "1")]
    row = ("funghi", "small", "2")
    assert press(row, add="funghi.small") == [("funghi.small", "3")]
    assert press(row, add="funghi.large") == [("funghi.small", "2"), ("funghi.large", "1")]


def test_a_pizza_is_added_up_to_what_an_order_may_have():
    assert press(("funghi", "small", "20"), add="funghi.small") == [("funghi.small", "20")]
    full = [(f"kind-{number}", "small", "1") for number in range(20)]
    form = sent(*full, add="funghi.small")
    pressed = OrderForm.sent(form).pressed(form)
    assert (len(pressed.rows), "at most 20" in pressed.notice) == (20, True)


def test_remove_takes_a_kind_out_and_leaves_what_was_typed_in_the_others():
    rows = [("funghi", "small", "2"), ("diavola", "large", "many")]
    assert press(*rows, remove="funghi.small") == [("diavola.large", "many")]


def test_the_form_means_an_order_for_now_or_for_later():
    form = OrderForm.sent(sent(("funghi", "small", "2"), order_id="o-1", **ADA))
    item = {"pizza_type": "funghi", "size": "small", "quantity": 2}
    assert form.order() == {"order_id": "o-1", "items": [item], "customer": ADA}


@pytest.mark.parametrize(
    ("offset", "moment"), [("", "2026-06-01T18:30Z"), ("+02:00", "2026-06-01T18:30+02:00")]
)
def test_a_time_for_later_is_in_utc_unless_the_browser_says_its_offset(offset, moment):
    form = OrderForm.sent(sent(scheduled_for="2026-06-01T18:30", offset=offset))
    assert form.order()["scheduled_for"] == moment


def test_a_quantity_that_is_no_number_is_left_for_the_service_to_refuse():
    assert OrderForm.sent(sent(("funghi", "small", "many"))).items()[0]["quantity"] == "many"


def test_the_price_is_asked_with_the_customer_once_loyalty_could_know_them():
    rows = (("funghi", "small", "1"),)
    assert "customer" not in OrderForm.sent(sent(*rows, name="Ada", phone=" ")).question()
    known = OrderForm.sent(sent(*rows, **ADA)).question()
    assert known["customer"] == {"name": "Ada", "phone": "555-1815"}


def test_an_order_is_made_again_with_all_but_its_time_and_id():
    items = [{"pizza_type": "funghi", "size": "small", "quantity": 2}] * 2
    old = {"order_id": "o-1", "items": items, "customer": ADA, "scheduled_for": "2026-01-01T00:00Z"}
    form = OrderForm.again(old)
    assert form.rows == (Row("funghi", "small", "4"),)
    assert (form.name, form.scheduled_for, form.order_id == "o-1") == ("Ada", "", False)


def test_ids_are_short_and_have_no_characters_that_look_alike():
    ids = {OrderForm().order_id for _ in range(200)}
    assert len(ids) == 200
    assert all(re.fullmatch("[2-9a-z]{8}", order_id) for order_id in ids)
    assert not set("ilo01") & set("".join(ids))
