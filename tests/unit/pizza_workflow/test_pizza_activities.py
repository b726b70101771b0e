import json

import pytest
import responses

import first_form
from monitor_activities import Rules, find_stuck, restock
from pizza_activities import (
    STEPS,
    Shop,
    announce,
    ask_loyalty,
    authorize_payment,
    capture_payment,
    close_validation,
    confirm_order,
    cook_one_pizza,
    deliver_pizza,
    open_validation,
    order_pizza,
    reserve_stock,
    validate_pizza,
)
from pizza_common.errors import PeerRefused, PeerUnavailable, SidecarUnavailable
from pizza_common.faults import Fault, Faults
from pizza_common.metrics import Metrics
from pizza_common.settings import Settings
from pizza_common.sidecar import Sidecar
from step_meter import StepMeter
from steps import NonRetryableError, input_of
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.services import ORDER, an_order
from undo_activities import (
    UNDOS,
    cancel_order,
    discard_pizza,
    recall_delivery,
    refund_payment,
    release_stock,
)
from validation_slip import Slip
from worker import activity_of

URL = "http://127.0.0.1:3505/"
GIVEN = {"order": ORDER}
DONE = {"order_id": "123", "status": "done"}


class CallingSidecar(FakeSidecar):
    """State and events in memory; calls of peers as the real one makes them."""

    def __init__(self, real):
        super().__init__()
        self.timeouts = []
        self._real = real

    def invoke(self, app_id, path, body=None, *, timeout, **more):
        self.timeouts.append(timeout)
        return self._real.invoke(app_id, path, body, timeout=timeout, **more)


@pytest.fixture
def sidecar():
    real = Sidecar(Settings(dapr_http_port=3505))
    yield CallingSidecar(real)
    real.close()


@pytest.fixture
def shop(sidecar):
    return Shop(sidecar)


@pytest.fixture
def peers():
    with responses.RequestsMock() as mock:
        yield mock


def run(step, shop, given=GIVEN, **more):
    """The step as the engine runs it."""
    return activity_of(step, shop, StepMeter(Metrics()))(None, {**given, **more})


def asked(peers, number=0):
    request = peers.calls[number].request
    return request.headers["dapr-app-id"], json.loads(request.body or "null")


@pytest.mark.parametrize(
    ("step", "app_id", "path", "answer", "seconds"),
    [
        (order_pizza, "pizza-storefront", "order", {"total_cents": 1450}, 4),
        (authorize_payment, "pizza-storefront", "payments", {"amount_cents": 1450}, 0),
        (reserve_stock, "pizza-kitchen", "stock/reservations", {"ingredients": {"ham": 1}}, 0),
        (deliver_pizza, "pizza-delivery", "deliver", {"driver": "Ann"}, 13),
        (first_form.cook_pizza, "pizza-kitchen", "cook", {}, 13),
    ],
)
def test_a_step_sends_the_order_and_outwaits_the_peers_stages(
    peers, shop, sidecar, step, app_id, path, answer, seconds
):
    peers.post(URL + path, json={**DONE, **answer})
    assert run(step, shop) == {**DONE, **answer}
    assert asked(peers) == (app_id, ORDER)
    assert sidecar.timeouts[0] > seconds


def test_a_slower_shop_is_waited_for_longer(peers, sidecar):
    peers.post(URL + "deliver", json=DONE)
    run(deliver_pizza, Shop(sidecar, time_scale=100))
    assert sidecar.timeouts[0] > 1300


def test_one_pizza_is_cooked_by_its_number_and_attempt(peers, shop):
    cooked = {**DONE, "pizza": 2, "attempt": 3}
    peers.post(URL + "cook/123/pizzas/2", json=cooked)
    assert run(cook_one_pizza, shop, pizza=2, attempt=3) == cooked
    assert asked(peers) == ("pizza-kitchen", {"order": ORDER, "pizza": 2, "attempt": 3})


def test_what_is_free_is_not_authorised(peers, shop):
    peers.post(URL + "payments", json={**DONE, "amount_cents": 0})
    run(authorize_payment, shop, free_cents=1450)
    assert asked(peers)[1] == {**ORDER, "free_cents": 1450}


def test_the_customer_is_told_price_and_time(peers, shop):
    peers.post(URL + "orders/123/confirm", json=DONE)
    promise = {"total_cents": 1450, "estimated_at": "2030-01-01T19:00:00Z"}
    assert run(confirm_order, shop, **promise) is None
    assert asked(peers) == ("pizza-storefront", {"order": ORDER, **promise})


