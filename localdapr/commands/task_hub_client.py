"""One app's task hub, asked over gRPC as the SDK's client does, and its answers as rows.

Times in rows are microseconds since the epoch.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict

from localdapr.commands.asking import running_app, token_headers
from localdapr.errors import RefusedError
from localdapr.wire import HistoryEvent, TaskHubStub, microseconds, optional_text, pb

STATUSES = {
    "taskFailed": "FAILED",
    "childWorkflowInstanceFailed": "FAILED",
    "executionTerminated": "TERMINATED",
    "executionSuspended": "SUSPENDED",
    "executionResumed": "RESUMED",
}


class TaskHubClient:
    """Looks for the app when it is first asked. Every call raises RefusedError."""

    def __init__(self, folder: Path, app_id: str | None) -> None:
        self._folder = folder
        self._app_id = app_id

    @functools.cached_property
    def app(self) -> dict[str, Any]:
        """The app's row in `localdapr list`."""
        return running_app(self._folder, self._app_id)

    def ask(self, rpc: str, request: Any) -> Any:
        """The answer of one call."""
        return self.ask_all(rpc, [request])[0]

    def ask_all(self, rpc: str, requests: Sequence[Any]) -> list[Any]:
        """The answers of calls that are made at once."""
        limits = [("grpc.max_receive_message_length", -1)]
        metadata = tuple(token_headers().items())
        with grpc.insecure_channel(f"127.0.0.1:{self.app['grpcPort']}", limits) as channel:
            call = getattr(TaskHubStub(channel), rpc)  # type: ignore[no-untyped-call]
            asked = [call.future(each, metadata=metadata) for each in requests]
            try:
                return [each.result() for each in asked]
            except grpc.RpcError as refusal:
                raise RefusedError(refusal.details()) from refusal

    def instances(self) -> Iterator[dict[str, Any]]:
        """All instances in order of creation."""
        token = None
        while token != "":
            page = self.ask("ListInstanceIDs", pb.ListInstanceIDsRequest(continuationToken=token))
            requests = [
                pb.GetInstanceRequest(instanceId=instance_id, getInputsAndOutputs=True)
                for instance_id in page.instanceIds
            ]
            for found in self.ask_all("GetInstance", requests):
                if found.exists:
                    yield self._instance(found.workflowState)
            token = page.continuationToken

    def history(self, instance_id: str) -> list[dict[str, Any]]:
        """What has happened in an instance."""
        request = pb.GetInstanceHistoryRequest(instanceId=instance_id)
        return [_event(each) for each in self.ask("GetInstanceHistory", request).events]

    def _instance(self, state: Any) -> dict[str, Any]:
        status = pb.OrchestrationStatus.Name(state.workflowStatus)
        return {
            "appID": self.app["appId"],
            "name": state.name,
            "instanceID": state.instanceId,
            "created": microseconds(state.createdTimestamp),
            "lastUpdate": microseconds(state.lastUpdatedTimestamp),
            "runtimeStatus": status.removeprefix("ORCHESTRATION_STATUS_"),
            "customStatus": optional_text(state, "customStatus"),
            "failureMessage": state.failureDetails.errorMessage,
        }


def _event(happened: HistoryEvent) -> dict[str, Any]:
    kind = happened.WhichOneof("eventType") or "unknown"
    attributes = MessageToDict(getattr(happened, kind))
    ended_as = str(attributes.get("workflowStatus", "")).removeprefix("ORCHESTRATION_STATUS_")
    return {
        "type": kind[0].upper() + kind[1:],
        "name": attributes.pop("name", None),
        "eventId": happened.eventId if happened.eventId >= 0 else None,
        "timestamp": microseconds(happened.timestamp),
        "status": ended_as or STATUSES.get(kind, "RUNNING"),
        "attrs": attributes,
    }
