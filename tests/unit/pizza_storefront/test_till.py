import pytest

from pizza_common.errors import EtagMismatch, SidecarUnavailable
from tests.unit.callers import SECRET, signed_by
from tests.unit.services import ORDER, an_order

PRICE = 1450


@pytest.fixture
def client(client_of):
    return client_of("pizza-storefront")


def authorize(client, order=ORDER, **more):
    return client.post("/payments", json={**order, **more})


def capture(client):
    return client.post("/payments/123/capture", json={"order_id": "123"})


def refund(client):
    return client.post("/payments/123/refund")


def amounts(client):
    found = client.get("/payments/123").get_json()
    return (
        found["status"],
        *(found[f"{name}_cents"] for name in ("authorized", "captured", "refunded")),
    )


def test_what_the_order_costs_is_set_aside_once(client, sidecar):
    for _ in range(2):
        answer = authorize(client).get_json()
        assert answer == {"order_id": "123", "status": "authorized", "amount_cents": PRICE}
    assert amounts(client) == ("authorized", PRICE, 0, 0)
    assert {event.event_id for event in sidecar.published} == {"123:payment_authorized"}


def test_what_is_free_is_not_set_aside(client):
    assert authorize(client, free_cents=450).get_json()["amount_cents"] == 1000
    assert authorize(client, free_cents=451).status_code == 409
    assert (
        authorize(client, an_order(order_id="4"), free_cents=5000).get_json()["amount_cents"] == 0
    )


def test_what_was_set_aside_is_captured_once(client, sidecar):
    assert capture(client).status_code == 404
    authorize(client)
    for _ in range(2):
        answer = capture(client).get_json()
        assert answer == {"order_id": "123", "status": "captured", "amount_cents": PRICE}
    assert amounts(client) == ("captured", PRICE, PRICE, 0)
    assert sidecar.statuses[-1] == "payment_captured"
    assert authorize(client).get_json()["status"] == "authorized", "the first answer again"
    assert amounts(client) == ("captured", PRICE, PRICE, 0)


def test_a_refund_gives_back_what_was_captured(client, sidecar):
    authorize(client)
    capture(client)
    for _ in range(2):
        assert refund(client).get_json()["status"] == "refunded"
    assert amounts(client) == ("refunded", PRICE, PRICE, PRICE)
    assert sidecar.statuses[-1] == "payment_refunded"
    assert authorize(client).status_code == capture(client).status_code == 409


def test_a_refund_voids_what_was_only_set_aside(client, sidecar):
    authorize(client)
    for _ in range(2):
        assert refund(client).get_json()["status"] == "voided"
    assert amounts(client) == ("voided", PRICE, 0, 0)
    assert sidecar.statuses[-1] == "payment_voided"
    assert authorize(client).status_code == capture(client).status_code == 409


def test_a_refund_that_comes_first_prevents_and_tells_nothing(client, sidecar):
    assert client.get("/payments/123").status_code == 404
    answer = refund(client).get_json()
    assert answer == {"order_id": "123", "status": "none", "amount_cents": 0}
    assert amounts(client) == ("none", 0, 0, 0)
    assert authorize(client).status_code == capture(client).status_code == 409
    assert sidecar.statuses == []


@pytest.mark.parametrize("method", ["get_state", "save_state", "publish"])
def test_a_payment_that_fails_anywhere_ends_right_when_asked_again(client, sidecar, method):
    for act, status in ((authorize, "authorized"), (capture, "captured"), (refund, "refunded")):
        sidecar.fail(method, SidecarUnavailable())
        assert act(client).status_code == 503
        assert act(client).get_json()["status"] == status
    assert sidecar.statuses == ["payment_authorized", "payment_captured", "payment_refunded"]


def test_of_capture_and_refund_at_the_same_time_the_money_is_moved_once(client, sidecar):
    authorize(client)

    def refund_between(method, key):
        if method == "save_state":
            sidecar.before = lambda *_: None
            value, etag = sidecar.get_state(key)
            sidecar.save_state(key, {**value, "status": "voided"}, etag)

    sidecar.before = refund_between
    assert capture(client).status_code == 409
    assert amounts(client) == ("voided", PRICE, 0, 0)


def test_a_payment_that_others_write_all_the_time_is_asked_for_again(client, sidecar):
    sidecar.fail("save_state", EtagMismatch(), times=1000)
    assert authorize(client).status_code == 503


def test_the_customer_is_told_the_price_and_the_time_unless_the_order_was_cancelled(
    client, sidecar
):
    body = {"order": ORDER, "total_cents": 1450, "estimated_at": "2026-01-01T12:00:00+01:00"}
    answer = client.post("/orders/123/confirm", json=body)
    assert answer.get_json() == {
        "order_id": "123",
        "status": "order_confirmed",
        "total_cents": 1450,
        "estimated_at": "2026-01-01T11:00:00.000Z",
    }
    told = sidecar.published[-1]
    assert told.event_id == "123:order_confirmed"
    assert told.detail == "1450 cents, estimated at 2026-01-01T11:00:00.000Z"
    client.post("/orders/123/cancel")
    assert client.post("/orders/123/confirm", json=body).status_code == 409


def receipts(client):
    found = client.get("/payments/123/receipts").get_json()["receipts"]
    return [(each["status"], each["captured_cents"], each["refunded_cents"]) for each in found]


def test_what_was_taken_for_a_forgotten_order_has_a_receipt_and_the_id_pays_anew(client, sidecar):
    for _ in range(2):
        authorize(client)
        capture(client)
        for _ in range(2):
            assert client.delete("/records/123").status_code == 200
        assert client.get("/payments/123").status_code == 404
    assert receipts(client) == [("captured", PRICE, 0)] * 2
    assert sidecar.ttls["payment_123"] == 3650 * 86400
    authorize(client, an_order(size="small"))
    assert amounts(client) == ("authorized", 950, 0, 0)
    sidecar.expire()
    assert receipts(client) == [("captured", PRICE, 0)] * 2


def test_money_that_was_only_set_aside_is_gone_with_its_order(client, sidecar):
    authorize(client)
    client.delete("/records/123")
    assert receipts(client) == []
    assert sidecar.stored() == []


def test_a_forgetting_that_fails_anywhere_keeps_one_receipt_when_asked_again(client, sidecar):
    for after in range(3):
        authorize(client)
        capture(client)
        sidecar.fail("get_state", SidecarUnavailable(), after=after)
        client.delete("/records/123")
        sidecar.refuse_what_is_written()
        client.delete("/records/123")
        assert len(receipts(client)) == after + 1


def test_a_refund_by_hand_names_its_operator_and_one_of_the_workflow_names_nobody(
    client_of, sidecar
):
    client = client_of("pizza-storefront", pizza_secret=SECRET)
    authorize(client)
    for name, role in (("pizza-workflow", "service"), ("Olga", "operator")):
        client.post("/payments/123/refund", headers=signed_by(SECRET, role, name=name))
    assert [event.by for event in sidecar.published] == [None, None, "Olga"]
