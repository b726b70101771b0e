from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pizza_common.status import FINAL, NOTICES, Status, rank
from pizza_common.timeline import merge, status_of


def an_entry(status, at="2026-01-01T00:00:00.000Z", attempt=1):
    more = {"attempt": attempt} if attempt > 1 else {}
    return {"status": Status(status).value, "at": at, "service": "pizza-test", **more}


def timeline_of(entries):
    return reduce(merge, entries, [])


entries = st.builds(
    an_entry,
    st.sampled_from(Status),
    st.integers(0, 9).map("2026-01-01T00:00:0{}.000Z".format),
    st.integers(1, 3),
)


@given(st.lists(entries, max_size=12), st.randoms(use_true_random=False))
def test_the_same_events_in_any_order_end_in_the_same_timeline(events, random):
    shuffled = [*events, *random.sample(events, len(events) // 2)]
    random.shuffle(shuffled)
    assert timeline_of(shuffled) == timeline_of(events)


@given(st.lists(entries, max_size=12))
def test_no_status_is_twice_in_a_round(events):
    names = [(entry["status"], entry.get("attempt", 1)) for entry in timeline_of(events)]
    assert len(names) == len(set(names))
    assert set(names) == {(entry["status"], entry.get("attempt", 1)) for entry in events}


under_way = st.sampled_from([status for status in Status if status != Status.DELIVERED])


@given(st.lists(under_way, min_size=1, max_size=12))
def test_the_status_is_that_of_the_highest_rank(statuses):
    standing = [status for status in statuses if status not in NOTICES]
    highest = max(standing, key=rank, default=Status.RECEIVED)
    assert status_of(timeline_of(map(an_entry, statuses))) == highest


def test_of_an_event_that_was_told_twice_the_first_time_counts():
    late, early = (an_entry("cooked", f"2026-01-01T00:00:0{second}.000Z") for second in (5, 1))
    assert timeline_of([late, early]) == timeline_of([early, late]) == [early]


def test_an_order_of_which_nothing_was_said_is_received():
    assert status_of([]) == Status.RECEIVED


def test_a_pizza_discarded_for_a_remake_does_not_end_the_order():
    told = [an_entry("pizza_discarded"), an_entry("cooking_baking", attempt=2)]
    assert status_of(timeline_of(told)) == Status.COOKING_BAKING
    assert status_of(timeline_of([*told, an_entry("delivered")])) == Status.DELIVERED


def test_a_pizza_discarded_at_last_is_part_of_the_undoing():
    told = [an_entry("pizza_discarded"), an_entry("delivery_finding_driver")]
    assert status_of(timeline_of(told)) == Status.PIZZA_DISCARDED


MONEY = ("payment_captured", "payment_voided", "payment_refunded")


@pytest.mark.parametrize("stands", ["waiting_for_validation", "cooking_baking", *FINAL])
@pytest.mark.parametrize("money", MONEY)
def test_what_is_said_of_the_money_stands_in_the_timeline_and_moves_no_order(stands, money):
    told = timeline_of([an_entry(stands), an_entry(money)])
    assert {entry["status"] for entry in told} == {stands, money}
    assert status_of(told) == stands


@pytest.mark.parametrize("undone", ["pizza_discarded", "stock_released", "order_cancelled"])
def test_a_delivered_order_is_undone_only_by_recalling_its_delivery(undone):
    told = [an_entry("delivered"), an_entry(undone)]
    assert status_of(timeline_of(told)) == Status.DELIVERED
    recalled = timeline_of([*told, an_entry("delivery_recalled")])
    assert status_of(recalled) == undone
    assert status_of(timeline_of([*recalled, an_entry("failed")])) == Status.FAILED


def test_a_reminder_is_told_each_time_and_does_not_move_the_order():
    reminders = [an_entry("validation_reminder") | {"repeat": number} for number in (3, 1, 2)]
    told = timeline_of([*reminders, an_entry("waiting_for_validation")])
    assert [entry.get("repeat") for entry in told] == [None, 1, 2, 3]
    assert status_of(told) == Status.WAITING_FOR_VALIDATION


def test_a_pause_stands_where_its_time_puts_it_and_does_not_move_the_order():
    def at(second, status, **more):
        return an_entry(status, f"2026-01-01T00:00:0{second}.000Z") | more

    told = timeline_of(
        [
            at(5, "resumed", repeat=2),
            at(6, "cooked"),
            at(3, "resumed"),
            at(1, "confirmed"),
            at(4, "paused", repeat=2),
            at(2, "paused"),
            at(0, "paused", repeat=3),
        ]
    )
    statuses = ["paused", "confirmed", "paused", "resumed", "paused", "resumed", "cooked"]
    assert [entry["status"] for entry in told] == statuses
    assert status_of(told) == status_of([*told, at(9, "paused")]) == Status.COOKED
