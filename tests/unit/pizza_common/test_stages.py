import threading

import pytest

from pizza_common.errors import Conflict, Interrupted, SidecarUnavailable, Undone
from pizza_common.order import Order, Undo
from pizza_common.stages import Step, StepRunner
from pizza_common.status import Stage, Status
from tests.unit.services import ORDER, FakePace, an_order

STEP = Step(
    service="pizza-test",
    key="cook",
    stages=(Stage(Status.COOKING_MAKING_DOUGH, 3), Stage(Status.COOKING_BAKING, 5)),
    done=Status.COOKED,
    undone=Status.PIZZA_DISCARDED,
    undone_word="discarded",
)
PIZZA = Order.model_validate(ORDER)
COOKED = {**ORDER, "status": "cooked"}
ALL = ["cooking_making_dough", "cooking_baking", "cooked"]


@pytest.fixture
def runner(sidecar, pace):
    return StepRunner(STEP, sidecar, pace)


def test_a_step_announces_each_stage_then_takes_its_time(runner, sidecar, pace):
    assert runner.run(PIZZA) == COOKED
    assert sidecar.statuses == ALL
    assert pace.waits == [3, 5]


def test_asked_twice_it_gives_the_first_answer_and_does_nothing(runner, sidecar):
    runner.run(PIZZA, lambda: {"driver": "Ada"})
    assert runner.run(PIZZA, lambda: {"driver": "Ben"}) == {**COOKED, "driver": "Ada"}
    assert sidecar.statuses == ALL


def test_other_content_under_the_same_id_is_a_conflict(runner, sidecar):
    runner.run(PIZZA)
    with pytest.raises(Conflict):
        runner.run(Order.model_validate(an_order(size="small")))


def test_an_interrupted_step_goes_on_after_the_last_stage_that_was_finished(runner, sidecar, pace):
    pace.stop_before_wait = 2
    with pytest.raises(Interrupted):
        runner.run(PIZZA)
    again = FakePace()
    assert StepRunner(STEP, sidecar, again).run(PIZZA) == COOKED
    assert again.waits == [5]
    ids = [event.event_id for event in sidecar.published]
    assert ids == ["123:cooking_making_dough", *["123:cooking_baking"] * 2, "123:cooked"]


@pytest.mark.parametrize("method", ["get_state", "save_state", "publish"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_step_that_fails_anywhere_ends_right_when_asked_again(runner, sidecar, method, after):
    sidecar.fail(method, SidecarUnavailable(), after=after)
    with pytest.raises(SidecarUnavailable):
        runner.run(PIZZA)
    assert runner.run(PIZZA) == COOKED
    assert list(dict.fromkeys(sidecar.statuses)) == ALL


def test_the_same_order_at_the_same_time_is_worked_on_once(runner, sidecar):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(runner.run(PIZZA))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [COOKED] * 10
    assert sidecar.statuses == ALL


def test_without_time_a_step_is_written_down_only_when_it_begins_and_ends(sidecar):
    StepRunner(STEP, sidecar, FakePace(scale=0)).run(PIZZA)
    assert sidecar.calls == {"get_state": 2, "save_state": 2, "publish": 3}


def test_of_two_replicas_at_one_step_the_first_answer_stays(sidecar, pace):
    other = StepRunner(STEP, sidecar, FakePace())

    def run_elsewhere(method, key):
        if (method, key) == ("publish", "123:cooking_baking"):
            sidecar.before = lambda *_: None
            other.run(PIZZA, lambda: {"driver": "Ben"})

    sidecar.before = run_elsewhere
    answer = StepRunner(STEP, sidecar, pace).run(PIZZA, lambda: {"driver": "Ada"})
    assert answer == {**COOKED, "driver": "Ben"}


def test_a_remake_is_cooked_anew_under_its_own_event_ids(runner, sidecar):
    runner.run(PIZZA)
    assert runner.run(PIZZA, attempt=2) == COOKED
    assert sidecar.statuses == ALL * 2
    assert sidecar.published[-1].event_id == "123:cooked:2"
    assert runner.run(PIZZA) == COOKED
    assert len(sidecar.published) == 6


def test_undoing_what_was_done_tells_it_under_one_id(runner, sidecar):
    runner.run(PIZZA)
    for _ in range(2):
        assert runner.undo("123", Undo()) == {"order_id": "123", "status": "discarded"}
    assert {event.event_id for event in sidecar.published[3:]} == {"123:pizza_discarded"}


def test_undoing_what_was_never_begun_tells_nothing(runner, sidecar):
    assert runner.undo("123", Undo()) == {"order_id": "123", "status": "discarded"}
    assert sidecar.statuses == []


def test_a_step_whose_undo_came_first_does_not_run(runner, sidecar):
    runner.undo("123", Undo())
    with pytest.raises(Undone):
        runner.run(PIZZA)
    with pytest.raises(Undone):
        runner.run(PIZZA, attempt=2)
    assert sidecar.statuses == []


def test_a_step_that_is_undone_while_it_runs_stops(runner, sidecar):
    def undo_at_baking(method, key):
        if (method, key) == ("publish", "123:cooking_baking"):
            sidecar.before = lambda *_: None
            runner.undo("123", Undo(reason="burnt"))

    sidecar.before = undo_at_baking
    with pytest.raises(Undone):
        runner.run(PIZZA)
    assert sidecar.statuses == ["cooking_making_dough", "pizza_discarded", "cooking_baking"]
    assert sidecar.published[1].detail == "burnt"


def test_one_discarded_attempt_leaves_the_next_free(runner, sidecar):
    runner.run(PIZZA)
    runner.undo("123", Undo(attempt=1))
    with pytest.raises(Undone):
        runner.run(PIZZA)
    assert runner.run(PIZZA, attempt=2) == COOKED
    with pytest.raises(Undone):
        runner.run(PIZZA, attempt=1)
