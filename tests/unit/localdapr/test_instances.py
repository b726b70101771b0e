"""The tables of the instances, driven as the dispatcher drives them, without one."""

import itertools
import sqlite3
from collections.abc import Iterator

import pytest

from localdapr import instances, purging, rows
from localdapr.engine.inbox import begin_turn, raised
from localdapr.engine.instance import Instance, Status
from localdapr.errors import InstanceExistsError, NoSuchInstanceError, NotCompletedError
from localdapr.instances import Consequences, Work
from localdapr.wire import WorkflowAction, WorkflowResponse, event, pb

NOW = 1_000_000


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.executescript(rows.SCHEMA)
    yield connection
    connection.close()


def begin(db: sqlite3.Connection, instance_id: str = "i1", **fields: object) -> int:
    instance = Instance("shop", instance_id, "e1", "story", Status.PENDING, NOW, NOW, **fields)
    instances.create(db, instance, NOW)
    return instances.require(db, "shop", instance_id).run


def answer(db: sqlite3.Connection, work: Work, *actions: WorkflowAction) -> Consequences:
    response, ids = WorkflowResponse(actions=actions), (f"id{n}" for n in itertools.count())
    return instances.end_turn(db, work, begin_turn(work.batch, NOW), response, NOW, ids)


def next_work(db: sqlite3.Connection, run: int, known: int = 0) -> Work:
    work = instances.next_work(db, run, known)
    assert work is not None
    return work


def schedule(action_id: int = 1) -> WorkflowAction:
    return WorkflowAction(id=action_id, scheduleTask=pb.ScheduleTaskAction(name="cook"))


def finish(status: int = pb.ORCHESTRATION_STATUS_COMPLETED) -> WorkflowAction:
    return WorkflowAction(id=9, completeWorkflow=pb.CompleteWorkflowAction(workflowStatus=status))


def done_event(task_id: int = 1) -> object:
    return event("taskCompleted", {"taskScheduledId": task_id}, NOW)


def left_over(db: sqlite3.Connection) -> int:
    tables = ("inbox", "tasks", "timers")
    return sum(db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)


def test_a_story_of_one_task_runs_to_its_end_and_leaves_nothing_to_do(db) -> None:
    run = begin(db)
    ((app_id, task_id),) = answer(db, next_work(db, run), schedule()).tasks
    assert instances.end_task(db, task_id, done_event()).wake == {(app_id, run)}
    assert answer(db, next_work(db, run), finish()).ended == {run}
    kinds = [e.WhichOneof("eventType") for e in instances.history(db, run)]
    assert kinds == [
        "workflowStarted", "executionStarted", "taskScheduled",
        "workflowStarted", "taskCompleted", "executionCompleted",
    ]  # fmt: skip
    assert left_over(db) == 0


def test_an_active_id_is_refused_and_a_finished_one_begins_anew(db) -> None:
    run = begin(db)
    with pytest.raises(InstanceExistsError):
        begin(db)
    answer(db, next_work(db, run), finish())
    assert begin(db) != run


def test_a_worker_is_sent_only_the_history_that_it_does_not_hold(db) -> None:
    run = begin(db)
    answer(db, next_work(db, run))
    row = instances.require(db, "shop", "i1")
    instances.post(db, row, raised("go", None, NOW), NOW)
    assert len(next_work(db, run, known=0).past) == 2
    assert next_work(db, run, known=2).past == []


def test_a_late_answer_of_a_lost_worker_changes_nothing(db) -> None:
    run = begin(db)
    work = next_work(db, run)
    answer(db, work, schedule())
    again = answer(db, work, schedule())
    assert again.tasks == []
    assert len(instances.history(db, run)) == 3


def test_the_result_of_a_task_counts_once(db) -> None:
    run = begin(db)
    ((_, task_id),) = answer(db, next_work(db, run), schedule()).tasks
    assert instances.end_task(db, task_id, done_event()).wake
    assert not instances.end_task(db, task_id, done_event()).wake


