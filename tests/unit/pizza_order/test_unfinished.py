import time
from datetime import UTC, datetime, timedelta
from zlib import crc32

import pytest

from open_orders import LISTS
from pizza_common.errors import SidecarUnavailable
from pizza_common.event import OrderEvent, moment
from pizza_common.order import Order
from pizza_common.status import Status
from tests.unit.services import an_order


@pytest.fixture
def client(client_of):
    return client_of("pizza-order")


def tell(client, order_id, status, ago=0.0, order=None, **more):
    at = moment(datetime.now(UTC) - timedelta(seconds=ago))
    order = Order.model_validate(an_order(order_id=order_id, **(order or {})))
    event = OrderEvent.announce(order, Status(status), "pizza-test", at=at, **more)
    data = event.model_dump(mode="json", exclude_none=True)
    return client.post("/orders-sub", json={"specversion": "1.0", "data": data})


def listed(client, **query):
    found = client.get("/orders", query_string=query).get_json()
    assert found["cursor"] is None
    return [order["order_id"] for order in found["orders"]]


def test_orders_that_stay_longer_than_their_status_allows_are_stuck(client):
    tell(client, "stuck", "cooking_baking", ago=66)
    tell(client, "baking", "cooking_baking", ago=50)
    assert listed(client, stuck=True) == ["stuck"]
    tell(client, "worse", "cooked", ago=500)
    assert listed(client, stuck=True) == ["worse", "stuck"]
    assert listed(client, stuck=True, limit=1) == ["worse"]
    assert listed(client, stuck=True, status="cooked") == ["worse"]


def test_a_large_order_may_bake_for_as_long_as_its_batches_take(client):
    item = {"pizza_type": "funghi", "size": "small", "quantity": 20}
    more = {"pizza_type": None, "size": None, "items": [item] * 5}
    tell(client, "five-batches", "cooking_quality_check", ago=100, order=more)
    tell(client, "one", "cooking_quality_check", ago=100)
    assert listed(client, stuck=True) == ["one"]
    tell(client, "too-long", "cooking_quality_check", ago=120, order=more)
    assert listed(client, stuck=True) == ["too-long", "one"]


def test_the_time_scale_counts(client_of):
    client = client_of("pizza-order", pizza_time_scale=10)
    tell(client, "a", "cooking_baking", ago=100)
    assert listed(client, stuck=True) == []


@pytest.mark.parametrize(
    "status", ["scheduled", "waiting_for_validation", "delivered", "failed", "cancelled"]
)
def test_an_order_that_waits_for_people_or_is_finished_is_not_stuck(client, status):
    tell(client, "a", status, ago=5000)
    assert listed(client, stuck=True) == []


def test_unfinished_orders_are_found_by_how_long_nothing_was_said(client):
    client.post("/order", json=an_order(order_id="new"))
    tell(client, "waits", "waiting_for_validation", ago=100)
    tell(client, "over", "delivered", ago=100)
    assert listed(client, older_than_seconds=50) == ["waits"]
    assert listed(client, older_than_seconds=50, status="cooked") == []
    tell(client, "waits", "validation_reminder")
    assert listed(client, older_than_seconds=50) == ["waits"], "a notice is nothing that it did"
    tell(client, "waits", "validated")
    assert listed(client, older_than_seconds=50) == []


def test_unfinished_orders_come_from_the_oldest_with_their_timelines_if_wanted(client):
    tell(client, "first", "cooking_baking")
    tell(client, "over", "delivered")
    tell(client, "second", "cooked")
    tell(client, "first", "cooking_quality_check")
    assert listed(client, oldest=True) == ["first", "second"]
    assert listed(client, oldest=True, limit=1) == ["first"]
    assert listed(client, oldest=True, status=["cooked", "delivered"]) == ["second"]
    query = {"oldest": True, "timeline": True, "status": "cooking_quality_check"}
    (order,) = client.get("/orders", query_string=query).get_json()["orders"]
    told = [entry["status"] for entry in order["timeline"]]
    assert told == ["cooking_baking", "cooking_quality_check"]


@pytest.fixture
def read(sidecar):
    """The documents of orders that were read, in bulk, since the test began to look."""
    keys = []

    def note(method, key):
        keys.extend(each for each in key.split(",") if each.startswith("order_"))

    sidecar.before = note
    return keys


