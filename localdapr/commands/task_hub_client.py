"""One app's task hub, asked over gRPC as the SDK's client does, in protobuf's JSON.

There times are RFC 3339 texts, and a field that is not set is not there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from localdapr.commands.asking import running_app, token_headers
from localdapr.errors import RefusedError


class TaskHubClient:
    """Looks for the app when it is first asked. Every call raises RefusedError."""

    def __init__(self, folder: Path, app_id: str | None) -> None:
        self._folder = folder
        self._app_id = app_id

    @functools.cached_property
    def app(self) -> dict[str, Any]:
        """The app's row in `localdapr list`."""
        return running_app(self._folder, self._app_id)

    def ask(self, rpc: str, **request: Any) -> dict[str, Any]:
        """The answer of one call; a field that is None is left out."""
        return self.ask_all(rpc, [request])[0]

    def ask_all(self, rpc: str, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers of calls that are made at once; the first refusal is raised."""
        answers = []
        for outcome in self.outcomes(rpc, requests):
            if isinstance(outcome, RefusedError):
                raise outcome
            answers.append(outcome)
        return answers

    def outcomes(
        self, rpc: str, requests: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any] | RefusedError]:
        """As `ask_all`, but a refusal stands in the place of its answer and is not raised."""
        import grpc
        from google.protobuf.json_format import MessageToDict, ParseDict
        from google.protobuf.message_factory import GetMessageClass

        from localdapr.wire import TASK_HUB, TaskHubStub

        message = GetMessageClass(TASK_HUB.methods_by_name[rpc].input_type)
        limits = [("grpc.max_receive_message_length", -1)]
        metadata = tuple(token_headers().items())
        with grpc.insecure_channel(f"127.0.0.1:{self.app['grpcPort']}", limits) as channel:
            call = getattr(TaskHubStub(channel), rpc)  # type: ignore[no-untyped-call]
            asked = [
                call.future(
                    ParseDict({k: v for k, v in each.items() if v is not None}, message()),
                    metadata=metadata,
                )
                for each in requests
            ]
            outcomes: list[dict[str, Any] | RefusedError] = []
            for each in asked:
                try:
                    outcomes.append(MessageToDict(each.result()))
                except grpc.RpcError as refusal:
                    outcomes.append(RefusedError(refusal.details()))
            return outcomes

    def instances(self) -> Iterator[dict[str, Any]]:
        """All instances in order of creation, as WorkflowState messages."""
        page: dict[str, Any] = {"continuationToken": None}
        while "continuationToken" in page:
            page = self.ask("ListInstanceIDs", continuationToken=page["continuationToken"])
            requests = [
                {"instanceId": instance_id, "getInputsAndOutputs": True}
                for instance_id in page.get("instanceIds", ())
            ]
            for found in self.ask_all("GetInstance", requests):
                if "exists" in found:
                    yield found["workflowState"]

    def history(self, instance_id: str) -> list[dict[str, Any]]:
        """What has happened in an instance, as HistoryEvent messages."""
        events: list[dict[str, Any]]
        events = self.ask("GetInstanceHistory", instanceId=instance_id).get("events", [])
        return events
