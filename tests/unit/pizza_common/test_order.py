import pytest
from pydantic import ValidationError

from pizza_common.order import CookOrder, Order
from tests.unit.services import ORDER, an_order

PEPPERONI = {"pizza_type": "pepperoni", "size": "large"}


def with_items(*items):
    return an_order(pizza_type=None, size=None, items=list(items))


def with_customer(**fields):
    return an_order(customer={**ORDER["customer"], **fields})


def test_the_answer_is_the_order_as_it_was_sent():
    assert Order.model_validate(ORDER).sent() == ORDER
    several = with_items(PEPPERONI, {**PEPPERONI, "quantity": 2})
    assert Order.model_validate(several).sent() == several


def test_the_attempt_is_no_part_of_the_order():
    assert CookOrder.model_validate({**ORDER, "attempt": 2}).sent() == ORDER


def test_the_shorthand_stands_for_one_item():
    short, long = Order.model_validate(ORDER), Order.model_validate(with_items(PEPPERONI))
    assert short.same_content(long)
    assert not short.same_content(Order.model_validate(with_items(PEPPERONI, PEPPERONI)))


def test_an_order_for_somebody_else_is_another_order():
    other = Order.model_validate(with_customer(name="Jane Doe"))
    assert not Order.model_validate(ORDER).same_content(other)


def test_an_order_without_an_id_gets_a_new_one_and_keeps_a_given_one():
    without = Order.model_validate(an_order(order_id=None))
    assert without.with_id().id != without.with_id().id
    assert Order.model_validate(ORDER).with_id().id == "123"
    with pytest.raises(ValueError, match="no id"):
        _ = without.id


@pytest.mark.parametrize(
    "order",
    [
        an_order(order_id="a b"),
        an_order(order_id=""),
        an_order(order_id="x" * 49),
        an_order(order_id="123\n"),
        an_order(order_id=123),
        an_order(size="huge"),
        an_order(size=None),
        an_order(pizza_type=None),
        an_order(pizza_type=None, size=None),
        an_order(pizza_type="pineapple"),
        an_order(items=[PEPPERONI]),
        an_order(customer=None),
        an_order(customer="John"),
        an_order(extra=1),
        with_customer(extra=1),
        with_customer(name=""),
        with_customer(name="   "),
        with_customer(name="x" * 101),
        with_customer(name="a\x00b"),
        with_customer(name="\ud800"),
        with_customer(address="a\nb"),
        with_customer(address="x" * 201),
        with_customer(phone=5550123),
        with_customer(phone="x" * 41),
        with_items(),
        with_items(*[PEPPERONI] * 21),
        with_items({**PEPPERONI, "quantity": 0}),
        with_items({**PEPPERONI, "quantity": 21}),
        with_items({**PEPPERONI, "quantity": "2"}),
        with_items({**PEPPERONI, "quantity": 1.5}),
        with_items({**PEPPERONI, "quantity": True}),
        with_items({**PEPPERONI, "cheese": "much"}),
    ],
    ids=lambda order: str(order)[:60],
)
def test_an_order_that_makes_no_sense_is_refused(order):
    with pytest.raises(ValidationError):
        Order.model_validate(order)


def test_names_in_any_script_are_welcome():
    assert Order.model_validate(with_customer(name="Žofie 雪 O'Neil 🍕"))
