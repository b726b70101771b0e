import pytest

from pizza_common.errors import SidecarUnavailable
from tests.unit.services import ORDER, an_order

TERMINATED = (200, {"order_id": "123", "status": "terminated"})


@pytest.mark.parametrize("runtime_status", ["PENDING", "RUNNING", "SUSPENDED"])
def test_an_unfinished_order_is_terminated_and_the_order_book_told(
    post, workflows, sidecar, runtime_status
):
    workflows.put(runtime_status, input={"order": ORDER})
    assert post("/terminate-order") == TERMINATED
    assert [event.event_id for event in sidecar.published] == ["123:terminated"]


def test_an_announcement_that_failed_is_made_up_for(post, workflows, sidecar):
    workflows.put(input={"order": ORDER})
    sidecar.fail("publish", SidecarUnavailable())
    assert [post("/terminate-order")[0], post("/terminate-order")[0]] == [503, 409]
    assert sidecar.statuses == ["terminated"]


def test_an_order_that_ended_a_moment_before_is_a_conflict(post, workflows, sidecar):
    workflows.put(input={"order": ORDER})
    workflows.terminate = lambda order_id: workflows.put("COMPLETED")
    assert post("/terminate-order")[0] == 409
    assert sidecar.statuses == []


def test_a_termination_that_does_not_show_is_not_claimed(post, workflows, sidecar):
    workflows.put(input={"order": ORDER})
    workflows.obeys = False
    assert post("/terminate-order")[0] == 503
    assert sidecar.statuses == []


@pytest.mark.parametrize(
    ("given", "told"), [(ORDER, 1), (an_order(order_id=None), 1), ({"tip": 1}, 0), (None, 0)]
)
def test_an_order_that_was_started_below_http_is_terminated_too(
    post, workflows, sidecar, given, told
):
    workflows.put(input=given)
    assert post("/terminate-order") == TERMINATED
    assert [event.event_id for event in sidecar.published] == ["123:terminated"] * told


def test_who_terminated_is_told(client_as_ann, workflows, sidecar):
    workflows.put(input={"order": ORDER})
    assert client_as_ann("/terminate-order") == 200
    assert [event.by for event in sidecar.published] == ["Ann"]
