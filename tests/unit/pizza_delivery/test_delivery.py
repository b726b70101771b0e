import pytest

from pizza_common.errors import SidecarUnavailable
from tests.unit.services import ORDER, an_order


@pytest.fixture
def client(client_of):
    return client_of("pizza-delivery")


def test_an_order_is_driven_through_all_stages(client, sidecar, pace):
    answer = client.post("/deliver", json=ORDER).get_json()
    assert answer == {**ORDER, "status": "delivered", "driver": answer["driver"]}
    assert sidecar.statuses == [
        "delivery_finding_driver",
        "delivery_driver_assigned",
        "delivery_picked_up",
        "delivery_on_the_way",
        "delivery_arriving",
        "delivery_at_location",
        "delivered",
    ]
    assert pace.waits == [2, 1, 2, 5, 2, 1]


def test_an_order_always_has_the_same_driver(client):
    first, second = (client.post("/deliver", json=ORDER).get_json() for _ in range(2))
    assert first == second


def test_orders_are_spread_over_the_drivers(client):
    answers = (client.post("/deliver", json=an_order(order_id=str(n))) for n in range(20))
    assert len({answer.get_json()["driver"] for answer in answers}) > 3


def test_a_recalled_order_is_not_delivered_any_more(client, sidecar):
    answer = client.post("/deliver/123/recall", json={})
    assert answer.get_json() == {"order_id": "123", "status": "recalled"}
    assert client.post("/deliver", json=ORDER).status_code == 409
    assert sidecar.statuses == []


def test_what_was_delivered_is_not_recalled_but_said_to_be_delivered(client, sidecar):
    delivered = client.post("/deliver", json=ORDER).get_json()
    answer = client.post("/deliver/123/recall", json={})
    assert (answer.status_code, answer.get_json()) == (200, delivered)
    assert client.post("/deliver", json=ORDER).get_json() == delivered
    assert "delivery_recalled" not in sidecar.statuses


def test_a_delivery_that_could_not_be_told_is_told_by_its_recall(client, sidecar):
    sidecar.fail("publish", SidecarUnavailable(), after=6)
    assert client.post("/deliver", json=ORDER).status_code == 503
    assert client.post("/deliver/123/recall", json={}).get_json()["status"] == "delivered"
    assert sidecar.statuses[-1] == "delivered"


def test_an_order_that_is_recalled_on_the_doorstep_is_never_told_as_delivered(
    client, client_of, sidecar
):
    other = client_of("pizza-delivery")
    saves = []

    def recall_before_it_is_kept(method, key):
        saves.extend([key] if (method, key) == ("save_state", "deliver_123") else [])
        if len(saves) == 8:  # begun, six stages, and now the answer
            sidecar.before = lambda *_: None
            other.post("/deliver/123/recall", json={})

    sidecar.before = recall_before_it_is_kept
    assert client.post("/deliver", json=ORDER).status_code == 409
    assert sidecar.statuses[-1] == "delivery_recalled"
    assert "delivered" not in sidecar.statuses


def test_recalling_a_delivery_that_began_is_told(client, sidecar, pace):
    pace.stop_before_wait = 3
    client.post("/deliver", json=ORDER)
    client.post("/deliver/123/recall", json={"reason": "wrong address"})
    assert sidecar.published[-1].event_id == "123:delivery_recalled"
    assert sidecar.published[-1].detail == "wrong address"


def test_a_forgotten_order_is_delivered_anew_and_told_anew(client, sidecar):
    for lives in (1, 2):
        assert client.post("/deliver", json=ORDER).get_json()["status"] == "delivered"
        assert sidecar.statuses.count("delivered") == lives
        assert client.delete("/records/123").status_code == 200
        assert "deliver_123" not in sidecar.stored()


def test_a_delivery_that_runs_while_its_order_is_forgotten_stops_and_frees_its_driver(
    client, sidecar
):
    def forget(_method, key):
        if key == "123:delivery_on_the_way":
            client.application.test_client().delete("/records/123")

    sidecar.before = forget
    assert client.post("/deliver", json=ORDER).status_code == 409
    assert sidecar.statuses[-1] == "delivery_on_the_way"
    assert all(each["order_id"] is None for each in client.get("/drivers").get_json()["drivers"])
    assert "deliver_123" not in sidecar.stored()
