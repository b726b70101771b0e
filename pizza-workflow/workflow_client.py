"""The border to the workflow engine: the only file that knows the SDK's client and its errors."""

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import dapr.conf
import grpc
from dapr.ext.workflow import DaprWorkflowClient, WorkflowHistoryEvent, WorkflowState
from dapr.ext.workflow.logger import LoggerOptions
from pydantic import ValidationError

from pizza_common.errors import Conflict, NotFound, SidecarUnavailable, Unsupported
from pizza_common.event import moment
from pizza_workflow import pizza_workflow
from ticket import INSTANCE_PREFIX, Ticket
from workflow_settings import WorkflowSettings

T = TypeVar("T")

FINAL = frozenset({"COMPLETED", "FAILED", "TERMINATED"})

# The engine answers UNKNOWN to everything; only the words tell one error from another.
_ALREADY_ACTIVE = "already exists"
_UNKNOWN_INSTANCE = "no such instance exists"
_STALLED = "actor is stalled"
_TORN_READ = "transient store read failure"

_READS = 10
_READ_AGAIN_SECONDS = 0.02


@dataclass(frozen=True)
class Instance:
    """A workflow as the engine last saw it; `input` is what it was started with."""

    runtime_status: str
    custom_status: str | None = None
    created_at: str | None = None
    last_updated_at: str | None = None
    input: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    error: str | None = None

    @property
    def ticket(self) -> Ticket | None:
        """The order that the workflow is for, and its terms; None when it is for none."""
        try:
            return Ticket.model_validate(self.input)
        except ValidationError:
            return None

    @property
    def order(self) -> dict[str, Any] | None:
        """The order that the workflow is for, as it was sent; None when it is for none."""
        return self.ticket.order.sent() if self.ticket else None

    @property
    def is_final(self) -> bool:
        """Whether nothing happens any more."""
        return self.runtime_status in FINAL


