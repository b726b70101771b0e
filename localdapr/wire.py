"""The wire format of the task hub: the one place that imports the SDK's private stubs.

Owns the names under which the rest of localdapr knows those messages, and nothing else: no I/O,
no decisions. An SDK that moves its stubs is followed here.

Times are integer microseconds since the epoch, UTC, everywhere in localdapr; `timestamp` and
`microseconds` are the border to protobuf's Timestamp.
"""

from typing import Any

from dapr.ext.workflow._durabletask.internal import (
    orchestrator_service_pb2_grpc as _grpc,
)
from dapr.ext.workflow._durabletask.internal import protos
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

HistoryEvent = protos.HistoryEvent
WorkflowAction = protos.WorkflowAction
WorkflowResponse = protos.WorkflowResponse
pb = protos

TaskHubServicer = _grpc.TaskHubSidecarServiceServicer
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


def event(kind: str, payload: Any, at: int, event_id: int = -1) -> HistoryEvent:
    """A history event of `kind` (the name of its field, such as `timerFired`)."""
    return HistoryEvent(eventId=event_id, timestamp=timestamp(at), **{kind: payload})
