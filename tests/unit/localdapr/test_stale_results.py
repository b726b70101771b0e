"""What belongs to a former execution never reaches the one that runs under its id now."""

import itertools
import sqlite3
from collections.abc import Iterator

import pytest

from localdapr import instances, rows
from localdapr.engine.inbox import begin_turn, raised
from localdapr.engine.instance import Instance, Status
from localdapr.instances import Consequences, Work
from localdapr.wire import HistoryEvent, WorkflowAction, WorkflowResponse, event, pb

NOW = 1_000_000
IDS = (f"id{n}" for n in itertools.count())


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.executescript(rows.SCHEMA)
    yield connection
    connection.close()


def begin(db: sqlite3.Connection, instance_id: str = "i1") -> int:
    instance = Instance("shop", instance_id, next(IDS), "story", Status.PENDING, NOW, NOW)
    instances.create(db, instance, NOW)
    return instances.require(db, "shop", instance_id).run


def next_work(db: sqlite3.Connection, run: int) -> Work:
    work = instances.next_work(db, run, 0)
    assert work is not None
    return work


def answer(db: sqlite3.Connection, work: Work, *actions: WorkflowAction) -> Consequences:
    response = WorkflowResponse(actions=actions)
    return instances.end_turn(db, work, begin_turn(work.batch, NOW), response, NOW, IDS)


def post(db: sqlite3.Connection, arrived: HistoryEvent) -> None:
    instances.post(db, instances.require(db, "shop", "i1"), arrived, NOW)


def schedule(action_id: int) -> WorkflowAction:
    return WorkflowAction(id=action_id, scheduleTask=pb.ScheduleTaskAction(name="cook"))


def call_child(action_id: int) -> WorkflowAction:
    child = pb.CreateChildWorkflowAction(name="bake", instanceId="c1")
    return WorkflowAction(id=action_id, createChildWorkflow=child)


def end(status: int) -> WorkflowAction:
    return WorkflowAction(id=9, completeWorkflow=pb.CompleteWorkflowAction(workflowStatus=status))


AGAIN = end(pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW)
DONE = end(pb.ORCHESTRATION_STATUS_COMPLETED)
STOPPED = end(pb.ORCHESTRATION_STATUS_TERMINATED)


def kinds(events: list[HistoryEvent]) -> list[str | None]:
    return [happened.WhichOneof("eventType") for happened in events]


def test_a_result_that_came_during_the_last_turn_of_an_execution_is_not_the_next_ones(db) -> None:
    run = begin(db)
    ((_, task_id),) = answer(db, next_work(db, run), schedule(1)).tasks
    post(db, raised("go", None, NOW))
    last = next_work(db, run)
    result = event("taskCompleted", {"taskScheduledId": 1}, NOW)
    instances.end_task(db, task_id, result)
    post(db, raised("stay", None, NOW))
    answer(db, last, AGAIN)
    assert kinds(next_work(db, run).batch) == ["executionStarted", "eventRaised"]


def test_a_child_of_a_former_execution_does_not_answer_the_new_one(db) -> None:
    run = begin(db)
    ((_, child),) = answer(db, next_work(db, run), call_child(1)).wake
    post(db, raised("go", None, NOW))
    answer(db, next_work(db, run), AGAIN)
    assert answer(db, next_work(db, child), DONE).wake == set()
    assert kinds(next_work(db, run).batch) == ["executionStarted"]


def test_a_child_of_an_instance_whose_id_was_used_again_does_not_answer_the_new_one(db) -> None:
    run = begin(db)
    ((_, child),) = answer(db, next_work(db, run), call_child(1)).wake
    post(db, event("executionTerminated", {}, NOW))
    answer(db, next_work(db, run), STOPPED)
    begin(db)
    assert answer(db, next_work(db, child), DONE).wake == set()


def test_a_termination_that_came_with_the_event_that_began_anew_still_counts(db) -> None:
    run = begin(db)
    answer(db, next_work(db, run))
    post(db, raised("go", None, NOW))
    post(db, event("executionTerminated", {"input": {"value": '"why"'}}, NOW))
    answer(db, next_work(db, run), AGAIN)
    row = instances.require(db, "shop", "i1")
    assert row.instance.status is Status.TERMINATED
    assert instances.payloads(db, row).output == '"why"'


def test_instances_that_are_each_others_children_can_be_purged(db) -> None:
    from localdapr import purging

    first = begin(db, "c1")
    answer(db, next_work(db, first), WorkflowAction(
        id=1, createChildWorkflow=pb.CreateChildWorkflowAction(name="bake", instanceId="i1")
    ))  # fmt: skip
    post_to = instances.require(db, "shop", "c1")
    instances.post(db, post_to, event("executionTerminated", {}, NOW), NOW)
    answer(db, next_work(db, first), STOPPED)
    answer(db, next_work(db, instances.require(db, "shop", "i1").run), call_child(1))
    for instance_id in ("c1", "i1"):
        answer(db, next_work(db, instances.require(db, "shop", instance_id).run), DONE)
    assert purging.purge(db, "shop", "i1", recursive=True, force=False) == 2
