"""Clients and workers that go on whatever happens to the sidecar, and note what it acknowledged."""

import contextlib
import itertools
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc

from localdapr.wire import pb
from tests.crash.orders import register
from tests.crash.sidecar import Sidecar
from tests.hub.raw import RawWorker

EVENTS = 3
CALL_SECONDS = 5.0


class Load:
    """`started` and `raised` are what was acknowledged: instance ids, and numbers per id."""

    def __init__(self, sidecar: Sidecar, effects: Path, clients: int = 2) -> None:
        self.started: set[str] = set()
        self.raised: dict[str, list[int]] = defaultdict(list)
        self.errors: Counter[str] = Counter()  # of calls that were not acknowledged
        self._sidecar = sidecar
        self._effects = effects
        self._numbers = itertools.count()
        self._enough = threading.Event()
        self._over = threading.Event()
        self._clients = [threading.Thread(target=self._place_orders) for _ in range(clients)]
        self._workers = [threading.Thread(target=self._work, args=(bool(n),)) for n in range(2)]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Clients place orders and workers do them; the workers go on until the block ends."""
        for thread in (*self._workers, *self._clients):
            thread.start()
        try:
            yield
        finally:
            self._enough.set()
            self._over.set()
            for thread in (*self._clients, *self._workers):
                thread.join(60)

    def stop_clients(self) -> None:
        """Let each client finish its order."""
        self._enough.set()
        for thread in self._clients:
            thread.join(60)

    def _place_orders(self) -> None:
        with self._sidecar.stub() as stub:
            while not self._enough.is_set():
                name = f"o{next(self._numbers)}"
                request = pb.CreateInstanceRequest(instanceId=name, name="order")
                request.input.value = json.dumps(str(self._effects))
                if not self._call(stub.StartInstance, request):
                    continue
                self.started.add(name)
                for number in range(EVENTS):
                    if self._until_acknowledged(stub, name, number):
                        self.raised[name].append(number)
                self._until_acknowledged(stub, name, "end")

    def _until_acknowledged(self, stub: Any, name: str, value: Any) -> bool:
        request = pb.RaiseEventRequest(instanceId=name, name="item")
        request.input.value = json.dumps(value)
        while not self._call(stub.RaiseEvent, request):
            if self._over.is_set():
                return False
        return True

    def _call(self, call: Callable[..., Any], request: Any) -> bool:
        try:
            call(request, timeout=CALL_SECONDS, wait_for_ready=True)
        except grpc.RpcError as error:
            self.errors[error.code().name] += 1
            return False
        return True

    def _work(self, stateful: bool) -> None:
        """A worker that connects again at once when its stream ends."""
        with self._sidecar.stub() as stub:
            while not self._over.is_set():
                worker = RawWorker(stub, register, stateful)
                watch = threading.Thread(target=self._close_when_over, args=(worker,))
                watch.start()
                worker.run_until_closed()
                watch.join()

    def _close_when_over(self, worker: RawWorker) -> None:
        while not worker.closed.is_set() and not self._over.is_set():
            worker.closed.wait(0.1)
        worker.close()
