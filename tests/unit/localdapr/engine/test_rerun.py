import dataclasses
import itertools

import pytest

from localdapr.engine.inbox import begin_turn
from localdapr.engine.instance import Instance, Status
from localdapr.engine.rerun import RerunRequest, rerun
from localdapr.engine.turn import Turn, started
from localdapr.errors import RerunRefusedError
from localdapr.wire import HistoryEvent, event

NOW = 5_000_000
ENDED = Instance("shop", "i1", "e1", "story", Status.COMPLETED, created_at=1, updated_at=1)


def scheduled(task_id: int) -> HistoryEvent:
    return event("taskScheduled", {"name": f"step{task_id}", "input": {"value": "1"}}, 1, task_id)


def completed(task_id: int) -> HistoryEvent:
    return event("taskCompleted", {"taskScheduledId": task_id}, 1)


HISTORY = [
    *begin_turn([started(ENDED, 1)], 1),
    scheduled(1),
    scheduled(2),
    completed(1),
    scheduled(3),
    completed(3),
    completed(2),
]


def again(event_id: int, **asked: object) -> Turn:
    ids = (f"id{n}" for n in itertools.count())
    return rerun(ENDED, HISTORY, RerunRequest(event_id, "i2", **asked), NOW, ids)


def test_what_had_completed_is_kept_and_what_was_open_is_done_again() -> None:
    turn = again(3)
    assert [task.scheduled.taskScheduled.name for task in turn.tasks] == ["step2", "step3"]
    assert [
        e.taskCompleted.taskScheduledId for e in turn.history if e.HasField("taskCompleted")
    ] == [1]


def test_the_new_instance_runs_under_its_own_id() -> None:
    turn = again(1)
    assert (turn.instance.instance_id, turn.instance.status) == ("i2", Status.RUNNING)
    begin = next(e.executionStarted for e in turn.history if e.HasField("executionStarted"))
    assert begin.workflowInstance.instanceId == "i2"


def test_the_event_may_get_another_input() -> None:
    (task,) = again(1, overwrite=True, input="2").tasks
    assert task.scheduled.taskScheduled.input.value == "2"


@pytest.mark.parametrize("event_id", [-1, 99])
def test_only_what_was_scheduled_can_be_rerun(event_id: int) -> None:
    with pytest.raises(RerunRefusedError):
        again(event_id)


def test_patches_that_the_kept_past_does_not_have_are_not_expected_of_the_new_instance() -> None:
    patched = dataclasses.replace(ENDED, patches=("a", "b"), custom_status="baking")
    before, after = (HistoryEvent(eventId=-1) for _ in range(2))
    before.workflowStarted.version.patches.append("a")
    after.workflowStarted.version.patches.extend(["a", "b"])
    history = [before, started(ENDED, 1), scheduled(1), completed(1), after, scheduled(2)]
    ids = (f"id{n}" for n in itertools.count())
    turn = rerun(patched, history, RerunRequest(1, "i2"), NOW, ids)
    assert turn.instance.patches == ("a",)
    assert turn.instance.custom_status is None
