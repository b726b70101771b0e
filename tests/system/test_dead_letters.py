"""Events that really die, on either engine, and what an operator does with them."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.system.conftest import OpenShop
from tests.system.shop import TIMELINE, Shop, an_order
from tools.shop_client import wait_for

BOOK = "pizza-order"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def shop(open_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One of this module's own, in which nobody else's events die."""
    with open_shop(tmp_path_factory.mktemp("letters"), 0.02, PIZZA_FAULTS="1") as shop:
        yield shop


def refuse_next(shop: Shop, times: int = 1) -> None:
    """The order book refuses the next events of topic `orders` for good: a 404 is not retried."""
    shop.arm(BOOK, "note", times=times, status=404)


def letters(shop: Shop) -> list[Json]:
    return list(shop.get(BOOK, "/dead-letters?limit=100")["dead_letters"])


def publish(shop: Shop, data: Any) -> None:
    """As any app that may publish to the topic does."""
    http_port = next(app.http for app in shop.process.apps if app.app_id == BOOK)
    url = f"http://127.0.0.1:{http_port}/v1.0/publish/pizzapubsub/orders"
    assert requests.post(url, json=data, timeout=30).status_code == 204


def test_an_event_that_died_is_published_again_and_dies_at_most_once_each_time(shop: Shop) -> None:
    refuse_next(shop, 2)
    order = an_order()
    shop.place(order)
    died = wait_for(lambda: letters(shop), lambda found: len(found) == 2)
    shop.deliver(order["order_id"])
    missing = [letter["status"] for letter in died]
    # The next event that dies must be the published one, not a late one of the order.
    seen = shop.wait_for_statuses(order["order_id"], set(TIMELINE) - set(missing))
    assert set(missing).isdisjoint(seen)

    refuse_next(shop)
    again, other = died
    shop.get(BOOK, f"/dead-letters/{again['id']}")
    answer = shop.ask("POST", BOOK, f"/dead-letters/{again['id']}/publish")
    assert answer.body == {"id": again["id"], "status": "published"}
    (back, _) = wait_for(
        lambda: letters(shop), lambda found: [each["id"] for each in found] == ids(again, other)
    )
    assert back["at"] > again["at"]

    for letter in (again, other):
        assert shop.ask("POST", BOOK, f"/dead-letters/{letter['id']}/publish").status == 200
    shop.wait_for_statuses(order["order_id"], missing)
    assert letters(shop) == []


def ids(*found: Json) -> list[str]:
    return [each["id"] for each in found]


def test_what_is_no_order_event_is_one_letter_although_two_subscribers_drop_it(shop: Shop) -> None:
    publish(shop, {"order_id": "nobody's"})
    (letter,) = wait_for(lambda: letters(shop), lambda found: [e["times"] for e in found] == [2])
    assert letter["reason"].startswith("it is no order event: ")
    assert shop.ask("POST", BOOK, f"/dead-letters/{letter['id']}/publish").status == 409
    assert shop.ask("DELETE", BOOK, f"/dead-letters/{letter['id']}").status == 200
    assert letters(shop) == []


def test_a_dead_letter_that_cannot_be_kept_comes_again(shop: Shop) -> None:
    shop.arm(BOOK, "keep_dead_letter", times=2, status=503)
    publish(shop, {"order_id": "somebody's"})
    (letter,) = wait_for(lambda: letters(shop), lambda found: [e["times"] for e in found] == [2])
    shop.ask("DELETE", BOOK, f"/dead-letters/{letter['id']}")
