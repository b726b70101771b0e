"""The SDK's executor, fed with the history that the real runtime makes of a pause."""

import logging

from dapr.ext.workflow._durabletask import worker
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import protos as pb

from suspension import confirm_while_suspended


def two_steps(ctx, _given):
    yield ctx.call_activity("first")
    yield ctx.call_activity("second")


def turn(old, *new):
    """The actions that the workflow asks for, given its history and what is new."""
    registry = worker._Registry()
    registry.add_named_orchestrator("two_steps", two_steps)
    executor = worker._OrchestrationExecutor(registry, logging.getLogger("test"))
    return executor.execute("1", old, new).actions


def test_a_step_that_completes_as_its_workflow_is_paused_is_followed_by_one_next_step():
    confirm_while_suspended()
    begun = [
        pb.HistoryEvent(eventId=-1, workflowStarted=pb.WorkflowStartedEvent()),
        helpers.new_execution_started_event("two_steps", "1", None),
        helpers.new_task_scheduled_event(1, "first"),
        helpers.new_task_completed_event(1, None),
        pb.HistoryEvent(eventId=-1, executionSuspended=pb.ExecutionSuspendedEvent()),
        helpers.new_task_scheduled_event(2, "second"),
    ]
    completed = helpers.new_task_completed_event(2, None)
    assert turn(begun, completed) == []
    resumed = pb.HistoryEvent(eventId=-1, executionResumed=pb.ExecutionResumedEvent())
    (done,) = turn([*begun, completed], resumed)
    assert done.completeWorkflow.workflowStatus == pb.ORCHESTRATION_STATUS_COMPLETED
