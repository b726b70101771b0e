"""The workflow that runs while localdapr is killed: a bit of everything. Usage as a process:

    python orders.py GRPC_PORT EFFECTS

Each step leaves its name in the file EFFECTS.
"""

import os
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import WorkflowRuntime, when_all

STEPS = ("first", "fan0", "fan1", "fan2", "child", "last")


def order(ctx: Any, effects: str) -> Iterator[Any]:
    """Ends when it gets the event that says so; gives the numbers of all others."""

    def step(name: str) -> Any:
        return ctx.call_activity("leave_effect", input=[effects, f"{ctx.instance_id} {name}"])

    yield step("first")
    yield when_all([step(f"fan{n}") for n in range(3)])
    yield ctx.create_timer(timedelta(milliseconds=200))
    yield ctx.call_child_workflow("part", input=effects, instance_id=f"{ctx.instance_id}-part")
    numbers = []
    while (number := (yield ctx.wait_for_external_event("item"))) != "end":
        numbers.append(number)
    yield step("last")
    return numbers


def part(ctx: Any, effects: str) -> Iterator[Any]:
    parent = ctx.instance_id.removesuffix("-part")
    yield ctx.call_activity("leave_effect", input=[effects, f"{parent} child"])


def leave_effect(_ctx: Any, given: list[str]) -> None:
    file = os.open(given[0], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{given[1]}\n".encode())
    os.close(file)


def register(runtime: Any) -> None:
    runtime.register_workflow(lambda ctx, given: order(ctx, given), name="order")
    runtime.register_workflow(lambda ctx, given: part(ctx, given), name="part")
    runtime.register_activity(lambda ctx, given: leave_effect(ctx, given), name="leave_effect")


if __name__ == "__main__":
    worker = WorkflowRuntime(host="127.0.0.1", port=sys.argv[1])
    register(worker)
    worker.start()
    threading.Event().wait()
