"""What a worker that is just a stream takes, and how it answers."""

import asyncio

from localdapr.wire import WorkflowAction, WorkflowResponse, pb
from localdapr.workers import Worker


async def take(worker: Worker) -> "pb.WorkItem":
    return await asyncio.wait_for(worker.items.get(), 30)


def schedule(*ids: int) -> WorkflowResponse:
    cook = pb.ScheduleTaskAction(name="cook")
    return WorkflowResponse(actions=[WorkflowAction(id=n, scheduleTask=cook) for n in ids])


def finish(status: int = pb.ORCHESTRATION_STATUS_COMPLETED) -> WorkflowResponse:
    done = pb.CompleteWorkflowAction(workflowStatus=status)
    return WorkflowResponse(actions=[WorkflowAction(id=9, completeWorkflow=done)])


def unknown_version() -> WorkflowResponse:
    action = WorkflowAction(id=1)
    action.workflowVersionNotAvailable.SetInParent()
    return WorkflowResponse(actions=[action])
