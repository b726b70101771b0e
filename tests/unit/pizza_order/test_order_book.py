import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pizza_common.errors import EtagMismatch, PeerRefused, PeerUnavailable, SidecarUnavailable
from pizza_common.event import OrderEvent, moment
from pizza_common.order import Order
from pizza_common.settings import Settings
from pizza_common.status import HOLDS, Status, rank
from pizza_common.timeline import status_of
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.services import ORDER, an_order, app_module


@pytest.fixture
def client(client_of):
    return client_of("pizza-order")


def an_event(status, order_id="123", **more):
    order = Order.model_validate(an_order(order_id=order_id))
    return OrderEvent.announce(order, Status(status), "pizza-test", **more).model_dump(
        mode="json", exclude_none=True
    )


def tell(client, *events):
    for event in events:
        answer = client.post("/orders-sub", json={"specversion": "1.0", "id": "1", "data": event})
        assert answer.get_json() == {"status": "SUCCESS"}


def find(client, order_id="123"):
    return client.get(f"/order/{order_id}").get_json()


def test_a_registered_order_is_found(client):
    assert client.post("/order", json=ORDER).get_json() == {"success": True}
    assert find(client) == {**ORDER, "status": "received", "timeline": []}


def test_an_order_without_id_is_told_its_id(client):
    order_id = client.post("/order", json=an_order(order_id=None)).get_json()["order_id"]
    assert find(client, order_id)["order_id"] == order_id


def test_the_same_order_again_changes_nothing_and_another_is_a_conflict(client, sidecar):
    client.post("/order", json=ORDER)
    writes = sidecar.calls["save_state"]
    assert client.post("/order", json=ORDER).get_json() == {"success": True}
    assert client.post("/order", json=an_order(size="small")).status_code == 409
    assert sidecar.calls["save_state"] == writes


def test_an_order_nobody_knows_is_not_found(client):
    assert client.get("/order/nope").status_code == 404
    assert client.delete("/order/nope").status_code == 404


def test_events_make_the_timeline_and_the_status(client):
    client.post("/order", json=ORDER)
    tell(client, an_event("validating", at="2026-01-01T00:00:00.000Z"), an_event("cooked"))
    found = find(client)
    assert found["status"] == "cooked"
    assert found["timeline"][0] == {
        "status": "validating",
        "at": "2026-01-01T00:00:00.000Z",
        "service": "pizza-test",
    }


def test_an_event_that_comes_before_its_order_enters_the_order(client):
    tell(client, an_event("validating"))
    assert client.post("/order", json=ORDER).get_json() == {"success": True}
    assert find(client)["status"] == "validating"
    assert len(listed(client)[0]) == 1


def test_an_event_that_comes_twice_is_written_once(client, sidecar):
    tell(client, an_event("cooked", at=at(-2)))
    writes = sidecar.calls["save_state"]
    tell(client, an_event("cooked", at=at(-1)))
    assert sidecar.calls["save_state"] == writes


# Pauses have no rank: they stand where their time puts them.
tellings = st.tuples(
    st.sampled_from([each for each in Status if each not in {Status.PIZZA_DISCARDED, *HOLDS}]),
    st.integers(1, 3),
)


@given(st.lists(tellings, min_size=1, max_size=8).flatmap(lambda all: st.permutations(all * 2)))
def test_shuffled_and_repeated_events_end_in_one_right_timeline(told):
    client = app_module("pizza-order").create_app(Settings(), FakeSidecar()).test_client()
    tell(client, *(an_event(status, attempt=attempt) for status, attempt in told))
    found = find(client)
    names = [(Status(entry["status"]), entry.get("attempt", 1)) for entry in found["timeline"]]
    ranked = [name for name in names if name[0] not in HOLDS]
    assert ranked == sorted(set(told) - set(names).difference(ranked), key=lambda name: rank(*name))
    assert (set(names), len(names)) == (set(told), len(set(told)))
    assert found["status"] == status_of(found["timeline"])


@pytest.mark.parametrize(
    "data",
    [None, "text", {}, {"status": "cooked"}, an_event("cooked") | {"status": "burnt"}],
)
def test_an_event_that_can_never_be_understood_is_dropped(client, sidecar, data):
    answer = client.post("/orders-sub", json={"specversion": "1.0", "data": data})
    assert answer.get_json() == {"status": "DROP"}
    assert not sidecar.calls