def test_money_is_captured_by_order_id(peers, shop):
    peers.post(URL + "payments/123/capture", json=DONE)
    assert run(capture_payment, shop) is None
    assert asked(peers)[0] == "pizza-storefront"


MENU = {
    "pizzas": [
        {"pizza_type": "funghi", "prices": {"small": 900, "medium": 1150, "large": 1400}},
        {"pizza_type": "diavola", "prices": {"small": 1000, "medium": 1250, "large": 1500}},
    ]
}


def test_the_tenth_order_has_its_cheapest_pizza_free(peers, shop):
    peers.post(URL + "loyalty/john-doe.5550123/gifts", json={"free": True})
    peers.get(URL + "menu", json=MENU)
    items = [
        {"pizza_type": "diavola", "size": "small", "quantity": 3},
        {"pizza_type": "funghi", "size": "medium"},
    ]
    order = an_order(pizza_type=None, size=None, items=items)
    assert run(ask_loyalty, shop, {"order": order}) == {"free_cents": 1000}
    assert asked(peers) == ("pizza-loyalty", {"order_id": "123"})


@pytest.mark.parametrize("claim", [{"free": False}, {}, {"free": "yes"}])
def test_any_other_order_has_nothing_free(peers, shop, claim):
    peers.post(URL + "loyalty/john-doe.5550123/gifts", json=claim)
    assert run(ask_loyalty, shop) == {"free_cents": 0}


def test_loyalty_is_not_waited_for_long(peers, shop, sidecar):
    peers.post(URL + "loyalty/john-doe.5550123/gifts", json={})
    run(ask_loyalty, shop)
    assert sidecar.timeouts[0] <= 3


def test_a_remake_of_the_first_form_tells_the_kitchen_its_attempt_and_may_be_decided(
    peers, shop, slips
):
    peers.post(URL + "cook", json=DONE)
    run(first_form.cook_pizza, shop, attempt=2)
    assert asked(peers)[1] == {**ORDER, "attempt": 2}
    assert slips.read("123")[0] == Slip(2)


def test_an_opened_round_may_be_decided(shop, slips):
    run(open_validation, shop, attempt=2)
    assert slips.read("123")[0] == Slip(2)


@pytest.mark.parametrize(
    ("undo", "method", "app_id", "path"),
    [
        (cancel_order, "POST", "pizza-storefront", "orders/123/cancel"),
        (first_form.refund_order, "POST", "pizza-storefront", "orders/123/cancel"),
        (refund_payment, "POST", "pizza-storefront", "payments/123/refund"),
        (release_stock, "DELETE", "pizza-kitchen", "stock/reservations/123"),
        (discard_pizza, "POST", "pizza-kitchen", "cook/123/discard"),
        (recall_delivery, "POST", "pizza-delivery", "deliver/123/recall"),
    ],
)
def test_an_undo_names_the_order(peers, shop, undo, method, app_id, path):
    peers.add(method, URL + path, json=DONE)
    assert run(undo, shop) is None
    assert asked(peers)[0] == app_id


def test_a_recall_that_comes_too_late_gives_the_deliverys_answer(peers, shop):
    delivered = {"order_id": "123", "status": "delivered", "driver": "Ann"}
    peers.post(URL + "deliver/123/recall", json=delivered)
    assert run(recall_delivery, shop) == delivered


@pytest.mark.parametrize("undo", [discard_pizza, recall_delivery])
def test_an_undo_of_an_attempt_names_it(peers, shop, undo):
    path = "cook/123/discard" if undo is discard_pizza else "deliver/123/recall"
    peers.post(URL + path, json=DONE)
    run(undo, shop, attempt=2)
    assert asked(peers)[1] == {"order_id": "123", "attempt": 2}


def test_a_waiting_pizza_is_announced_once_per_round(shop, sidecar):
    for attempt in (1, 1, 2):
        run(validate_pizza, shop, attempt=attempt)
    ids = [event.event_id for event in sidecar.published]
    waiting = "123:waiting_for_validation"
    assert ids == [waiting, waiting, f"{waiting}:2"]


def test_an_announcement_has_the_order_and_the_detail(shop, sidecar):
    run(announce, shop, status="failed", detail="no dough")
    event = sidecar.published[0]
    assert (event.status, event.detail, event.service) == ("failed", "no dough", "pizza-workflow")
    assert event.order.sent() == ORDER


def test_each_reminder_is_an_event_of_its_own(shop, sidecar):
    for repeat in (1, 2, 2):
        run(announce, shop, status="validation_reminder", attempt=2, repeat=repeat)
    assert len({event.event_id for event in sidecar.published}) == 2


def test_a_long_detail_is_cut(shop, sidecar):
    run(announce, shop, status="failed", detail="x" * 900)
    assert len(sidecar.published[0].detail) == 500


