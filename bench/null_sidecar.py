"""A sidecar that stores nothing: the least that the SDK's worker and client can be answered with.

Its speed is the ceiling that the worker itself allows. Histories live in memory until their
workflow ends; nothing survives, nothing is checked, only activities are known.
"""
# ruff: noqa: ARG002 - gRPC calls its methods with a request and a context, wanted or not

import asyncio
import itertools
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty

from localdapr.wire import HistoryEvent, TaskHubServicer, add_task_hub_to_server, event, pb

LARGEST_MESSAGE = 64 * 1024 * 1024  # bytes


@dataclass
class Instance:
    """A workflow in memory. `known` is how much of `history` the worker's cache holds."""

    instance_id: str
    history: list[HistoryEvent] = field(default_factory=list)
    inbox: list[HistoryEvent] = field(default_factory=list)
    batch: list[HistoryEvent] = field(default_factory=list)
    known: int = 0
    output: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class NullTaskHub(TaskHubServicer):
    """As much of the task hub as the bench's workflows use."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[Any] = asyncio.Queue()
        self._instances: dict[str, Instance] = {}
        self._tokens = itertools.count()
        self._stateful = False

    async def Hello(self, request: Any, context: Any) -> Empty:
        return Empty()

    async def StartInstance(self, request: Any, context: Any) -> Any:
        instance_id = request.instanceId or f"n{next(self._tokens)}"
        begin = pb.ExecutionStartedEvent(name=request.name, input=request.input)
        begin.workflowInstance.instanceId = instance_id
        instance = self._instances[instance_id] = Instance(instance_id)
        self._post(instance, event("executionStarted", begin, 0))
        return pb.CreateInstanceResponse(instanceId=instance_id)

    async def WaitForInstanceCompletion(self, request: Any, context: Any) -> Any:
        instance = self._instances[request.instanceId]
        await instance.ended.wait()
        del self._instances[request.instanceId]
        response = pb.GetInstanceResponse(exists=True)
        response.workflowState.instanceId = request.instanceId
        response.workflowState.workflowStatus = pb.ORCHESTRATION_STATUS_COMPLETED
        response.workflowState.output.value = instance.output
        return response

    async def GetWorkItems(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self._stateful = pb.WORKER_CAPABILITY_STATEFUL_HISTORY in request.capabilities
        while True:
            yield await self._items.get()

    async def CompleteWorkflowTask(self, request: Any, context: Any) -> Any:
        instance = self._instances[request.instanceId]
        if self._stateful:
            instance.known = len(instance.history)
        instance.history += instance.batch
        instance.batch = []
        for action in request.actions:
            self._apply(instance, action)
        if instance.inbox:
            self._send_turn(instance)
        return pb.CompleteTaskResponse()

    CompleteOrchestratorTask = CompleteWorkflowTask

    async def CompleteActivityTask(self, request: Any, context: Any) -> Any:
        done = pb.TaskCompletedEvent(taskScheduledId=request.taskId, result=request.result)
        self._post(self._instances[request.instanceId], event("taskCompleted", done, 0))
        return pb.CompleteTaskResponse()

    def _post(self, instance: Instance, arrived: HistoryEvent) -> None:
        instance.inbox.append(arrived)
        if not instance.batch:
            self._send_turn(instance)

    def _send_turn(self, instance: Instance) -> None:
        mark = HistoryEvent(eventId=-1)
        mark.workflowStarted.SetInParent()
        mark.timestamp.GetCurrentTime()
        instance.batch = [mark, *instance.inbox]
        instance.inbox = []
        item = pb.WorkItem(completionToken=instance.instance_id)
        item.workflowRequest.instanceId = instance.instance_id
        item.workflowRequest.pastEvents.extend(instance.history[instance.known :])
        item.workflowRequest.newEvents.extend(instance.batch)
        if instance.known:
            item.workflowRequest.cachedHistory.eventCount = instance.known
        self._items.put_nowait(item)

    def _apply(self, instance: Instance, action: Any) -> None:
        if action.HasField("completeWorkflow"):
            instance.output = action.completeWorkflow.result.value
            instance.ended.set()
            return
        asked = action.scheduleTask
        scheduled = pb.TaskScheduledEvent(name=asked.name, input=asked.input)
        instance.history.append(event("taskScheduled", scheduled, 0, action.id))
        item = pb.WorkItem(completionToken=instance.instance_id)
        item.activityRequest.name, item.activityRequest.taskId = asked.name, action.id
        item.activityRequest.input.CopyFrom(asked.input)
        item.activityRequest.workflowInstance.instanceId = instance.instance_id
        self._items.put_nowait(item)


async def serve(port: int) -> None:
    """Answer until SIGTERM."""
    limits = [
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ]
    server = grpc.aio.server(options=limits)
    add_task_hub_to_server(NullTaskHub(), server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    await ending.wait()
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