def many(client, count):
    orders = [f"n{number:03}" for number in range(count)]
    for order_id in orders:
        tell(client, order_id, "cooked")
    return orders


def placed(client, **query):
    """When the listed orders came: two may have come in the same millisecond."""
    found = client.get("/orders", query_string=query).get_json()["orders"]
    return [order["placed_at"] for order in found]


@pytest.mark.parametrize("limit", [1, 20, 60])
def test_the_oldest_are_found_without_reading_all(client, sidecar, read, limit):
    orders = many(client, 300)
    times = sorted(sidecar.get_state(f"order_{each}")[0]["since"] for each in orders)
    read.clear()
    assert placed(client, oldest=True, limit=limit) == times[:limit]
    assert len(read) <= limit + 200


def oldest_in_one_list(client):
    """The oldest of more than a hundred orders: one list of open orders has them all."""
    ids = [f"n{number:03}" for number in range(400)]
    one_list = [each for each in ids if crc32(each.encode()) % LISTS == 0]
    for order_id in one_list:
        tell(client, order_id, "cooked")
    time.sleep(0.002)  # so that none of the others came in the same millisecond
    for order_id in sorted(set(ids) - set(one_list))[:100]:
        tell(client, order_id, "cooked")
    return one_list


def test_the_oldest_are_found_where_one_list_of_open_orders_has_them_all(client):
    one_list = oldest_in_one_list(client)
    found = listed(client, oldest=True, limit=len(one_list))
    assert sorted(found) == one_list


def test_the_oldest_are_found_however_few_are_searched_for(client, read):
    orders = many(client, 200)
    searched = [orders[2], orders[150], orders[199]]
    for order_id in searched:
        tell(client, order_id, "rejected")
    assert listed(client, oldest=True, limit=2, status="rejected") == searched[:2]
    assert listed(client, oldest=True, limit=20, status="rejected") == searched
    read.clear()
    assert listed(client, oldest=True, limit=20, status="scheduled") == []
    assert len(read) == len(set(read)), "none is read twice"


def test_an_id_that_is_used_again_is_among_the_newest(client, sidecar):
    first, *others = oldest_in_one_list(client)
    _, etag = sidecar.get_state(f"order_{first}")  # its end did not come to the list of open ones
    mark = {"deleted": True, "at": moment(datetime.now(UTC) - timedelta(seconds=1))}
    sidecar.save_state(f"order_{first}", mark, etag)
    tell(client, first, "cooked")
    assert client.get(f"/order/{first}").status_code == 200
    assert sorted(listed(client, oldest=True, limit=len(others))) == others


def test_orders_of_several_statuses_are_listed(client):
    for status in ("cooked", "delivered", "failed"):
        tell(client, status, status)
    query = {"status": ["failed", "cooked"]}
    found = client.get("/orders", query_string=query).get_json()["orders"]
    assert [order["order_id"] for order in found] == ["failed", "cooked"]
    answer = client.get("/orders", query_string={"status": ["failed", "burnt"]})
    assert answer.status_code == 400


def announce_stuck(client, order_id, status):
    repeat = 2 + list(Status).index(status)
    tell(client, order_id, "needs_attention", detail=f"stuck at {status}", repeat=repeat)


def test_an_order_that_was_announced_as_stuck_is_stuck_still(client):
    tell(client, "a", "cooked", ago=500)
    announce_stuck(client, "a", "cooked")
    assert listed(client, stuck=True) == ["a"]


def test_all_stuck_orders_have_their_turn_however_many_stay_stuck(client):
    orders = [f"n{number:02}" for number in range(25)]
    for number, order_id in enumerate(orders):
        tell(client, order_id, "cooked", ago=1000 - number)
    found = []
    for _ in range(3):
        found.append(listed(client, stuck=True, limit=10))
        for order_id in found[-1]:
            announce_stuck(client, order_id, "cooked")
    assert found == [orders[:10], orders[10:20], [*orders[20:], *orders[:5]]]


def test_an_order_that_is_stuck_again_elsewhere_is_announced_first(client):
    for order_id, ago in (("a", 700), ("b", 600)):
        tell(client, order_id, "cooked", ago=ago)
        announce_stuck(client, order_id, "cooked")
    tell(client, "b", "validated", ago=500)
    assert listed(client, stuck=True) == ["b", "a"]
    announce_stuck(client, "b", "validated")
    assert listed(client, stuck=True) == ["a", "b"]


