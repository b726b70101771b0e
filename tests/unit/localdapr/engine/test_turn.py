import dataclasses
import itertools

from localdapr.engine.inbox import begin_turn, raised
from localdapr.engine.instance import Instance, Parent, Status
from localdapr.engine.turn import Turn, finish_turn, started
from localdapr.wire import NEVER, HistoryEvent, WorkflowAction, WorkflowResponse, event, pb

NOW = 5_000_000
PARENT = Parent("front", "p1", "pe", "caller", task_id=7)
INSTANCE = Instance("shop", "i1", "e1", "story", Status.PENDING, created_at=1, updated_at=1)


def turn(*actions: WorkflowAction, of: Instance = INSTANCE, **response: object) -> Turn:
    events = begin_turn([started(of, 1)], NOW)
    answer = WorkflowResponse(actions=actions, **response)
    return finish_turn(of, events, answer, NOW, (f"id{n}" for n in itertools.count()))


def kinds(history: list[HistoryEvent]) -> list[str | None]:
    return [happened.WhichOneof("eventType") for happened in history]


def completed(status: int = pb.ORCHESTRATION_STATUS_COMPLETED, **fields: object) -> WorkflowAction:
    action = pb.CompleteWorkflowAction(workflowStatus=status, **fields)
    return WorkflowAction(id=9, completeWorkflow=action)


def test_a_turn_without_actions_keeps_its_events_and_runs_on() -> None:
    done = turn()
    assert kinds(done.history) == ["workflowStarted", "executionStarted"]
    assert done.instance.status is Status.RUNNING


def test_a_scheduled_task_stands_in_the_history_and_is_to_be_run() -> None:
    action = WorkflowAction(id=1, scheduleTask=pb.ScheduleTaskAction(name="cook"))
    done = turn(action)
    assert done.history[-1].taskScheduled.name == "cook"
    assert [(task.app_id, task.scheduled.eventId) for task in done.tasks] == [("shop", 1)]


def test_a_task_of_another_app_goes_to_that_app() -> None:
    action = WorkflowAction(
        id=1,
        scheduleTask=pb.ScheduleTaskAction(name="cook"),
        router=pb.TaskRouter(sourceAppID="shop", targetAppID="kitchen"),
    )
    assert turn(action).tasks[0].app_id == "kitchen"


def test_a_timer_fires_into_the_same_instance_with_its_id() -> None:
    action = WorkflowAction(id=3)
    action.createTimer.fireAt.FromMicroseconds(NOW + 10)
    (timer,) = turn(action).timers
    assert (timer.fire_at, timer.event.timerFired.timerId) == (NOW + 10, 3)


def test_a_wait_without_deadline_is_noted_but_arms_nothing() -> None:
    action = WorkflowAction(id=3)
    action.createTimer.fireAt.FromMicroseconds(NEVER)
    done = turn(action)
    assert kinds(done.history)[-1] == "timerCreated"
    assert done.timers == []


def test_a_child_knows_whom_to_answer() -> None:
    child = pb.CreateChildWorkflowAction(name="bake", instanceId="c1")
    (begun,) = turn(WorkflowAction(id=4, createChildWorkflow=child)).children
    assert begun.parent is not None
    assert (begun.instance_id, begun.parent.task_id, begun.parent.app_id) == ("c1", 4, "shop")


def test_a_completed_child_answers_its_parent() -> None:
    child = dataclasses.replace(INSTANCE, parent=PARENT)
    (message,) = turn(completed(result={"value": "42"}), of=child).messages
    answer = message.event.childWorkflowInstanceCompleted
    assert (message.app_id, message.instance_id) == ("front", "p1")
    assert (answer.taskScheduledId, answer.result.value) == (7, "42")


def test_a_failed_child_answers_with_its_failure() -> None:
    child = dataclasses.replace(INSTANCE, parent=PARENT)
    failure = {"errorType": "Burnt", "errorMessage": "too long"}
    done = turn(completed(pb.ORCHESTRATION_STATUS_FAILED, failureDetails=failure), of=child)
    assert done.messages[0].event.childWorkflowInstanceFailed.failureDetails.errorType == "Burnt"
    assert done.instance.status is Status.FAILED


def test_continue_as_new_begins_an_empty_history_and_carries_events() -> None:
    kept = raised("go", None, NOW)
    done = turn(
        completed(
            pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW, result={"value": "2"}, carryoverEvents=[kept]
        )
    )
    assert done.restarted
    assert done.history == []
    assert kinds(done.carried) == ["executionStarted", "eventRaised"]
    assert done.carried[0].executionStarted.input.value == "2"
    assert done.instance.execution_id == "id0"


def test_a_recursive_termination_reaches_the_children() -> None:
    ends = event("executionTerminated", {"recurse": True}, NOW)
    answer = WorkflowResponse(actions=[completed(pb.ORCHESTRATION_STATUS_TERMINATED)])
    done = finish_turn(INSTANCE, begin_turn([ends], NOW), answer, NOW, iter(()))
    assert done.terminate_children == ends


def test_an_action_that_is_not_supported_fails_the_workflow_by_name() -> None:
    done = turn(WorkflowAction(id=1, createDetachedWorkflow=pb.CreateDetachedWorkflowAction()))
    assert done.instance.status is Status.FAILED
    assert "createDetachedWorkflow" in str(pb.TaskFailureDetails.FromString(done.instance.failure))


def test_history_propagation_is_refused_by_name() -> None:
    asked = pb.ScheduleTaskAction(name="cook", historyPropagationScope=1)
    done = turn(WorkflowAction(id=1, scheduleTask=asked))
    assert done.tasks == []
    assert "history propagation" in str(pb.TaskFailureDetails.FromString(done.instance.failure))


def test_code_without_a_patch_that_the_history_has_stalls_the_instance() -> None:
    patched = dataclasses.replace(INSTANCE, status=Status.RUNNING, patches=("a", "b"))
    done = turn(of=patched, version={"patches": ["a"]})
    assert done.stalled
    assert done.instance.status is Status.STALLED
    assert kinds(done.history) == ["executionStalled"]


def test_code_that_continues_the_patches_of_the_history_goes_on() -> None:
    patched = dataclasses.replace(INSTANCE, status=Status.STALLED, patches=("a",))
    done = turn(of=patched, version={"patches": ["a", "b"]})
    assert done.instance.status is Status.RUNNING
    assert done.instance.patches == ("a", "b")
    assert list(done.history[0].workflowStarted.version.patches) == ["a", "b"]


def test_a_version_that_the_code_does_not_have_stalls_the_instance() -> None:
    action = WorkflowAction(id=1)
    action.workflowVersionNotAvailable.SetInParent()
    assert turn(action).instance.status is Status.STALLED


def test_what_the_worker_asks_for_after_the_end_is_not_done() -> None:
    more = WorkflowAction(id=10, scheduleTask=pb.ScheduleTaskAction(name="cook"))
    done = turn(completed(pb.ORCHESTRATION_STATUS_TERMINATED), more)
    assert kinds(done.history)[-1] == "executionCompleted"
    assert done.tasks == []
