"""A workflow that is started below HTTP, with nothing but an order as its input."""

import pytest

from steps import NonRetryableError
from tests.replay.conftest import INSTANCE, Play
from tests.replay.shop_answers import ORDER
from tests.replay.story_steps import DELIVERED, WAITING
from ticket import Terms

WITHOUT_ID = {name: value for name, value in ORDER.items() if name != "order_id"}


@pytest.fixture
def begin(env):
    """Starts an order's workflow with any input, under any id."""

    def start(given, instance=INSTANCE):
        order = Play(env, {})
        env.start("pizza_workflow", given, instance)
        return order

    return start


@pytest.mark.parametrize("given", [ORDER, WITHOUT_ID, {**ORDER, "status": "received"}])
def test_a_bare_order_is_delivered(begin, given):
    order = begin(given)
    assert order.done == WAITING
    order.decide(approved=True)
    assert order.done == DELIVERED
    assert order.result["order_id"] == "123"


def test_it_has_the_default_terms(begin):
    order = begin(ORDER).pass_time(Terms().validation_seconds - 1)
    assert order.done == WAITING
    assert order.pass_time(1).result["status"] == "cancelled"


def test_an_order_without_an_id_has_that_of_a_workflow_of_any_name(env, begin):
    begin(WITHOUT_ID, "my-first-one")
    assert {given["order"]["order_id"] for _, given in env.calls} == {"my-first-one"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (None, "Input should be a JSON object"),
        ([], "Input should be a JSON object"),
        ({}, "order.customer: Field required"),
        ({**ORDER, "size": "huge"}, "order.size: Input should be 'small', 'medium' or 'large'"),
        ({**ORDER, "tip": 5}, "order.tip: Extra inputs are not permitted"),
    ],
)
def test_what_is_no_order_fails_with_one_sentence_and_begins_nothing(begin, given, reason):
    order = begin(given)
    assert (order.state.status, order.done) == ("FAILED", [])
    assert order.state.error_type == "NonRetryableError"
    said = order.state.error
    assert said.startswith("The input of pizza_workflow cannot be used: ")
    assert reason in said
    assert "\n" not in said


def test_an_id_that_can_be_no_orders_is_named(env, begin):
    begin(WITHOUT_ID, "a b")
    assert env.state("a b").error == "The order has no id, and its workflow's cannot be used: a b"


def test_an_order_under_another_id_is_claimed_before_all_else(env, begin):
    begin(ORDER, "my-first-one")
    assert env.calls[0][0] == "claim_order"
    assert env.calls[0][1]["instance"] == "my-first-one"


def test_an_order_that_belongs_to_another_workflow_begins_nothing_and_undoes_nothing(env, begin):
    env.fail("claim_order", 1, NonRetryableError("Order 123 belongs to another workflow."))
    begin(ORDER, "my-first-one")
    assert env.state("my-first-one").status == "FAILED"
    assert "belongs to another workflow" in env.state("my-first-one").error
    assert {name for name, _ in env.calls} == {"claim_order"}