def test_an_order_needs_attention_only_while_it_is_where_it_was_stuck(client):
    def attention():
        (listing,) = client.get("/orders").get_json()["orders"]
        assert client.get("/order/a").get_json().get("needs_attention") == listing.get(
            "needs_attention"
        )
        return listing.get("needs_attention")

    tell(client, "a", "cooked", ago=500)
    announce_stuck(client, "a", "cooked")
    assert attention() == ["stuck at cooked"]
    tell(client, "a", "delivered")
    assert attention() is None
    tell(client, "a", "needs_attention", detail="capture_payment: no")
    assert attention() == ["capture_payment: no"]


def test_a_refund_after_the_end_leaves_the_order_finished_and_listed_as_delivered(client):
    tell(client, "a", "delivered", ago=500)
    tell(client, "a", "payment_refunded", ago=400)
    delivered = client.get("/orders?status=delivered").get_json()["orders"]
    assert [order["order_id"] for order in delivered] == ["a"]
    assert listed(client, older_than_seconds=0) == []
    assert client.get("/order/a").get_json()["timeline"][-1]["status"] == "payment_refunded"


def test_only_unfinished_orders_are_read(client, sidecar):
    for number in range(120):
        tell(client, f"n{number}", "cooked", ago=500)
        tell(client, f"n{number}", "delivered")
    tell(client, "a", "cooked", ago=500)
    before = sidecar.calls["get_states"]
    assert listed(client, stuck=True) == ["a"]
    assert sidecar.calls["get_states"] == before + 2


def test_an_order_that_is_undone_after_it_was_delivered_is_unfinished_again(client):
    tell(client, "a", "delivered", ago=500)
    tell(client, "a", "delivery_recalled", ago=400)
    assert listed(client, stuck=True) == ["a"]
    tell(client, "a", "failed")
    assert listed(client, stuck=True) == []


@pytest.mark.parametrize("after", range(4))
def test_a_crash_at_any_write_loses_no_unfinished_order(client, sidecar, after):
    sidecar.fail("save_state", SidecarUnavailable(), after=after)
    while tell(client, "a", "cooked", ago=500).status_code != 200:
        pass
    sidecar.before = lambda *_: None
    assert listed(client, stuck=True) == ["a"]


def test_an_order_that_was_not_struck_out_is_struck_out_by_the_next_event(client, sidecar):
    tell(client, "a", "cooked")
    sidecar.fail("save_state", SidecarUnavailable(), after=1)
    assert tell(client, "a", "delivered").status_code == 503
    assert listed(client, oldest=True) == []
    assert tell(client, "a", "delivered").status_code == 200
    lists = sidecar.get_states([f"orders_open_{number}" for number in range(16)])
    assert [each["ids"] for each in lists.values()] == [[]]


def test_what_a_person_has_to_see_to_is_named_and_the_order_stays_failed(client):
    tell(client, "a", "failed")
    tell(client, "a", "needs_attention", detail="refund_payment")
    tell(client, "a", "needs_attention", detail="release_stock", repeat=2)
    found = client.get("/orders", query_string={"status": "failed"}).get_json()["orders"][0]
    assert (found["status"], found["needs_attention"]) == (
        "failed",
        ["refund_payment", "release_stock"],
    )
    assert client.get("/order/a").get_json()["needs_attention"] == found["needs_attention"]
    tell(client, "b", "cooked")
    assert listed(client, needs_attention=True) == ["a"]
    assert listed(client, needs_attention=True, open=True) == []


def test_unfinished_orders_are_listed_from_the_newest_page_by_page(client, sidecar):
    for number in range(205):
        client.post("/order", json=an_order(order_id=f"n{number}"))
    for number in range(205):
        if number not in (3, 149, 150, 201, 204):
            tell(client, f"n{number}", "delivered")
    reads = sidecar.calls["get_states"]
    answer = client.get("/orders?open=true&limit=3").get_json()
    assert [order["order_id"] for order in answer["orders"]] == ["n204", "n201", "n150"]
    assert sidecar.calls["get_states"] == reads + 2, "only what is unfinished is read"
    answer = client.get(f"/orders?open=true&limit=3&cursor={answer['cursor']}").get_json()
    assert [order["order_id"] for order in answer["orders"]] == ["n149", "n3"]
    assert answer["cursor"] is None


