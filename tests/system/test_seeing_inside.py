"""What operators see of a running shop: the log of an order, and the numbers of the services."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.system.conftest import OpenShop
from tests.system.shop import TIMELINE, Shop, an_order
from tools.shop_client import wait_for


@pytest.fixture(scope="module")
def shop(open_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One of this module's own, in which nobody else's orders are counted."""
    with open_shop(tmp_path_factory.mktemp("seen"), 0.05) as shop:
        yield shop


def lines_of(shop: Shop, order_id: str) -> list[dict[str, Any]]:
    """The lines about states of this order, from all logs of the shop, in their order."""
    logs = [log.read_text("utf-8", "replace") for log in shop.process.folder.glob("*.log")]
    lines = [json.loads(line) for log in logs for line in re.findall(r'\{.*"order state".*\}', log)]
    return [line for line in lines if line["order_id"] == order_id]


def states_told(lines: list[dict[str, Any]]) -> list[str]:
    """The states in order; a line that came late is put behind the one that it names."""
    states: list[str] = []
    for line in lines:
        place = states.index(line["previous"]) + 1 if line["previous"] else 0
        assert line["late"] == (place < len(states))
        states.insert(place, line["status"])
    return states


def number(shop: Shop, app_id: str, name: str, **labels: str) -> float:
    """The sum of a service's samples of that name that have these labels."""
    page = requests.get(f"{shop.process.urls[app_id]}/metrics", timeout=10).text
    samples = [each for family in text_string_to_metric_families(page) for each in family.samples]
    return sum(
        each.value
        for each in samples
        if each.name == name and labels.items() <= each.labels.items()
    )


def delivered_order(shop: Shop) -> str:
    order_id = shop.place(an_order())
    shop.deliver(order_id)
    # A state's line is the last that is told of it: all is counted by then.
    wait_for(lambda: lines_of(shop, order_id), lambda lines: len(lines) >= len(TIMELINE))
    return order_id


def test_the_log_has_one_line_for_each_state_of_an_order(shop: Shop) -> None:
    order_id = delivered_order(shop)
    assert states_told(lines_of(shop, order_id)) == TIMELINE


def test_an_event_that_is_delivered_again_is_not_logged_again(shop: Shop) -> None:
    order_id = delivered_order(shop)
    entry = shop.timeline(order_id)[0]
    event = {"event_id": f"{order_id}:{entry['status']}", "order_id": order_id, **entry}
    order = {**an_order(), "order_id": order_id}
    again = {"specversion": "1.0", "id": "again", "data": {**event, "order": order}}
    before = number(shop, "pizza-order", "pizza_order_states_total")
    answer = shop.hand_over("pizza-order", again)
    assert answer.body == {"status": "SUCCESS"}
    assert number(shop, "pizza-order", "pizza_order_states_total") == before
    delivered_order(shop)  # whose lines come after the one that must not be there
    assert states_told(lines_of(shop, order_id)) == TIMELINE


def test_an_order_that_is_delivered_is_counted_by_those_who_had_to_do_with_it(shop: Shop) -> None:
    def delivered() -> float:
        return number(shop, "pizza-order", "pizza_order_entered_total", status="delivered")

    def cooked() -> float:
        done = {"step": "cook_one_pizza", "outcome": "done"}
        return number(shop, "pizza-workflow", "pizza_step_seconds_count", **done)

    def asked() -> float:
        route = "/cook/<order_id:order_id>/pizzas/<int:number>"
        return number(shop, "pizza-kitchen", "pizza_http_request_seconds_count", route=route)

    before = delivered(), cooked(), asked()
    delivered_order(shop)
    assert (delivered(), cooked(), asked()) == tuple(number + 1 for number in before)


def test_what_is_undone_is_counted_as_compensation(shop: Shop) -> None:
    def undone(step: str) -> float:
        return number(shop, "pizza-workflow", "pizza_compensations_total", step=step)

    before = undone("refund_payment")
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    shop.post("/cancel-order", {"order_id": order_id})
    shop.wait_for_end(order_id)
    assert undone("refund_payment") == before + 1
