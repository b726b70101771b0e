"""What tests read off a state and off an error."""

import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from dapr.ext.workflow import DaprWorkflowClient

from tests.hub.processes import wait_until


def output(state: Any) -> Any:
    """The value that a completed workflow gave."""
    assert state.runtime_status.name == "COMPLETED", state
    return json.loads(state.serialized_output or "null")


def state_of(client: DaprWorkflowClient, instance_id: str) -> Any:
    return whole(lambda: client.get_workflow_state(instance_id))


def history_of(client: DaprWorkflowClient, instance_id: str) -> list[Any]:
    return list(whole(lambda: client.get_workflow_history(instance_id)))


def whole(read: Callable[[], Any]) -> Any:
    """The runtime reads an instance while it writes it, and then says so: it is asked again."""
    found: list[Any] = []

    def is_read() -> bool:
        try:
            found.append(read())
        except grpc.RpcError as error:
            if "transient store read failure" in (error.details() or ""):
                return False
            raise
        return True

    wait_until(is_read, "a read that meets no write")
    return found[0]


def status(client: DaprWorkflowClient, instance_id: str) -> str | None:
    state = state_of(client, instance_id)
    return state.runtime_status.name if state else None


def wait_for_status(client: DaprWorkflowClient, instance_id: str, wanted: str) -> None:
    what = f"{instance_id} is {wanted}"
    wait_until(lambda: status(client, instance_id) == wanted, what)


def wait_for_custom(client: DaprWorkflowClient, instance_id: str, wanted: str) -> None:
    def shows() -> bool:
        state = state_of(client, instance_id)
        return state is not None and state.serialized_custom_status == wanted

    wait_until(shows, f"{instance_id} shows {wanted}")


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Status and text of the gRPC error that a call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code().name, caught.value.details()
