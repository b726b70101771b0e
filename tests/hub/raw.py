"""The task hub spoken to directly: what a worker gets is looked at, and it never waits to connect.

A `RawWorker` runs workflows through the SDK's own executor, on one thread, without its stream,
its cache and its back-off.
"""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from dapr.ext.workflow import WorkflowRuntime
from dapr.ext.workflow._durabletask.internal import orchestrator_service_pb2_grpc

from localdapr.wire import Executor, pb
from tests.hub.engines import Engine

LIMITS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]


@contextlib.contextmanager
def stub_of(engine: Engine, app: str = "hub") -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{engine.grpc[app]}", options=LIMITS) as channel:
        yield orchestrator_service_pb2_grpc.TaskHubSidecarServiceStub(channel)


class RawWorker:
    """One stream of work items. `take` gives the next; `answer` runs it and sends the answer."""

    def __init__(self, stub: Any, register: Callable[[Any], None], stateful: bool = False) -> None:
        runtime = WorkflowRuntime()
        register(runtime)
        self._stub = stub
        self._executor = Executor(runtime)
        self._histories: dict[str, list[Any]] = {}
        self.closed = threading.Event()
        capabilities = [pb.WORKER_CAPABILITY_STATEFUL_HISTORY] if stateful else []
        request = pb.GetWorkItemsRequest(capabilities=capabilities)
        self.stream = stub.GetWorkItems(request, wait_for_ready=True)

    def take(self) -> Any:
        """The next item; a grpc.RpcError when the stream ends."""
        watch = threading.Timer(30, self.stream.cancel)
        watch.start()
        try:
            return next(self.stream)
        finally:
            watch.cancel()

    def answer(self, item: Any) -> None:
        """Run an item as the SDK's worker does, and send the answer."""
        if item.HasField("activityRequest"):
            result = self._executor.run_activity(item.activityRequest)
            result.completionToken = item.completionToken
            self._stub.CompleteActivityTask(result)
            return
        request = item.workflowRequest
        past = [*self._known(request), *request.pastEvents]
        self._histories[request.instanceId] = past
        response = self._executor.run_turn(request.instanceId, past, request.newEvents)
        response.completionToken = item.completionToken
        self._stub.CompleteOrchestratorTask(response)

    def run(self, count: int) -> list[Any]:
        """Take and answer so many items; gives them."""
        items = []
        for _ in range(count):
            items.append(self.take())
            self.answer(items[-1])
        return items

    def run_until_closed(self, most: int | None = None) -> None:
        """Take and answer items, `most` or until the stream ends; then it is closed."""
        with contextlib.suppress(grpc.RpcError):
            for item in itertools.islice(self.stream, most):
                self.answer(item)
        self.close()

    def close(self) -> None:
        self.closed.set()
        self.stream.cancel()

    def _known(self, request: Any) -> list[Any]:
        known = self._histories.get(request.instanceId, [])
        count = int(request.cachedHistory.eventCount)
        assert count in (0, len(known))
        return known[:count]


class Serving:
    """A worker that answers in a thread for as long as the block lasts."""

    def __init__(self, worker: RawWorker) -> None:
        self._worker = worker
        self._thread = threading.Thread(target=worker.run_until_closed)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._worker.close()
        self._thread.join()


@contextlib.contextmanager
def worker_here(
    engine: Engine, register: Callable[[Any], None], stateful: bool = True
) -> Iterator[None]:
    """A worker of the app `hub` in a thread of the test, with code of the test."""
    with stub_of(engine) as stub, Serving(RawWorker(stub, register, stateful)):
        engine.wait_for_workers("hub", 1)
        yield
    engine.wait_for_workers("hub", 0)  # one that is still counted may be taken for the next