@pytest.mark.parametrize("error", [SidecarUnavailable, EtagMismatch])
def test_an_event_that_cannot_be_written_now_is_asked_for_again(client, sidecar, error):
    sidecar.fail("save_state", error(), times=1000)
    body = {"specversion": "1.0", "data": an_event("cooked")}
    assert client.post("/orders-sub", json=body).status_code == 503


def test_a_write_within_a_write_that_others_forestall_does_not_multiply_the_tries(client, sidecar):
    sidecar.fail("save_state", EtagMismatch(), times=1000)
    assert client.post("/order", json=ORDER).status_code == 503
    assert sidecar.calls["save_state"] < 20


def at(seconds):
    return moment(datetime.now(UTC) + timedelta(seconds=seconds))


def forget(client):
    assert client.delete("/records/123").get_json() == {"order_id": "123", "status": "forgotten"}


def test_a_forgotten_order_stays_away_whatever_comes_late(client):
    client.post("/order", json=ORDER)
    forget(client)
    tell(client, an_event("cooked", at=at(-1)))
    assert client.get("/order/123").status_code == 404
    assert listed(client) == ([], None)


def test_what_is_said_after_it_was_forgotten_is_about_a_new_order_which_old_events_do_not_touch(
    client, sidecar
):
    tell(client, an_event("delivered"))
    forget(client)
    assert sidecar.ttls["order_123"] == 30 * 86400
    tell(client, an_event("validating", at=at(60)), an_event("delivered", at=at(-1)))
    assert (find(client)["status"], len(find(client)["timeline"])) == ("validating", 1)
    assert listed(client) == (["123"], None)
    sidecar.expire()
    assert find(client)["status"] == "validating"


def test_an_order_that_was_forgotten_may_be_registered_anew_with_other_content(client):
    client.post("/order", json=ORDER)
    forget(client)
    assert client.post("/order", json=an_order(size="small")).status_code == 200
    tell(client, an_event("delivered", at=at(-1)))
    assert (find(client)["size"], find(client)["status"]) == ("small", "received")


def test_a_mark_of_the_version_before_gives_way_to_what_is_said_from_now_on(sidecar, client_of):
    sidecar.save_state("order_123", {"deleted": True, "page": 0})
    client = client_of("pizza-order")
    tell(client, an_event("delivered", at=at(-5)))
    assert client.get("/order/123").status_code == 404
    tell(client, an_event("validating", at=at(5)))
    assert find(client)["status"] == "validating"


def test_an_event_from_before_the_oldest_mark_begins_no_order(client, sidecar):
    tell(client, an_event("delivered"))
    forget(client)
    sidecar.expire()
    tell(client, an_event("delivered", at=at(-31 * 86400)))
    assert client.get("/order/123").status_code == 404


def test_deleting_has_the_whole_shop_forget_and_passes_its_answer_on(client, sidecar):
    client.post("/order", json=ORDER)
    sidecar.peers["forget-order"] = {}
    assert client.delete("/order/123").get_json() == {"success": True}
    sidecar.fail("invoke", PeerRefused("a workflow works on it", 409), times=1)
    assert client.delete("/order/123").status_code == 409
    sidecar.fail("invoke", PeerUnavailable(), times=1)
    assert client.delete("/order/123").status_code == 503
    assert find(client)["status"] == "received"


def test_a_write_of_another_replica_between_is_not_lost(client, client_of, sidecar):
    client.post("/order", json=ORDER)
    other = client_of("pizza-order")

    def write_between(method, key):
        if (method, key) == ("save_state", "order_123"):
            sidecar.before = lambda *_: None
            tell(other, an_event("cooked"))

    sidecar.before = write_between
    tell(client, an_event("validating"))
    assert [entry["status"] for entry in find(client)["timeline"]] == ["validating", "cooked"]


def test_events_of_one_order_at_the_same_time_all_count(client):
    statuses = list(Status)
    threads = [
        threading.Thread(
            target=lambda status=status: tell(client.application.test_client(), an_event(status))
        )
        for status in statuses
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry["status"] for entry in find(client)["timeline"]] == statuses


