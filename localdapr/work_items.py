"""Work items: a turn or an activity as the worker gets it, and its answer as history.

Pure translation between what the store keeps and what the stream carries.
"""

from collections.abc import Sequence

from localdapr.errors import LostWorkItemError
from localdapr.instances import Asked, TaskId, Work
from localdapr.wire import HistoryEvent, copy_optional, event, optional_text, pb, text


def turn_item(work: Work, events: Sequence[HistoryEvent], token: str, known: int) -> "pb.WorkItem":
    """A turn, for a worker that already holds the first `known` events of the history."""
    item = pb.WorkItem(completionToken=token)
    request = item.workflowRequest
    request.instanceId = work.row.instance.instance_id
    request.executionId.value = work.row.instance.execution_id
    request.pastEvents.extend(work.past)
    request.newEvents.extend(events)
    if known:
        request.cachedHistory.eventCount = known
    return item


def to_task_id(token: str) -> TaskId:
    """The task that `task_item` made a token of. Raises LostWorkItemError when it did not."""
    run, _, rest = token.partition(":")
    position, _, execution_id = rest.partition(":")
    if not (run.isdecimal() and position.isdecimal()):
        raise LostWorkItemError(token)
    return int(run), int(position), execution_id


def task_item(task: Asked, task_id: TaskId) -> "pb.WorkItem":
    """An activity, as its `taskScheduled` event asks for it."""
    asked = task.scheduled.taskScheduled
    item = pb.WorkItem(completionToken=":".join(map(str, task_id)))
    request = item.activityRequest
    request.name, request.taskId = asked.name, task.scheduled.eventId
    request.taskExecutionId = asked.taskExecutionId
    copy_optional(asked, request, "version", "input", "parentTraceContext")
    request.workflowInstance.instanceId = task.instance_id
    request.workflowInstance.executionId.value = task.execution_id
    return item


def task_result(response: "pb.ActivityResponse", now: int) -> HistoryEvent:
    """An activity's answer as the event that its workflow gets."""
    task_id = response.taskId
    if response.HasField("failureDetails"):
        failed = pb.TaskFailedEvent(taskScheduledId=task_id, failureDetails=response.failureDetails)
        return event("taskFailed", failed, now)
    result = text(optional_text(response, "result"))
    return event("taskCompleted", {"taskScheduledId": task_id, "result": result}, now)
