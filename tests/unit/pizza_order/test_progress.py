"""How far an order is: its timeline is told as the shop tells it, a second after another."""

from datetime import UTC, datetime, timedelta

import pytest

from pizza_common.event import moment
from pizza_common.status import DELIVERY_STAGES, KITCHEN_STAGES, STOREFRONT_STAGES, Status
from pizza_common.timeline import merge
from progress import progress
from tests.unit.services import an_order

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)
TAKEN = [(stage.status, stage.seconds) for stage in STOREFRONT_STAGES]
PAID = [("payment_authorized", 0), ("stock_reserved", 0), ("order_confirmed", 0)]
COOKED = [*((stage.status, stage.seconds) for stage in KITCHEN_STAGES), ("cooked", 0)]
WAITING = [*TAKEN, *PAID, *COOKED, ("waiting_for_validation", 0)]
BROUGHT = [*((stage.status, stage.seconds) for stage in DELIVERY_STAGES), ("delivered", 0)]


def told(*story, later=0.0, scale=1.0, order=None, upto=None):
    """The progress of an order of which each status was told and then lasted so many seconds.

    A third element is the round. `upto` is the status that was told just now.
    """
    timeline, now = [], BEGIN
    for status, seconds, *attempt in story:
        entry = {"status": str(status), "at": moment(now), "service": "test"}
        timeline = merge(timeline, entry | ({"attempt": attempt[0]} if attempt else {}))
        if status == upto:
            break
        now += timedelta(seconds=seconds * scale)
    known = {"order": an_order(**(order or {})), "timeline": timeline, "since": moment(BEGIN)}
    return progress(known, scale, now + timedelta(seconds=later))


def states(told):
    return [step["state"] for step in told["steps"]]


def at(seconds):
    return moment(BEGIN + timedelta(seconds=seconds))


def test_an_order_of_which_nothing_was_said_yet_is_at_its_first_step():
    found = told()
    assert states(found) == ["current", "waiting", "waiting", "waiting", "waiting"]
    assert (found["placed_at"], found["estimated_at"]) == (at(0), at(4 + 13 + 13))
    assert [step["usual_seconds"] for step in found["steps"]] == [4, 0, 13, None, 13]


def test_a_step_that_goes_on_shows_how_far_it_is_by_its_stages():
    found = told(*TAKEN, *PAID, *COOKED, upto=Status.COOKING_BAKING)
    assert states(found) == ["done", "done", "current", "waiting", "waiting"]
    order, payment, cooking, *_ = found["steps"]
    assert (order["began_at"], order["ended_at"], order["share"]) == (at(0), at(4), 1)
    assert (payment["ended_at"], payment["share"]) == (at(4), 1)
    assert (cooking["began_at"], cooking["ended_at"]) == (at(4), None)
    assert cooking["share"] == pytest.approx(7 / 13, abs=0.001)


def test_the_estimate_stays_while_all_goes_as_usual_and_moves_when_it_does_not():
    in_time = [
        told(*TAKEN, *PAID, *COOKED, upto=status)["estimated_at"]
        for status in (Status.PROCESSING, Status.COOKING_MAKING_DOUGH, Status.COOKING_BAKING)
    ]
    assert in_time == [at(4 + 13 + 13)] * 3
    baking = [*TAKEN, *PAID, *COOKED]
    assert told(*baking, upto=Status.COOKING_BAKING, later=5)["estimated_at"] == at(30)
    late = told(*baking, upto=Status.COOKING_BAKING, later=60)
    assert late["estimated_at"] == at(4 + 7 + 60 + 13)
    assert late["seconds_left"] == 13


def test_what_was_slow_before_moves_the_estimate():
    slow = [(status, 30 if status == Status.COOKING_MAKING_DOUGH else s) for status, s in COOKED]
    found = told(*TAKEN, *PAID, *slow, upto=Status.COOKING_BAKING)
    assert found["estimated_at"] == at(4 + 2 + 30 + 2 + 6 + 13)


@pytest.mark.parametrize("scale", [0, 0.1, 60])
def test_the_time_scale_counts(scale):
    found = told(*TAKEN, *PAID, *COOKED, upto=Status.COOKING_BAKING, scale=scale)
    assert found["estimated_at"] == at(30 * scale)
    assert found["steps"][2]["usual_seconds"] == pytest.approx(13 * scale)
    assert found["steps"][2]["share"] == pytest.approx(7 / 13 if scale else 0, abs=0.001)


def test_a_large_order_takes_as_long_as_its_batches():
    items = [{"pizza_type": "funghi", "size": "small", "quantity": 20}] * 2
    order = {"pizza_type": None, "size": None, "items": items}
    found = told(*TAKEN, *PAID, *COOKED, upto=Status.COOKING_QUALITY_CHECK, order=order)
    assert found["steps"][2]["usual_seconds"] == 26
    assert found["steps"][2]["share"] == pytest.approx(12 / 26, abs=0.001)
    assert found["estimated_at"] == at(4 + 26 + 13)


def test_a_manager_is_waited_for_as_long_as_it_takes():
    found = told(*WAITING, later=100)
    assert states(found) == ["done", "done", "done", "current", "waiting"]
    assert (found["waits_for"], found["seconds_left"]) == ("manager", 13)
    assert found["steps"][3]["usual_seconds"] is None


def test_a_driver_is_waited_for_and_then_has_the_whole_way_to_go():
    waiting = [*WAITING, ("validated", 0), ("waiting_for_driver", 50)]
    found = told(*waiting)
    assert (found["waits_for"], found["seconds_left"]) == ("driver", 13)
    assert states(found)[-1] == "current"
    found = told(*waiting, *BROUGHT, upto=Status.DELIVERY_PICKED_UP)
    assert (found["waits_for"], found["seconds_left"]) == (None, 10)
    assert found["steps"][4]["share"] == pytest.approx(3 / 13, abs=0.001)


