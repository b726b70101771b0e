"""The log of an order that goes well, as a reader sees it; a replay adds nothing to it."""

import pytest
import structlog
from structlog.testing import capture_logs

from monitor_activities import find_stuck
from pizza_activities import Shop, announce, cook_one_pizza
from pizza_common.metrics import Metrics
from step_meter import StepMeter
from tests.replay.shop_answers import ORDER
from tests.unit.fake_sidecar import FakeSidecar
from worker import activity_of


class Peer(FakeSidecar):
    """A sidecar whose peers are done, or have nothing."""

    def invoke(self, app_id, path, body=None, **_more):
        return {"order_id": "123", "status": "done", "orders": [], **(body or {})}


@pytest.fixture
def logged():
    """The lines of a step's run, each as level, event, and what it is about."""

    def run(step, **given):
        structlog.contextvars.clear_contextvars()
        with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
            activity_of(step, Shop(Peer()), StepMeter(Metrics()))(None, given)
        return [(line.pop("log_level"), line.pop("event"), line) for line in logs]

    return run


def test_a_step_says_that_it_begins_and_ends_for_which_order_round_and_pizza(logged):
    about = {"order_id": "123", "step": "cook_one_pizza", "attempt": 2, "pizza": 3}
    lines = logged(cook_one_pizza, order=ORDER, pizza=3, attempt=2)
    assert lines == [("info", "step begins", about), ("info", "step ends", about)]


def test_an_announcement_says_what_it_announces(logged):
    begins, _ = logged(announce, order=ORDER, status="validated", attempt=1)
    assert begins[2]["status"] == "validated"


def test_the_rounds_of_the_monitor_are_no_noise(logged):
    rules = {"every_seconds": 60, "below": 1, "units": 1}
    assert {level for level, *_ in logged(find_stuck, **rules)} == {"debug"}


@pytest.mark.parametrize(("approved", "status"), [(True, "delivered"), (False, "failed")])
def test_the_workflow_says_once_how_its_order_ended(play, approved, status):
    with capture_logs() as logs:
        play().decide(approved=approved)
    (line,) = [line for line in logs if line["event"] == "order ends"]
    assert (line["order_id"], line["status"]) == ("123", status)
