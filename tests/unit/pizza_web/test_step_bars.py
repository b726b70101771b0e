import pytest

from step_bars import WIDTH, lasting, timeline
from tests.unit.pizza_web.operator_shop import AT, a_history, a_step

LATER = "2026-05-04T12:00:10.000Z"


def test_bars_are_drawn_to_scale_from_the_begin_to_the_end_or_until_now():
    second = a_step("cook", began_at="2026-05-04T12:00:02.500Z", ended_at=None, seconds=None)
    first, running = timeline(a_history(a_step("order_pizza"), second), LATER).bars
    assert (first.x, first.width) == (0, WIDTH // 4)
    assert (running.x, running.width) == (WIDTH // 4, WIDTH * 3 // 4)
    assert (first.took, running.took) == ("2.5 s", "7.5 s")


def test_a_step_that_took_no_time_is_seen_also_at_the_end():
    last = a_step("announce", began_at=LATER, ended_at=LATER, seconds=0)
    (bar,) = timeline(a_history(last, ended_at=LATER), LATER).bars
    assert bar.width > 0
    assert bar.x + bar.width <= WIDTH


def test_the_steps_of_a_round_follow_it_and_failed_tries_are_marked():
    failures = [{"at": "2026-05-04T12:00:05.000Z", "error": "no"}]
    inner = a_step("announce", failures=failures, tries=2)
    round_ = a_step("cook_round", kind="child", instance_id="pizza-order-a-b:round-2")
    found = timeline(a_history({**round_, "history": a_history(inner)}), LATER).bars
    assert [(bar.label, bar.depth) for bar in found] == [("Round 2", 0), ("Announce", 1)]
    assert (found[0].child, found[1].marks, found[1].error) == ("round-2", [500], "no")


def test_only_the_last_rows_of_a_feast_are_drawn():
    history = a_history(*[a_step(f"s{number}") for number in range(400)], left_out=7)
    found = timeline(history, LATER)
    assert (found.bars[-1].label, len(found.bars), found.left_out) == ("S399", 100, 307)


def test_a_workflow_that_has_not_begun_has_no_bars():
    assert timeline(a_history(began_at=None), AT).bars == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10.0 s"),
        (59.4, "59 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (273600, "3 d 4 h"),
    ],
)
def test_durations_are_short(seconds, text):
    assert lasting(seconds) == text
