"""The load through the Dapr SDK's workflow client, as a process; see `load`."""

import functools
import json
import sys

from dapr.ext.workflow import DaprWorkflowClient, WorkflowStatus

from bench.load import PATIENCE, Cell, Run, serve
from bench.shapes import Shape


@functools.cache
def _client(port: int) -> DaprWorkflowClient:
    return DaprWorkflowClient(host="127.0.0.1", port=str(port))


def _run(port: int, shape: Shape) -> object:
    client = _client(port)
    instance_id = client.schedule_new_workflow(shape.name, input=shape.input)
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=int(PATIENCE))
    if state is None or state.runtime_status is not WorkflowStatus.COMPLETED:
        raise RuntimeError(f"{instance_id} ended as {state and state.runtime_status}")
    return json.loads(state.serialized_output)


def runner_of(cell: Cell) -> Run:
    return functools.partial(_run, cell.port)


if __name__ == "__main__":
    serve(runner_of, sys.stdout)
