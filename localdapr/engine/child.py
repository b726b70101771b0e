"""A workflow that another one calls: how it begins, and what its parent hears of it."""

from dataclasses import dataclass

from localdapr.engine.instance import Instance, Parent, Status
from localdapr.wire import HistoryEvent, copy_optional, event, optional_text, pb


@dataclass(frozen=True, slots=True)
class Message:
    """An event for another instance.

    With an `execution_id` it is for that execution only, not for what runs there after it.
    """

    app_id: str
    instance_id: str
    event: HistoryEvent
    execution_id: str = ""


def child_of(
    parent: Instance, created: HistoryEvent, app_id: str, now: int, execution_id: str
) -> Instance:
    """The instance that a `childWorkflowInstanceCreated` in its parent's history asks for."""
    asked = created.childWorkflowInstanceCreated
    origin = (parent.app_id, parent.instance_id, parent.execution_id, parent.name, created.eventId)
    return Instance(
        app_id,
        asked.instanceId,
        execution_id,
        asked.name,
        Status.PENDING,
        created_at=now,
        updated_at=now,
        version=asked.version.value or None,
        input=optional_text(asked, "input"),
        trace=parent.trace,
        parent=Parent(*origin),
    )


def answer(parent: Parent, ended: "pb.CompleteWorkflowAction", now: int) -> Message:
    """What the parent of a child that ended is told."""
    payload: object
    if ended.workflowStatus == pb.ORCHESTRATION_STATUS_COMPLETED:
        payload = pb.ChildWorkflowInstanceCompletedEvent(taskScheduledId=parent.task_id)
        copy_optional(ended, payload, "result")
        told = event("childWorkflowInstanceCompleted", payload, now)
    else:
        payload = pb.ChildWorkflowInstanceFailedEvent(taskScheduledId=parent.task_id)
        copy_optional(ended, payload, "failureDetails")
        told = event("childWorkflowInstanceFailed", payload, now)
    return Message(parent.app_id, parent.instance_id, told, parent.execution_id)


def refused(parent: Parent, reason: str, now: int) -> Message:
    """What the parent of a child that could not begin is told."""
    ended = pb.CompleteWorkflowAction(workflowStatus=pb.ORCHESTRATION_STATUS_FAILED)
    ended.failureDetails.errorType = "InstanceExists"
    ended.failureDetails.errorMessage = reason
    return answer(parent, ended, now)