def test_closing_the_validation_gives_an_accepted_decision(shop, slips):
    slips.open("123", 1)
    assert run(close_validation, shop) is None
    slips.open("123", 2)
    slips.decide("123", *slips.read("123"), {"approved": True})
    assert run(close_validation, shop, attempt=2)["approved"] is True


def test_a_refusal_is_not_tried_again(peers, shop):
    peers.post(URL + "order", json={"detail": "Other content."}, status=409)
    with pytest.raises(NonRetryableError, match=r"pizza-storefront: Other content\.") as caught:
        run(order_pizza, shop)
    assert isinstance(caught.value.__cause__, PeerRefused)


def test_an_answer_that_cannot_be_read_is_not_asked_for_again(peers, shop):
    peers.post(URL + "order", json={"order_id": "123", "status": "confirmed"})
    with pytest.raises(NonRetryableError, match="total_cents"):
        run(order_pizza, shop)


def test_a_failure_is_left_to_the_workflow_to_try_again(peers, shop, sidecar):
    peers.post(URL + "order", status=500)
    with pytest.raises(PeerUnavailable):
        run(order_pizza, shop)
    sidecar.fail("publish", SidecarUnavailable())
    with pytest.raises(SidecarUnavailable):
        run(validate_pizza, shop)


@pytest.mark.parametrize(("status", "error"), [(500, "InjectedFault"), (409, "NonRetryableError")])
def test_an_injected_fault_fails_the_step_before_it_acts(shop, sidecar, status, error):
    shop.faults = Faults()
    shop.faults.arm(Fault(step="validate_pizza", status=status))
    with pytest.raises(Exception, match="asked for this") as caught:
        run(validate_pizza, shop)
    assert type(caught.value).__name__ == error
    assert sidecar.published == []
    run(validate_pizza, shop)
    assert len(sidecar.published) == 1


def test_an_injected_fault_can_lose_the_answer_of_a_step_that_acted(shop, sidecar):
    shop.faults = Faults()
    shop.faults.arm(Fault(step="validate_pizza", status=500, after=True))
    with pytest.raises(Exception, match="asked for this"):
        run(validate_pizza, shop)
    assert len(sidecar.published) == 1


def test_the_monitor_reads_stuck_orders_out_of_the_order_book(peers, shop):
    found = {**ORDER, "status": "confirmed", "timeline": [], "created_at": "2030"}
    peers.get(URL + "orders", json={"orders": [found], "cursor": None})
    stuck = run(find_stuck, shop, rules())
    assert stuck == {"orders": [{"order": ORDER, "status": "confirmed"}]}


def test_the_monitor_buys_what_is_low_and_nothing_else(peers, shop):
    peers.get(URL + "stock", json={"stock": {"ham": level(99), "basil": level(100)}})
    peers.put(URL + "stock/ham", json={})
    assert run(restock, shop, rules()) == {"bought": ["ham"]}
    assert asked(peers, 1) == ("pizza-kitchen", {"add": 500})


def test_a_restock_that_is_done_again_buys_nothing(peers, shop):
    peers.get(URL + "stock", json={"stock": {"ham": level(599)}})
    assert run(restock, shop, rules()) == {"bought": []}


class RepeatingSidecar:
    """Sends each call to the kitchen three times, as the real one may where answers are lost."""

    def __init__(self, kitchen):
        self.kitchen = kitchen

    def invoke(self, _app_id, path, body=None, *, timeout, method, idempotency_key=None):
        del timeout
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        for _ in range(3):
            answer = self.kitchen.open("/" + path, method=method, json=body, headers=headers)
            assert answer.status_code == 200, answer.text
        return answer.get_json()


def test_a_restock_that_the_sidecar_repeats_is_bought_once_in_a_round(client_of):
    kitchen = client_of("pizza-kitchen", pizza_stock=200)
    for round_ in ("monitor-1", "monitor-2"):
        kitchen.put("/stock/ham", json={"available": 10})
        run(restock, Shop(RepeatingSidecar(kitchen)), rules(), key=round_)
        assert kitchen.get("/stock").get_json()["stock"]["ham"]["available"] == 510


def level(available):
    return {"available": available, "reserved": 1, "used": 2, "bought": available + 3}


def rules():
    return Rules(every_seconds=60, below=100, units=500).model_dump()


def test_each_step_has_a_name_and_an_input_of_its_own():
    steps = (*STEPS, *UNDOS, *first_form.STEPS)
    assert len({step.__name__ for step in steps}) == len(steps) == 21
    assert all(input_of(step) for step in steps)