def listed(client, **query):
    answer = client.get("/orders", query_string=query).get_json()
    return [order["order_id"] for order in answer["orders"]], answer["cursor"]


def register(client, *order_ids):
    for order_id in order_ids:
        client.post("/order", json=an_order(order_id=order_id))


def walk(client, **query):
    """All ids, page by page."""
    ids, cursor = listed(client, **query)
    while cursor:
        more, cursor = listed(client, cursor=cursor, **query)
        ids += more
    return ids


def test_orders_are_listed_from_the_newest_page_by_page(client):
    register(client, "a", "b", "c", "d", "e")
    assert listed(client) == (["e", "d", "c", "b", "a"], None)
    first, cursor = listed(client, limit=2)
    assert first == ["e", "d"]
    assert listed(client, limit=2, cursor=cursor)[0] == ["c", "b"]
    assert walk(client, limit=1) == ["e", "d", "c", "b", "a"]


def test_a_new_order_does_not_shift_the_pages_that_follow(client):
    register(client, "a", "b", "c")
    _, cursor = listed(client, limit=1)
    register(client, "d")
    assert listed(client, cursor=cursor)[0] == ["b", "a"]


def test_the_list_goes_on_over_many_pages_of_the_index(client):
    ids = [f"n{number}" for number in range(250)]
    register(client, *ids)
    assert walk(client, limit=100) == walk(client, limit=7) == ids[::-1]


def test_orders_are_listed_by_status(client):
    register(client, *(f"n{number}" for number in range(120)))
    tell(client, an_event("cooked", "n3"), an_event("cooked", "n115"))
    assert listed(client, status="cooked") == (["n115", "n3"], None)
    assert listed(client, status="delivered") == ([], None)
    assert len(walk(client, status="received")) == 118


def test_a_rare_status_is_looked_for_piece_by_piece(client, sidecar):
    register(client, *(f"n{number}" for number in range(1050)))
    tell(client, an_event("cooked", "n3"))
    found, cursor = listed(client, status="cooked")
    assert (found, bool(cursor)) == ([], True)
    assert listed(client, status="cooked", cursor=cursor) == (["n3"], None)


def test_no_orders_are_an_empty_list(client):
    assert listed(client) == ([], None)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"status": "burnt"},
        {"cursor": "zzz"},
        {"cursor": "š"},
        {"cursor": "MS4x" * 20},
        {"page": 1},
    ],
)
def test_a_bad_query_is_refused_by_field(client, query):
    answer = client.get("/orders", query_string=query)
    assert answer.status_code == 400
    fields = [error["field"].partition(".")[0] for error in answer.get_json()["errors"]]
    assert fields == [*query]


def test_a_cursor_from_beyond_the_end_lists_everything(client):
    register(client, "a")
    assert listed(client, cursor="OTk5OTk5OS45OQ==") == (["a"], None)


def test_an_order_registered_again_after_a_crash_is_listed_once(client, sidecar):
    sidecar.fail("save_state", SidecarUnavailable(), after=1)
    assert client.post("/order", json=ORDER).status_code == 503
    assert client.post("/order", json=ORDER).status_code == 200
    assert listed(client) == (["123"], None)


def test_a_dead_entry_on_an_older_page_is_not_listed(client, sidecar):
    sidecar.fail("save_state", SidecarUnavailable(), after=1)
    register(client, "dead")
    register(client, *(f"n{number}" for number in range(100)), "dead")
    ids = walk(client, limit=30)
    assert ids[0] == "dead"
    assert len(ids) == len(set(ids)) == 101


def test_orders_registered_at_the_same_time_are_all_listed(client):
    threads = [
        threading.Thread(target=register, args=(client.application.test_client(), f"n{number}"))
        for number in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(walk(client)) == sorted(f"n{number}" for number in range(30))


def test_two_replicas_share_one_list(client, client_of, sidecar):
    other = client_of("pizza-order")

    def register_between(method, key):
        if (method, key) == ("save_state", "orders_index_0"):
            sidecar.before = lambda *_: None
            register(other, "b")

    sidecar.before = register_between
    register(client, "a")
    assert listed(client) == (["a", "b"], None)
