"""The Dapr worker of the bench, alike on every engine: `worker.py PORT`, the sidecar's gRPC port.

Ends on SIGTERM.
"""

import signal
import sys
from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import (
    DaprWorkflowContext,
    WorkflowActivityContext,
    WorkflowRuntime,
    when_all,
)

from bench import shapes

Steps = Generator[Any, Any, int]
READY = "worker: connected"
THREADS = 16  # of each of the SDK's two pools


def increase(_: WorkflowActivityContext, value: int) -> int:
    return shapes.increase(value)


def measure(_: WorkflowActivityContext, text: str) -> int:
    return shapes.measure(text)


def chain(ctx: DaprWorkflowContext, value: int) -> Steps:
    result = value
    for _ in range(shapes.CHAIN):
        result = yield ctx.call_activity(increase, input=result)
    return result


def fan(ctx: DaprWorkflowContext, width: int) -> Steps:
    results = yield when_all([ctx.call_activity(increase, input=n) for n in range(width)])
    return sum(results)


def payload(ctx: DaprWorkflowContext, text: str) -> Steps:
    size: int = yield ctx.call_activity(measure, input=text)
    return size


def main(port: str) -> None:
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # for all threads, so that sigwait gets them
    runtime = WorkflowRuntime(host="127.0.0.1", port=port, maximum_thread_pool_workers=THREADS)
    for workflow in (chain, fan, payload):
        runtime.register_workflow(workflow)
    for activity in (increase, measure):
        runtime.register_activity(activity)
    runtime.start()  # type: ignore[no-untyped-call]
    print(READY, flush=True)
    signal.sigwait(ending)
    runtime.shutdown()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1])