def test_orders_are_found_by_the_customers_key_or_a_part_of_the_name(client):
    ada = {"name": "Ada Lovelace", "address": "1 Ockham", "phone": "555-1815"}
    tell(client, "a", "cooked", ago=500, order={"customer": ada})
    tell(client, "j", "cooked", ago=500)
    for query in ({}, {"open": True}, {"stuck": True}):
        for customer in ("lovelace", "ADA", "ada-lovelace.5551815"):
            assert listed(client, customer=customer, **query) == ["a"]
        assert listed(client, customer="555", **query) == [], "a phone is no part of the name"
    assert listed(client, open=True, status="cooked", customer="O") == ["j", "a"]
    assert listed(client, open=True, status="delivered") == []


def test_a_listed_order_has_its_round_and_when_it_was_placed_and_got_on(client):
    tell(client, "a", "cooked", ago=500)
    tell(client, "a", "remaking", ago=400, attempt=2)
    tell(client, "a", "validation_reminder", ago=300)
    (order,) = client.get("/orders").get_json()["orders"]
    assert order["attempt"] == 2
    assert order["placed_at"] > order["updated_at"], "the book heard of it when it was on its way"
    ago = datetime.now(UTC) - datetime.fromisoformat(order["updated_at"])
    assert 399 < ago.total_seconds() < 500


def test_what_an_operator_has_done_by_hand_needs_no_attention_any_more(client):
    detail = "refund_payment: no; no connection: late; release_stock: not now"
    tell(client, "a", "failed")
    tell(client, "a", "needs_attention", detail=detail)
    tell(client, "a", "payment_voided")
    assert listed(client, needs_attention=True) == ["a"], "the stock is not released"
    tell(client, "a", "stock_released")
    assert listed(client, needs_attention=True) == []
    assert "needs_attention" not in client.get("/order/a").get_json()


def test_money_that_was_given_back_is_not_to_be_taken_any_more(client):
    for status in ("payment_authorized", "delivered"):
        tell(client, "a", status)
    tell(client, "a", "needs_attention", detail="capture_payment: no")
    assert client.get("/order/a").get_json()["needs_attention"] == ["capture_payment: no"]
    tell(client, "a", "payment_refunded")
    assert listed(client, needs_attention=True) == []


def test_a_pizza_that_could_not_be_discarded_waits_for_a_person_whatever_was_discarded(client):
    tell(client, "a", "pizza_discarded")
    tell(client, "a", "needs_attention", detail="discard_pizza: no")
    assert listed(client, needs_attention=True) == ["a"]


MONEY = "money is still set aside"
STOCK = "ingredients are still reserved"
DRIVER = "a driver is still with it"
RANKED = [MONEY, STOCK, DRIVER].index


@pytest.mark.parametrize(
    ("begun", "steps"),
    [
        (["payment_authorized"], [("payment_voided", MONEY)]),
        (["payment_authorized"], [("payment_refunded", MONEY)]),
        (
            ["payment_authorized", "stock_reserved", "cooking_baking"],
            [("payment_voided", MONEY), ("stock_released", STOCK)],
        ),
        (
            ["payment_authorized", "stock_reserved", "cooked", "delivery_finding_driver"],
            [("delivery_recalled", DRIVER), ("payment_voided", MONEY)],
        ),
        (["payment_authorized", "cooked", "delivery_on_the_way", "delivered"], [("", MONEY)]),
        (["stock_reserved", "cooked", "delivered", "payment_captured"], []),
        (["scheduled", "waiting_for_driver"], []),
    ],
)
def test_a_terminated_order_waits_for_a_person_until_it_holds_nothing(client, begun, steps):
    for status in begun:
        tell(client, "a", status)
    assert listed(client, needs_attention=True) == [], "its workflow sees to it"
    tell(client, "a", "terminated")
    held = [what for _, what in steps]
    for status, what in steps:
        assert client.get("/order/a").get_json()["needs_attention"] == sorted(held, key=RANKED)
        assert listed(client, needs_attention=True) == ["a"]
        if not status:
            return
        tell(client, "a", status)
        held.remove(what)
    assert listed(client, needs_attention=True) == []
    assert client.get("/order/a").get_json()["status"] == "terminated"
