import json

import pytest
import responses

from pizza_activities import (
    STEPS,
    Shop,
    announce,
    close_validation,
    cook_pizza,
    deliver_pizza,
    discard_pizza,
    order_pizza,
    recall_delivery,
    refund_order,
    validate_pizza,
)
from pizza_common.errors import PeerRefused, PeerUnavailable, SidecarUnavailable
from pizza_common.settings import Settings
from pizza_common.sidecar import Sidecar
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.services import ORDER
from validation_slip import Slip
from worker import NonRetryableError, activity_of

URL = "http://127.0.0.1:3505/"
TICKET = {"order": ORDER, "attempt": 1}


class CallingSidecar(FakeSidecar):
    """State and events in memory; calls of peers as the real one makes them."""

    def __init__(self, real):
        super().__init__()
        self.timeouts = []
        self._real = real

    def invoke(self, app_id, path, body, *, timeout):
        self.timeouts.append(timeout)
        return self._real.invoke(app_id, path, body, timeout=timeout)


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


@pytest.mark.parametrize(
    ("step", "app_id", "path", "seconds"),
    [
        (order_pizza, "pizza-storefront", "order", 4),
        (cook_pizza, "pizza-kitchen", "cook", 13),
        (deliver_pizza, "pizza-delivery", "deliver", 13),
    ],
)
def test_a_step_sends_the_order_and_outwaits_the_peers_stages(
    peers, shop, sidecar, step, app_id, path, seconds
):
    peers.post(URL + path, json={"order_id": "123", "status": "done"})
    assert step(shop, TICKET) == {"order_id": "123", "status": "done"}
    request = peers.calls[0].request
    assert (request.headers["dapr-app-id"], json.loads(request.body)) == (app_id, ORDER)
    assert sidecar.timeouts[0] > seconds


def test_a_slower_shop_is_waited_for_longer(peers, sidecar):
    peers.post(URL + "cook", json={})
    cook_pizza(Shop(sidecar, time_scale=100), TICKET)
    assert sidecar.timeouts[0] > 1300


def test_a_remake_tells_the_kitchen_its_attempt(peers, shop):
    peers.post(URL + "cook", json={})
    cook_pizza(shop, {"order": ORDER, "attempt": 2})
    assert json.loads(peers.calls[0].request.body) == {**ORDER, "attempt": 2}


def test_a_cooked_pizza_may_be_decided_and_a_failed_one_not(peers, shop, slips):
    peers.post(URL + "cook", status=503)
    with pytest.raises(PeerUnavailable):
        cook_pizza(shop, TICKET)
    assert slips.read("123")[0] is None
    peers.post(URL + "cook", json={})
    cook_pizza(shop, TICKET)
    assert slips.read("123")[0] == Slip(1)


@pytest.mark.parametrize(
    ("undo", "app_id", "path"),
    [
        (refund_order, "pizza-storefront", "orders/123/cancel"),
        (discard_pizza, "pizza-kitchen", "cook/123/discard"),
        (recall_delivery, "pizza-delivery", "deliver/123/recall"),
    ],
)
def test_an_undo_names_order_and_attempt(peers, shop, undo, app_id, path):
    peers.post(URL + path, json={"order_id": "123", "status": "undone"})
    undo(shop, {"order": ORDER, "attempt": 2})
    request = peers.calls[0].request
    assert request.headers["dapr-app-id"] == app_id
    assert json.loads(request.body) == {"order_id": "123", "attempt": 2}


def test_a_waiting_pizza_is_announced_once_per_round(shop, sidecar):
    for attempt in (1, 1, 2):
        validate_pizza(shop, {"order": ORDER, "attempt": attempt})
    ids = [event.event_id for event in sidecar.published]
    waiting = "123:waiting_for_validation"
    assert ids == [waiting, waiting, f"{waiting}:2"]


def test_an_announcement_has_the_order_and_the_detail(shop, sidecar):
    announce(shop, {"order": ORDER, "status": "failed", "detail": "no dough"})
    event = sidecar.published[0]
    assert (event.status, event.detail, event.service) == ("failed", "no dough", "pizza-workflow")
    assert event.order.sent() == ORDER


@pytest.mark.parametrize(("detail", "said"), [(None, None), ("", None), (7, "7"), ("x" * 900, 500)])
def test_any_detail_can_be_announced(shop, sidecar, detail, said):
    announce(shop, {"order": ORDER, "status": "failed", "detail": detail})
    shown = sidecar.published[0].detail
    assert (len(shown) if said == 500 else shown) == said


def test_closing_the_validation_gives_an_accepted_decision(shop, slips):
    slips.open("123", 1)
    assert close_validation(shop, TICKET) is None
    slips.open("123", 2)
    slips.decide("123", *slips.read("123"), {"approved": True})
    assert close_validation(shop, {**TICKET, "attempt": 2})["approved"] is True


def test_a_refusal_is_not_tried_again(peers, shop):
    peers.post(URL + "order", json={"detail": "Other content."}, status=409)
    with pytest.raises(NonRetryableError, match=r"pizza-storefront: Other content\.") as caught:
        activity_of(order_pizza, shop)(None, TICKET)
    assert isinstance(caught.value.__cause__, PeerRefused)


def test_a_failure_is_left_to_the_workflow_to_try_again(peers, shop, sidecar):
    peers.post(URL + "order", status=500)
    with pytest.raises(PeerUnavailable):
        activity_of(order_pizza, shop)(None, TICKET)
    sidecar.fail("publish", SidecarUnavailable())
    with pytest.raises(SidecarUnavailable):
        activity_of(validate_pizza, shop)(None, TICKET)


def test_each_step_has_a_name_of_its_own():
    assert len({step.__name__ for step in STEPS}) == len(STEPS) == 9
