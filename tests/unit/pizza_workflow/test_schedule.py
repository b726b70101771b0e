from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.services import an_order


def later(**time):
    return an_order(scheduled_for=(datetime.now(UTC) + timedelta(**time)).isoformat())


def test_an_order_for_later_is_started_with_its_time_in_utc(post, workflows):
    assert post("/start-order", later(hours=2))[0] == 200
    assert workflows.instances["123"].order["scheduled_for"].endswith("Z")


@pytest.mark.parametrize("time", [{"seconds": -1}, {"days": -400}, {"days": 31}])
def test_a_time_that_cannot_be_kept_is_refused(post, workflows, time):
    status, problem = post("/start-order", later(**time))
    assert (status, problem["errors"][0]["field"]) == (400, "scheduled_for")
    assert workflows.calls == []


@pytest.mark.parametrize("text", ["soon", "2030-01-01T19:00:00", "2030-02-30T19:00:00Z", 5])
def test_a_time_without_form_or_offset_is_refused(post, text):
    status, problem = post("/start-order", an_order(scheduled_for=text))
    assert (status, problem["errors"][0]["field"]) == (400, "scheduled_for")


def test_an_order_that_is_known_may_be_asked_for_again_when_its_time_has_passed(
    post, sidecar, workflows
):
    order = later(hours=-1)
    value = {"order": {**order, "scheduled_for": order["scheduled_for"]}, "started": True}
    sidecar.save_state("request_123", value)
    assert post("/start-order", order)[0] == 200
    assert workflows.calls == []


def test_another_time_is_another_order(post):
    post("/start-order", later(hours=1))
    assert post("/start-order", later(hours=2))[0] == 409
