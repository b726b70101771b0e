"""What tests read off a state and off an error."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from dapr.ext.workflow import DaprWorkflowClient

from tests.hub.processes import wait_until

TORN_READS = 10


def output(state: Any) -> Any:
    """The value that a completed workflow gave."""
    assert state.runtime_status.name == "COMPLETED", state
    return json.loads(state.serialized_output or "null")


def state_of(client: DaprWorkflowClient, instance_id: str) -> Any:
    """The runtime reads an instance while it writes it, and then says so: it is asked again."""
    for _ in range(TORN_READS):
        with contextlib.suppress(TornRead):
            return read_state(client, instance_id)
    return read_state(client, instance_id)


def read_state(client: DaprWorkflowClient, instance_id: str) -> Any:
    try:
        return client.get_workflow_state(instance_id)
    except grpc.RpcError as error:
        if "transient store read failure" in (error.details() or ""):
            raise TornRead from error
        raise


class TornRead(Exception):
    """An instance was read while it was written."""


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
