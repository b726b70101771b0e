"""Orders for later: a durable timer, begun in time to be delivered then."""

import pytest

from tests.replay.shop_answers import ORDER
from tests.replay.story_steps import CANCELLED, WAITING, ended

AT_SEVEN = {**ORDER, "scheduled_for": "2030-01-01T19:00:00.000Z"}  # the clock begins at 0:00
SCHEDULED = ["announce scheduled"]
HOURS = 3600


def test_a_scheduled_order_is_begun_in_time_to_be_delivered(play):
    order = play(order=AT_SEVEN, lead_seconds=1800)
    assert (order.done, order.place) == (SCHEDULED, "scheduled")
    order.pass_time(18.5 * HOURS - 1)
    assert order.done == SCHEDULED
    order.pass_time(1)
    assert order.done == SCHEDULED + WAITING
    assert order.decide(approved=True).result["status"] == "completed"


def test_the_customer_of_a_scheduled_order_is_promised_that_time(play):
    order = play(order=AT_SEVEN, lead_seconds=1800).pass_time(19 * HOURS)
    given = {name: given for name, given in order.env.calls}
    assert given["confirm_order"]["estimated_at"] == "2030-01-01T19:00:00Z"


def test_a_scheduled_order_can_be_cancelled_meanwhile(play):
    order = play(order=AT_SEVEN).pass_time(HOURS).cancel("other plans")
    assert order.result == ended("cancelled", reason="other plans")
    assert order.done == [*SCHEDULED, "cancel_order", *CANCELLED]


@pytest.mark.parametrize("lead_seconds", [19 * HOURS, 48 * HOURS])
def test_an_order_for_which_it_is_high_time_is_begun_at_once(play, lead_seconds):
    assert play(order=AT_SEVEN, lead_seconds=lead_seconds).done == WAITING
