"""Workflow worker of the vectors. Usage: worker.py GRPC_PORT (of the callee's sidecar)."""

import sys
import threading
import time
from datetime import timedelta

from dapr.ext.workflow import WorkflowRuntime


def echo(_ctx, given):
    """Completes at once; its output is its input."""
    return given
    yield


def chain(ctx, given):
    result = yield ctx.call_activity(add_one, input=given)
    return {"result": result}


def waiter(ctx, _given):
    """Waits for the event "go"; its payload is the output."""
    ctx.set_custom_status("waiting for go")
    value = yield ctx.wait_for_external_event("go")
    return {"got": value}


def two_events(ctx, _given):
    first = yield ctx.wait_for_external_event("a")
    second = yield ctx.wait_for_external_event("b")
    return [first, second]


def sleeper(ctx, given):
    yield ctx.create_timer(timedelta(seconds=given or 60))
    return "slept"


def failing(_ctx, _given):
    raise ValueError("boom wörld")
    yield


def failing_activity(ctx, given):
    yield ctx.call_activity(bad_activity, input=given)


def parent(ctx, given):
    """Its child waits for "go"."""
    child_id = f"{ctx.instance_id}-child"
    result = yield ctx.call_child_workflow(waiter, input=given, instance_id=child_id)
    return result


def none_out(_ctx, _given):
    return None
    yield


def slow_activity_wf(ctx, given):
    result = yield ctx.call_activity(slow_activity, input=given)
    return result


def add_one(_ctx, number):
    return number + 1


def bad_activity(_ctx, _given):
    raise RuntimeError("activity broke")


def slow_activity(_ctx, seconds):
    time.sleep(seconds or 1)
    return "done"


WORKFLOWS = (
    *(echo, chain, waiter, two_events, sleeper, failing),
    *(failing_activity, parent, none_out, slow_activity_wf),
)

if __name__ == "__main__":
    runtime = WorkflowRuntime(host="127.0.0.1", port=sys.argv[1])
    for workflow in WORKFLOWS:
        runtime.register_workflow(workflow)
    for activity in (add_one, bad_activity, slow_activity):
        runtime.register_activity(activity)
    runtime.start()
    threading.Event().wait()
