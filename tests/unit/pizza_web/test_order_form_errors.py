"""What is wrong with an order form: in words, beside its fields, and all of it at once."""

from datetime import UTC, datetime, timedelta

from order_form import OrderForm, Row
from order_form_errors import errors_by_field, fields_of

NO_TEXT = ("customer.name", "does not match ^[^\\x00-\\x1f]*$")


def in_days(days):
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M}"


def test_the_errors_of_services_stand_beside_their_fields_in_words():
    found = [
        ("customer.phone", "does not match ^[^\\x00-\\x1f]*$"),
        ("customer.address", "String should have at most 200 characters"),
        ("items.1.quantity", "Input should be less than or equal to 20"),
        ("items", "List should have at least 1 item after validation, not 0"),
        ("scheduled_for", "is not in the future"),
    ]
    assert errors_by_field(found, OrderForm()) == {
        "phone": "A phone number is needed.",
        "address": "It may have at most 200 characters.",
        "quantity-1": "From 1 to 20, please.",
        "basket": "Put a pizza into the basket first.",
        "scheduled_for": "This is not in the future.",
    }


def test_a_character_that_cannot_be_seen_is_named_and_not_taken_for_an_empty_field():
    assert "cannot be seen" in errors_by_field([NO_TEXT], OrderForm(name="Ada\tByron"))["name"]
    assert "is needed" in errors_by_field([NO_TEXT], OrderForm(name=" \t"))["name"]


def test_the_time_is_looked_at_together_with_all_else():
    late, far = OrderForm(scheduled_for=in_days(-1)), OrderForm(scheduled_for=in_days(31))
    assert errors_by_field([NO_TEXT], late)["scheduled_for"] == "This is not in the future."
    assert "30 days away" in errors_by_field([NO_TEXT], far)["scheduled_for"]
    for right in (OrderForm(scheduled_for=in_days(1)), OrderForm(), OrderForm(scheduled_for="x")):
        assert "scheduled_for" not in errors_by_field([NO_TEXT], right)


def test_the_fields_to_look_at_are_in_the_order_of_the_form():
    form = OrderForm(rows=(Row("funghi", "small"), Row("diavola", "large", "many")))
    errors = {"phone": "c", "name": "b", "quantity-1": "a", "form": "of none"}
    found = [(wrong.place, wrong.label, wrong.says) for wrong in fields_of(errors, form)]
    assert found == [
        ("of-diavola-large", "Diavola, large", "a"),
        ("name", "Name", "b"),
        ("phone", "Phone", "c"),
    ]