class WorkflowClient:
    """Pizza workflows by order id, others by instance id.

    Every method raises SidecarUnavailable, also after a while.
    """

    def __init__(self, settings: WorkflowSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client: DaprWorkflowClient | None = None

    def start(self, order_id: str, ticket: dict[str, Any]) -> None:
        """Start the order's workflow; one that is active already is left alone."""
        self.start_any(pizza_workflow.__name__, instance_id(order_id), ticket)

    def find(self, order_id: str) -> Instance | None:
        """The order's workflow, or None."""
        return self.find_any(instance_id(order_id))

    def find_of(self, order_id: str, instance: str | None) -> Instance | None:
        """The order's workflow, also one that was started under an `instance` id of its own."""
        return self.find_any(instance or instance_id(order_id))

    def history(self, instance: str) -> list[WorkflowHistoryEvent]:
        """All that the engine has written down of a workflow. Raises NotFound, Unsupported."""
        try:
            return self._look(lambda client: client.get_workflow_history(instance))
        except NotImplementedError as error:
            raise Unsupported("This workflow engine does not give histories.") from error

    def tell(self, order_id: str, event: str, data: dict[str, Any]) -> None:
        """Raise an event. Raises NotFound; a finished workflow takes it and does nothing."""
        self.tell_any(instance_id(order_id), event, data)

    def start_any(self, workflow: str, instance: str, given: dict[str, Any]) -> None:
        """Start any workflow; one that is active already under that id is left alone."""
        with suppress(_AlreadyActive):
            self._call(
                lambda client: client.schedule_new_workflow(
                    workflow, input=given, instance_id=instance
                )
            )

    def find_any(self, instance: str) -> Instance | None:
        """The workflow of that id, or None."""
        state = self._look(lambda client: client.get_workflow_state(instance))
        return _instance(state) if state else None

    def tell_any(self, instance: str, event: str, data: dict[str, Any]) -> None:
        """Raise an event of any workflow. Raises NotFound."""
        self._call(lambda client: client.raise_workflow_event(instance, event, data=data))

    def pause(self, order_id: str) -> None:
        """Suspend a workflow that runs. Raises NotFound."""
        self._call(lambda client: client.pause_workflow(instance_id(order_id)))

    def resume(self, order_id: str) -> None:
        """Resume a workflow that is suspended; any other breaks. Raises NotFound."""
        self._call(lambda client: client.resume_workflow(instance_id(order_id)))

    def terminate(self, order_id: str) -> None:
        """Stop a workflow where it stands. Raises NotFound."""
        self.terminate_any(instance_id(order_id))

    def terminate_any(self, instance: str) -> None:
        """Stop any workflow where it stands. Raises NotFound."""
        self._call(lambda client: client.terminate_workflow(instance))

    def purge(self, order_id: str, instance: str | None = None) -> None:
        """Have the engine forget a finished workflow and its children; safe when it has.

        Raises Conflict when the engine keeps it back for good (docs/dapr.md).
        """
        with suppress(NotFound):
            name = instance or instance_id(order_id)
            self._call(lambda client: client.purge_workflow(name))

    def close(self) -> None:
        """Let go of the connection; may be called twice."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _look(self, ask: Callable[[DaprWorkflowClient], T]) -> T:
        """A read; the real runtime reads key by key, and says so when it met a write."""
        for _ in range(_READS - 1):
            try:
                return self._call(ask)
            except _TornRead:
                time.sleep(_READ_AGAIN_SECONDS)
        return self._call(ask)

    def _call(self, ask: Callable[[DaprWorkflowClient], T]) -> T:
        client = self._connected()
        try:
            return ask(client)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                self._forget(client)
            raise _translated(error) from error
        except ValueError as error:
            if client is self._client:
                raise
            raise SidecarUnavailable("the sidecar does not answer") from error  # closed by another

    def _connected(self) -> DaprWorkflowClient:
        with self._lock:
            if self._client is None:
                self._client = _new_client(self._settings)
            return self._client

    def _forget(self, client: DaprWorkflowClient) -> None:
        """Begin anew at the next call: a channel that lost its sidecar waits ever longer.

        As long as it is open, a new channel to the same address would share its waiting.
        """
        with self._lock:
            if self._client is not client:
                return
            self._client = None
        client.close()


class _AlreadyActive(Exception):
    """A workflow with this id runs."""


class _TornRead(SidecarUnavailable):
    """The engine read a workflow while it was written."""


def instance_id(order_id: str) -> str:
    """The id of an order's workflow."""
    return f"{INSTANCE_PREFIX}{order_id}"


def _new_client(settings: WorkflowSettings) -> DaprWorkflowClient:
    # The SDK takes a deadline for its calls from its own settings only.
    sdk: Any = dapr.conf.settings
    sdk.DAPR_API_TIMEOUT_SECONDS = settings.pizza_sidecar_timeout
    logging.getLogger("DaprWorkflowClient").setLevel(logging.CRITICAL)  # it logs what it raises
    return DaprWorkflowClient(
        host="127.0.0.1",
        port=str(settings.dapr_grpc_port),
        logger_options=LoggerOptions(log_handler=logging.NullHandler()),
    )


def _translated(error: grpc.RpcError) -> Exception:
    details = error.details() or ""
    if _ALREADY_ACTIVE in details:
        return _AlreadyActive()
    if _UNKNOWN_INSTANCE in details or error.code() == grpc.StatusCode.NOT_FOUND:
        return NotFound("There is no such order.")
    if _STALLED in details:
        return Conflict("The engine keeps the workflow of this order back: it has stalled.")
    failed = _TornRead if _TORN_READ in details else SidecarUnavailable
    return failed(f"the workflow engine failed ({error.code().name}): {details[:200]}")


def _instance(state: WorkflowState) -> Instance:
    given, result = _object(state.serialized_input), _object(state.serialized_output)
    failure = state.failure_details
    return Instance(
        runtime_status=state.runtime_status.name,
        custom_status=_text(state.serialized_custom_status),
        created_at=_time(state.created_at),
        last_updated_at=_time(state.last_updated_at),
        input=given,
        result=result,
        error=failure.message if failure else (result or {}).get("error"),
    )


def _object(encoded: str | None) -> dict[str, Any] | None:
    """A JSON object; None for anything else, which a foreign workflow may have put there."""
    try:
        value = json.loads(encoded) if encoded else None
    except (ValueError, RecursionError):  # no JSON, or a number or nesting too long for Python
        return None
    return value if isinstance(value, dict) else None


def _text(custom_status: str | None) -> str | None:
    """The custom status; some engines give it back as a JSON string."""
    return custom_status.strip('"') if custom_status else None


def _time(utc: datetime) -> str | None:
    """ISO 8601; None where the engine has no time yet and gives its year 1 or 1970."""
    return moment(utc.replace(tzinfo=UTC)) if utc.year > 1970 else None
