import contextlib

import pytest

from pizza_activities import Shop, announce, order_pizza
from pizza_common.errors import PeerRefused, PeerUnavailable
from pizza_common.metrics import Metrics
from pizza_common.service import service_app
from pizza_common.settings import Settings
from step_meter import StepMeter
from tests.unit.metric_values import values
from tests.unit.services import ORDER
from undo_activities import refund_payment
from worker import activity_of

RUNS, SUMS = "pizza_step_seconds_count", "pizza_step_seconds_sum"
RETRIES, UNDONE = "pizza_step_retries_total", "pizza_compensations_total"


class Peer:
    """A sidecar whose peers answer, or raise what they are told to."""

    def __init__(self, error=None):
        self.error = error

    def invoke(self, *_args, **_more):
        if self.error:
            raise self.error
        return {"order_id": "123", "status": "done", "total_cents": 1}

    def publish(self, _event):
        raise ZeroDivisionError  # a mistake in this program


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def run(metrics):
    meter = StepMeter(metrics)

    def run(step, error=None, **given):
        activity = activity_of(step, Shop(Peer(error)), meter)
        with contextlib.suppress(Exception):
            activity(None, {"order": ORDER, **given})

    return run


@pytest.fixture
def numbers(metrics):
    client = service_app("pizza-test", Settings(), metrics=metrics).test_client()
    return lambda name: values(client, name)


def test_a_run_is_measured_by_its_outcome(run, numbers):
    run(order_pizza)
    run(order_pizza, PeerUnavailable("away"))
    run(order_pizza, PeerRefused("no", 409))
    assert numbers(RUNS) == {(end, "order_pizza"): 1 for end in ("done", "failed", "refused")}
    assert all(seconds > 0 for seconds in numbers(SUMS).values())


def test_only_what_is_tried_again_is_a_retry(run, numbers):
    run(order_pizza, PeerUnavailable("away"))
    run(order_pizza, PeerRefused("no", 409))
    run(announce, status="cooked")
    assert numbers(RETRIES) == {("order_pizza",): 1, ("announce",): 1}


def test_an_undo_is_a_compensation_once_it_is_done(run, numbers):
    run(refund_payment, PeerUnavailable("away"))
    assert numbers(UNDONE) == {}
    run(refund_payment)
    run(order_pizza)
    assert numbers(UNDONE) == {("refund_payment",): 1}
