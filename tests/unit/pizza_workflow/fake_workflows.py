"""A workflow engine in memory that does at once what it is asked, or never."""

import threading
from dataclasses import replace
from typing import Any

from pizza_common.errors import NotFound
from workflow_client import Instance


class FakeWorkflows:
    """Behaves as `WorkflowClient` does; each call is kept in `calls`."""

    def __init__(self) -> None:
        self.instances: dict[str, Instance] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.obeys = True
        """False: an engine whose worker is away keeps what it is asked for later."""
        self.fails: Exception | None = None
        """Raised once, instead of the next call that changes something."""
        self.after_tell: dict[str, Any] = {}
        """What the instance becomes when it is told something."""
        self._lock = threading.Lock()

    def put(self, runtime_status: str = "RUNNING", **fields: Any) -> None:
        """Let order 123 be in this state."""
        self.put_as("123", runtime_status, **fields)

    def put_as(self, instance: str, runtime_status: str, **fields: Any) -> None:
        """Let this instance be in this state."""
        self.instances[instance] = Instance(runtime_status, **fields)

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]

    def start(self, order_id: str, ticket: dict[str, Any]) -> None:
        self._called("start", order_id, ticket)
        self._begin(order_id, ticket)

    def find(self, order_id: str) -> Instance | None:
        return self.instances.get(order_id)

    def find_of(self, order_id: str, instance: str | None) -> Instance | None:
        return self.find_any(instance or order_id)

    def tell(self, order_id: str, event: str, data: dict[str, Any]) -> None:
        self._called("tell", event, data)
        self._change(order_id, **self.after_tell)

    def start_any(self, workflow: str, instance: str, given: dict[str, Any]) -> None:
        self._called("start", instance, given)
        self._begin(instance, given)

    def find_any(self, instance: str) -> Instance | None:
        return self.instances.get(instance)

    def tell_any(self, instance: str, event: str, data: dict[str, Any]) -> None:
        self.tell(instance, event, data)

    def pause(self, order_id: str) -> None:
        self._called("pause")
        self._change(order_id, runtime_status="SUSPENDED")

    def resume(self, order_id: str) -> None:
        self._called("resume")
        self._change(order_id, runtime_status="RUNNING")

    def terminate(self, order_id: str) -> None:
        self._called("terminate")
        self._change(order_id, runtime_status="TERMINATED")

    def terminate_any(self, instance: str) -> None:
        self.terminate(instance)

    def purge(self, order_id: str, instance: str | None = None) -> None:
        self._called("purge", instance or order_id)
        self.instances.pop(instance or order_id, None)

    def close(self) -> None:
        self.calls.append(("close",))

    def _begin(self, instance: str, given: dict[str, Any]) -> None:
        with self._lock:
            found = self.instances.get(instance)
            if found is None or found.is_final:
                self.instances[instance] = Instance("RUNNING", input=given)

    def _called(self, *call: Any) -> None:
        error, self.fails = self.fails, None
        if error:
            raise error
        self.calls.append(call)

    def _change(self, order_id: str, **fields: Any) -> None:
        found = self.instances.get(order_id)
        if found is None:
            raise NotFound
        if self.obeys:
            self.instances[order_id] = replace(found, **fields)
