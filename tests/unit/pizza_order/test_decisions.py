import pytest

from pizza_common.errors import SidecarUnavailable
from pizza_common.event import OrderEvent
from pizza_common.order import Order
from pizza_common.status import Status
from tests.unit.services import an_order


@pytest.fixture
def client(client_of):
    return client_of("pizza-order")


def tell(client, status, order_id="123", second=0, **more):
    at = f"2026-11-01T10:00:{second:02}.000Z"
    order = Order.model_validate(an_order(order_id=order_id))
    event = OrderEvent.announce(order, Status(status), "pizza-workflow", at=at, **more)
    data = event.model_dump(mode="json", exclude_none=True)
    answer = client.post("/orders-sub", json={"specversion": "1.0", "data": data})
    return answer.status_code


def decisions(client, **query):
    return client.get("/decisions", query_string=query).get_json()["decisions"]


def ids(client, **query):
    return [each["order_id"] for each in decisions(client, **query)]


def test_a_decision_tells_what_was_decided_by_whom_and_why(client):
    tell(client, "rejected", detail="Ann: burnt", by="Ann", second=7)
    assert decisions(client) == [
        {
            "order_id": "123",
            "round": 1,
            "approved": False,
            "by": "Ann",
            "reason": "burnt",
            "at": "2026-11-01T10:00:07.000Z",
        }
    ]


@pytest.mark.parametrize(
    ("said", "by", "reason"),
    [
        ({"detail": "Ann", "by": "Ann"}, "Ann", None),
        ({"detail": "burnt"}, "", "burnt"),
        ({}, "", None),
    ],
)
def test_who_and_why_are_told_as_far_as_they_are_known(client, said, by, reason):
    tell(client, "validated", **said)
    (decision,) = decisions(client)
    assert (decision["approved"], decision["by"], decision["reason"]) == (True, by, reason)


def test_each_round_is_a_decision_and_a_remake_is_told(client):
    tell(client, "rejected", second=1)
    tell(client, "remaking", second=2)
    tell(client, "validated", attempt=2, second=3)
    told = [(each["round"], each["approved"], each.get("remake")) for each in decisions(client)]
    assert told == [(2, True, None), (1, False, True)]


def test_a_remake_that_is_heard_of_before_the_rejection_is_told_all_the_same(client):
    tell(client, "remaking", second=2)
    tell(client, "rejected", second=1)
    assert [each.get("remake") for each in decisions(client)] == [True]


def test_the_latest_come_first_whenever_they_are_heard_of(client):
    tell(client, "validated", "late", second=9)
    tell(client, "validated", "early", second=1)
    tell(client, "validated", "early", second=1)
    assert ids(client) == ["late", "early"]
    assert ids(client, limit=1) == ["late"]


def test_of_all_decisions_the_last_hundred_are_kept(client):
    for number in range(101):
        tell(client, "validated", f"order-{number}")
    assert len(ids(client, limit=100)) == 100
    assert "order-0" not in ids(client, limit=100)


def test_an_event_that_fails_halfway_and_comes_again_is_noted(client, sidecar):
    def fail(method, key):
        if (method, key) == ("save_state", "orders_decisions"):
            sidecar.before = lambda *_: None
            raise SidecarUnavailable

    sidecar.before = fail
    assert tell(client, "validated") == 503
    assert tell(client, "validated") == 200
    assert ids(client) == ["123"]


def test_decisions_on_a_forgotten_order_are_forgotten_also_if_they_are_told_again(client):
    tell(client, "validated")
    tell(client, "validated", "other")
    client.delete("/records/123")
    tell(client, "validated")
    assert ids(client) == ["other"]
