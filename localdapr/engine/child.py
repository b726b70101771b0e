"""A workflow that another one calls: how it begins, and what its parent hears when it cannot."""

from localdapr.engine.instance import Instance, Parent, Status
from localdapr.engine.turn import Message, message_to
from localdapr.wire import event, pb


def child_of(message: Message, now: int) -> Instance:
    """The instance that a message with an `executionStarted` asks for."""
    begin = message.event.executionStarted
    parent = begin.parentInstance
    return Instance(
        app_id=message.app_id,
        instance_id=message.instance_id,
        execution_id=begin.workflowInstance.executionId.value,
        name=begin.name,
        status=Status.PENDING,
        created_at=now,
        updated_at=now,
        version=begin.version.value or None,
        input=begin.input.value if begin.HasField("input") else None,
        trace=begin.parentTraceContext.traceParent or None,
        parent=Parent(
            parent.appID,
            parent.workflowInstance.instanceId,
            parent.workflowInstance.executionId.value,
            parent.name.value,
            parent.taskScheduledId,
        ),
    )


def refused(parent: Parent, reason: str, now: int) -> Message:
    """The answer to a parent whose child could not begin."""
    payload = pb.ChildWorkflowInstanceFailedEvent(taskScheduledId=parent.task_id)
    payload.failureDetails.errorType = "InstanceExists"
    payload.failureDetails.errorMessage = reason
    return message_to(parent, event("childWorkflowInstanceFailed", payload, now))