def test_a_scheduled_order_is_expected_at_its_time():
    wanted = {"scheduled_for": "2026-01-02T18:00:00.000Z"}
    found = told(("scheduled", 0), order=wanted)
    assert (found["waits_for"], found["estimated_at"]) == ("its_time", wanted["scheduled_for"])
    assert states(found)[0] == "current"
    assert told(("scheduled", 60), *TAKEN, order=wanted)["waits_for"] is None


def test_a_paused_order_waits_for_an_operator_until_it_is_resumed():
    paused = [*TAKEN, *PAID, *COOKED, ("paused", 60)]
    found = told(*paused)
    assert (found["waits_for"], states(found)[3]) == ("operator", "current")
    found = told(*paused, ("resumed", 1), ("waiting_for_validation", 0))
    assert found["waits_for"] == "manager"


def test_an_order_that_arrived_has_no_estimate_and_all_steps_are_done():
    found = told(*WAITING, ("validated", 0), *BROUGHT, ("payment_captured", 0))
    assert found["is_over"]
    assert (found["estimated_at"], found["seconds_left"]) == (None, None)
    assert states(found) == ["done"] * 5
    assert found["steps"][4]["ended_at"] == at(30)


def test_money_that_comes_back_after_all_is_not_the_delivery_undone():
    found = told(*WAITING, ("validated", 0), *BROUGHT, ("payment_refunded", 0))
    assert states(found) == ["done", "undone", "done", "done", "done"]


def test_a_remake_cooks_and_asks_again():
    rejected = [*WAITING, ("rejected", 1)]
    assert states(told(*rejected)) == ["done", "done", "done", "current", "waiting"]
    assert told(*rejected)["estimated_at"] is None
    found = told(*rejected, ("remaking", 1))
    assert (found["round"], states(found)) == (
        2,
        ["done", "done", "current", "waiting", "waiting"],
    )
    assert (found["seconds_left"], found["steps"][2]["share"]) == (26, 0)
    second = [(status, seconds, 2) for status, seconds in COOKED]
    found = told(*rejected, ("remaking", 1), *second, ("waiting_for_validation", 0, 2))
    assert states(found) == ["done", "done", "done", "current", "waiting"]
    assert (found["waits_for"], found["steps"][2]["began_at"]) == ("manager", at(19))


UNDONE = [("stock_released", 0), ("payment_voided", 0), ("order_cancelled", 0)]


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ([*TAKEN[:1], ("order_cancelled", 0), ("cancelled", 0)], "undone skipped skipped skipped"),
        (
            [*TAKEN, *PAID, *COOKED[:2], ("pizza_discarded", 0), *UNDONE, ("cancelled", 0)],
            "undone undone undone skipped",
        ),
        (
            [*WAITING, ("rejected", 0), ("pizza_discarded", 0), *UNDONE, ("failed", 0)],
            "undone undone undone stopped",
        ),
        (
            [*WAITING, ("escalated", 0), ("pizza_discarded", 0), *UNDONE, ("cancelled", 0)],
            "undone undone undone stopped",
        ),
        ([*TAKEN, *PAID, *COOKED[:2], ("terminated", 0)], "done done stopped skipped"),
        (
            [*WAITING, ("rejected", 0), ("remaking", 0), ("terminated", 0)],
            "done done done stopped",
        ),
        (
            [
                *WAITING,
                ("rejected", 0),
                ("pizza_discarded", 0),
                ("remaking", 0),
                *((status, seconds, 2) for status, seconds in COOKED),
                ("terminated", 0, 2),
            ],
            "done done done skipped",
        ),
    ],
    ids=[
        "taking",
        "cooking",
        "rejected",
        "escalated",
        "terminated",
        "terminated-in-remake",
        "terminated-after-remake",
    ],
)
def test_what_was_called_off_says_how_far_it_came_and_what_was_undone(story, expected):
    found = told(*story)
    assert states(found) == [*expected.split(), "skipped"]
    assert (found["estimated_at"], found["waits_for"], found["is_over"]) == (None, None, True)


def test_what_no_manager_decided_in_time_is_called_off_from_then_on():
    found = told(*WAITING, ("escalated", 0))
    assert states(found)[2:] == ["done", "stopped", "skipped"]
    assert (found["estimated_at"], found["waits_for"], found["is_over"]) == (None, None, False)


def test_a_delivery_that_is_recalled_is_undone():
    undone = [("delivery_recalled", 0), ("pizza_discarded", 0), *UNDONE]
    found = told(*WAITING, ("validated", 0), *BROUGHT[:3], *undone)
    assert not found["is_over"]
    assert states(found) == ["undone", "undone", "undone", "done", "undone"]
    assert found["estimated_at"] is None


def test_an_order_that_goes_through_the_steps_without_a_workflow_skips_some():
    found = told(*TAKEN, *COOKED, *BROUGHT)
    assert states(found) == ["done", "skipped", "done", "skipped", "done"]


def test_the_book_answers_with_the_progress_of_an_order(client_of):
    client = client_of("pizza-order", pizza_time_scale=2)
    assert client.get("/order/123/progress").status_code == 404
    client.post("/order", json=an_order())
    found = client.get("/order/123/progress").get_json()
    assert (found["order_id"], found["status"]) == ("123", "received")
    assert [step["step"] for step in found["steps"]] == [
        "order",
        "payment",
        "cooking",
        "approval",
        "delivery",
    ]
    assert found["seconds_left"] == 60