def test_what_a_former_execution_scheduled_does_not_reach_the_new_one(db) -> None:
    run = begin(db)
    ((_, task_id),) = answer(db, next_work(db, run), schedule()).tasks
    instances.post(db, instances.require(db, "shop", "i1"), raised("go", None, NOW), NOW)
    answer(db, next_work(db, run), finish(pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW))
    assert not instances.end_task(db, task_id, done_event()).wake
    assert [e.WhichOneof("eventType") for e in next_work(db, run).batch] == ["executionStarted"]


def test_events_that_arrive_during_the_last_turn_of_an_execution_come_after_its_new_start(
    db,
) -> None:
    run = begin(db)
    work = next_work(db, run)
    instances.post(db, instances.require(db, "shop", "i1"), raised("go", None, NOW), NOW)
    answer(db, work, finish(pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW))
    kinds = [e.WhichOneof("eventType") for e in next_work(db, run).batch]
    assert kinds == ["executionStarted", "eventRaised"]


def test_a_later_start_waits_on_a_timer(db) -> None:
    run = begin(db, scheduled_at=NOW + 5)
    assert instances.next_work(db, run, 0) is None
    ((fire_at, timer_id),) = instances.unfinished(db, ["shop"]).timers
    assert fire_at == NOW + 5
    assert instances.fire_timers(db, [timer_id], NOW + 5).wake == {("shop", run)}
    assert not instances.fire_timers(db, [timer_id], NOW + 5).wake


def test_a_child_answers_its_parent_across_apps(db) -> None:
    parent = begin(db)
    child = pb.CreateChildWorkflowAction(name="bake", instanceId="c1")
    router = pb.TaskRouter(targetAppID="kitchen")
    action = WorkflowAction(id=1, createChildWorkflow=child, router=router)
    ((app_id, run),) = answer(db, next_work(db, parent), action).wake
    assert app_id == "kitchen"
    assert answer(db, next_work(db, run), finish()).wake == {("shop", parent)}


def test_a_child_whose_id_is_taken_fails_its_parents_call(db) -> None:
    parent, _ = begin(db), begin(db, "c1")
    child = pb.CreateChildWorkflowAction(name="bake", instanceId="c1")
    answer(db, next_work(db, parent), WorkflowAction(id=1, createChildWorkflow=child))
    (failed,) = next_work(db, parent).batch
    assert "already exists" in failed.childWorkflowInstanceFailed.failureDetails.errorMessage


def test_a_recursive_purge_takes_the_children_and_refuses_a_running_one(db) -> None:
    parent = begin(db)
    child = pb.CreateChildWorkflowAction(name="bake", instanceId="c1")
    answer(db, next_work(db, parent), WorkflowAction(id=1, createChildWorkflow=child))
    with pytest.raises(NotCompletedError):
        purging.purge(db, "shop", "i1", recursive=True, force=False)
    assert purging.purge(db, "shop", "i1", recursive=True, force=True) == 2
    with pytest.raises(NoSuchInstanceError):
        instances.require(db, "shop", "c1")


def test_a_purge_by_filter_takes_only_what_is_finished(db) -> None:
    answer(db, next_work(db, begin(db, "ended")), finish())
    begin(db, "running")
    assert purging.purge_where(db, "shop", purging.Filter(statuses=(0, 1))) == 1
    assert instances.list_ids(db, "shop", 0, 10) == ["running"]


def test_all_that_is_unfinished_is_found_again_however_often_one_looks(db) -> None:
    run = begin(db)
    answer(db, next_work(db, run), schedule())
    begin(db, "i2")
    first, second = (instances.unfinished(db, ["shop"]) for _ in range(2))
    assert first == second
    assert (len(first.wake), len(first.tasks)) == (1, 1)


def test_tags_and_patches_may_contain_any_character(db) -> None:
    tags = (("a\x1fb", "\x1f"), ("", 'say "hi"'))
    begin(db, tags=tags, patches=("\x1f", ""))
    instance = instances.require(db, "shop", "i1").instance
    assert (instance.tags, instance.patches) == (tags, ("\x1f", ""))
