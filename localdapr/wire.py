"""The wire format of the task hub: the one place that imports the SDK's private stubs.

Owns the names under which the rest of localdapr knows those messages, and nothing else: no I/O,
no decisions. An SDK that moves its stubs is followed here.

Times are integer microseconds since the epoch, UTC, everywhere in localdapr; `timestamp` and
`microseconds` are the border to protobuf's Timestamp.
"""

import asyncio
import contextvars
import inspect
import logging
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dapr.ext.workflow._durabletask import worker as _worker
from dapr.ext.workflow._durabletask.internal import helpers as _helpers
from dapr.ext.workflow._durabletask.internal import orchestrator_service_pb2_grpc as _grpc
from dapr.ext.workflow._durabletask.internal import protos
from dapr.ext.workflow._durabletask.internal import shared as _shared
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

HistoryEvent = protos.HistoryEvent
WorkflowAction = protos.WorkflowAction
WorkflowResponse = protos.WorkflowResponse
pb = protos

TaskHubServicer = _grpc.TaskHubSidecarServiceServicer
TaskHubStub = _grpc.TaskHubSidecarServiceStub
TASK_HUB = protos.DESCRIPTOR.services_by_name["TaskHubSidecarService"]
add_task_hub_to_server = _grpc.add_TaskHubSidecarServiceServicer_to_server

# The SDK marks "no deadline" by a timer in the year 9999; such a timer never needs to be armed.
NEVER = 253_000_000_000 * 1_000_000


def timestamp(at: int) -> Timestamp:
    """Microseconds since the epoch as protobuf's Timestamp."""
    stamp = Timestamp()
    stamp.FromMicroseconds(at)
    return stamp


def microseconds(stamp: Timestamp) -> int:
    """A Timestamp as microseconds since the epoch."""
    return int(stamp.seconds * 1_000_000 + stamp.nanos // 1_000)


def text(value: str | None) -> StringValue | None:
    """An optional string as protobuf's wrapper; None stays absent."""
    return None if value is None else StringValue(value=value)


def optional_text(message: Any, field: str) -> str | None:
    """The string in a wrapper field, or None when the field is absent."""
    return getattr(message, field).value if message.HasField(field) else None


def copy_optional(source: Any, target: Any, *fields: str) -> None:
    """Copy the fields that are there; the others stay absent."""
    for name in fields:
        if source.HasField(name):
            getattr(target, name).CopyFrom(getattr(source, name))


def event(kind: str, payload: Any, at: int, event_id: int = -1) -> HistoryEvent:
    """A history event of `kind` (the name of its field, such as `timerFired`)."""
    return HistoryEvent(eventId=event_id, timestamp=timestamp(at), **{kind: payload})


class Executor:
    """The SDK's own way to run a turn and an activity, without its worker and its stream.

    `runtime` is a WorkflowRuntime that was never started: it only holds what is registered.
    """

    def __init__(self, runtime: Any) -> None:
        self._registry = runtime._WorkflowRuntime__worker._registry
        self._logger = logging.getLogger("localdapr.executor")

    def run_turn(
        self, instance_id: str, past: Sequence[HistoryEvent], new: Sequence[HistoryEvent]
    ) -> WorkflowResponse:
        """Replay `past`, apply `new`, and answer as the worker does."""
        executor = _worker._OrchestrationExecutor(self._registry, self._logger)
        outcome = executor.execute(instance_id, past, new)
        response = WorkflowResponse(instanceId=instance_id, actions=outcome.actions)
        if outcome.encoded_custom_status is not None:
            response.customStatus.value = outcome.encoded_custom_status
        if outcome.version_name:
            response.version.name = outcome.version_name
        if outcome.patches:
            response.version.patches.extend(outcome.patches)
        return response

    def run_activity(self, item: Any) -> Any:
        """Run the activity of an ActivityRequest and answer with an ActivityResponse."""
        instance_id = item.workflowInstance.instanceId
        answer = protos.ActivityResponse(instanceId=instance_id, taskId=item.taskId)
        activity = self._registry.get_activity(item.name)
        executor = _worker._ActivityExecutor(self._logger)
        arguments = (instance_id, item.name, item.taskId, item.input.value, item.taskExecutionId)
        try:
            if inspect.iscoroutinefunction(activity):
                result = _finished(executor.execute_async(activity, *arguments))
            else:
                result = executor.execute(activity, *arguments)
        # As in the SDK's worker: whatever an activity raises is its failure.
        except Exception as failure:  # noqa: BLE001
            answer.failureDetails.CopyFrom(_helpers.new_failure_details(failure))
        else:
            if result is not None:
                answer.result.value = result
        return answer


def _finished(running: Coroutine[Any, Any, str | None]) -> str | None:
    """The result of a coroutine; where this thread has a running loop, on a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(running)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(contextvars.copy_context().run, asyncio.run, running).result()


def encode_json(value: Any) -> str:
    """A value as the SDK puts it on the wire."""
    return str(_shared.to_json(value))  # type: ignore[no-untyped-call]


def decode_json(encoded: str) -> Any:
    """A value as the SDK takes it from the wire."""
    return _shared.from_json(encoded)  # type: ignore[no-untyped-call]
