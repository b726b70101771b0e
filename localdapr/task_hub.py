"""The task hub's gRPC face for one app: what the SDK's workflow client and worker speak.

Translates messages and errors, nothing more: clients' calls go to `Workflows`, workers' to the
dispatcher. The runtime answers every failure with UNKNOWN and a text; so does this.
"""

import logging
import re
import sqlite3
import uuid
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty

from localdapr.dispatcher import Dispatcher
from localdapr.engine.instance import Instance, Status
from localdapr.engine.rerun import RerunRequest
from localdapr.errors import ApiError, NoSuchInstanceError
from localdapr.purging import Filter
from localdapr.wire import TaskHubServicer, microseconds, optional_text, pb
from localdapr.workflows import StartRequest, Workflows

log = logging.getLogger(__name__)
Context = grpc.aio.ServicerContext[Any, Any]
T = TypeVar("T")
PAGE_TOKEN = re.compile("[0-9]{1,18}")  # fits into a column
PAGE = 1024
YEAR_10000 = 253_402_300_800  # seconds


class TaskHub(TaskHubServicer):
    """One app's task hub."""

    def __init__(self, workflows: Workflows, dispatcher: Dispatcher) -> None:
        self._workflows = workflows
        self._dispatcher = dispatcher

    async def Hello(self, request: Any, context: Context) -> Empty:
        return Empty()

    async def StartInstance(self, request: Any, context: Context) -> Any:
        scheduled = request.HasField("scheduledStartTimestamp")
        await _check_moments(context, request.scheduledStartTimestamp)
        asked = StartRequest(
            name=request.name,
            instance_id=request.instanceId,
            input=optional_text(request, "input"),
            version=optional_text(request, "version"),
            scheduled_at=microseconds(request.scheduledStartTimestamp) if scheduled else None,
            trace=request.parentTraceContext.traceParent or _metadata(context, "traceparent"),
            tags=request.tags,
        )
        call = self._workflows.start(asked)
        return pb.CreateInstanceResponse(
            instanceId=await _answer(context, "failed to create workflow instance", call)
        )

    async def GetInstance(self, request: Any, context: Context) -> Any:
        return _found(await self._workflows.get(request.instanceId), request.getInputsAndOutputs)

    async def WaitForInstanceStart(self, request: Any, context: Context) -> Any:
        begun = await self._workflows.wait(
            request.instanceId, lambda instance: instance.status is not Status.PENDING
        )
        return _found(begun, request.getInputsAndOutputs)

    async def WaitForInstanceCompletion(self, request: Any, context: Context) -> Any:
        ended = await self._workflows.wait(
            request.instanceId, lambda instance: instance.status.is_final
        )
        return _found(ended, request.getInputsAndOutputs)

    async def RaiseEvent(self, request: Any, context: Context) -> Any:
        payload = optional_text(request, "input")
        call = self._workflows.raise_event(request.instanceId, request.name, payload)
        await _answer(context, "failed to raise event", call)
        return pb.RaiseEventResponse()

    async def TerminateInstance(self, request: Any, context: Context) -> Any:
        output = optional_text(request, "output")
        call = self._workflows.terminate(request.instanceId, output, request.recursive)
        await _answer(context, "failed to submit termination request", call)
        return pb.TerminateResponse()

    async def SuspendInstance(self, request: Any, context: Context) -> Any:
        call = self._workflows.suspend(request.instanceId, optional_text(request, "reason"))
        await _answer(context, "failed to suspend workflow", call)
        return pb.SuspendResponse()

    async def ResumeInstance(self, request: Any, context: Context) -> Any:
        call = self._workflows.resume(request.instanceId, optional_text(request, "reason"))
        await _answer(context, "failed to resume workflow", call)
        return pb.ResumeResponse()

    async def PurgeInstances(self, request: Any, context: Context) -> Any:
        what = "failed to purge workflow state"
        if request.HasField("purgeInstanceFilter"):
            asked = request.purgeInstanceFilter
            await _check_moments(context, asked.createdTimeFrom, asked.createdTimeTo)
            chosen = _filter(asked)
            count = await _answer(context, what, self._workflows.purge_where(chosen))
        else:
            call = self._workflows.purge(request.instanceId, request.recursive, request.force)
            count = await _answer(context, what, call)
        response = pb.PurgeInstancesResponse(deletedInstanceCount=count)
        response.isComplete.value = True
        return response

    async def ListInstanceIDs(self, request: Any, context: Context) -> Any:
        token = request.continuationToken or "0"
        if not PAGE_TOKEN.fullmatch(token):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "invalid continuation token")
        ids, following = await self._workflows.list_ids(int(token), request.pageSize or PAGE)
        response = pb.ListInstanceIDsResponse(instanceIds=ids)
        if following is not None:
            response.continuationToken = str(following)
        return response

    async def GetInstanceHistory(self, request: Any, context: Context) -> Any:
        try:
            events = await self._workflows.history(request.instanceId)
        except NoSuchInstanceError:
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"workflow instance '{request.instanceId}' not found"
            )
        return pb.GetInstanceHistoryResponse(events=events)

    async def RerunWorkflowFromEvent(self, request: Any, context: Context) -> Any:
        named = request.HasField("newChildWorkflowInstanceID")
        asked = RerunRequest(
            event_id=request.eventID,
            new_id=request.newInstanceID or uuid.uuid4().hex,
            overwrite=request.overwriteInput,
            input=optional_text(request, "input"),
            new_child_id=request.newChildWorkflowInstanceID if named else None,
        )
        call = self._workflows.rerun(request.sourceInstanceID, asked)
        new_id = await _answer(context, "failed to rerun workflow", call)
        return pb.RerunWorkflowFromEventResponse(newInstanceID=new_id)

    async def GetWorkItems(self, request: Any, context: Context) -> AsyncIterator[Any]:
        stateful = pb.WORKER_CAPABILITY_STATEFUL_HISTORY in request.capabilities
        worker = self._dispatcher.attach(self._workflows.app_id, stateful)
        log.debug("a worker of %s connected", self._workflows.app_id)
        try:
            while True:
                yield await worker.items.get()
        finally:
            self._dispatcher.detach(worker)

    async def CompleteOrchestratorTask(self, request: Any, context: Context) -> Any:
        call = self._dispatcher.end_turn(request.completionToken, request)
        await _answer(context, "failed to complete workflow task", call)
        return pb.CompleteTaskResponse()

    CompleteWorkflowTask = CompleteOrchestratorTask

    async def CompleteActivityTask(self, request: Any, context: Context) -> Any:
        call = self._dispatcher.end_task(request.completionToken, request)
        await _answer(context, "failed to complete activity task", call)
        return pb.CompleteTaskResponse()


async def _answer(context: Context, what: str, call: Awaitable[T]) -> T:
    """The call's result; its failure becomes the status and text that the runtime gives."""
    try:
        return await call
    except ApiError as refused:
        status = grpc.StatusCode[refused.grpc or "UNKNOWN"]
        await context.abort(status, f"{what}: {refused.message}")
    except sqlite3.Error as failure:
        log.error("%s: %s", what, failure)
        await context.abort(grpc.StatusCode.UNKNOWN, f"{what}: {failure}")
    raise AssertionError("abort does not return")


async def _check_moments(context: Context, *stamps: Any) -> None:
    """Refuse what is in no calendar, and in no column."""
    if not all(0 <= stamp.seconds < YEAR_10000 and 0 <= stamp.nanos < 1e9 for stamp in stamps):
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a time is out of range")


def _metadata(context: Context, name: str) -> str | None:
    found = dict(context.invocation_metadata() or ()).get(name)
    return found if isinstance(found, str) else None


def _filter(asked: Any) -> Filter:
    return Filter(
        microseconds(asked.createdTimeFrom) if asked.HasField("createdTimeFrom") else None,
        microseconds(asked.createdTimeTo) if asked.HasField("createdTimeTo") else None,
        tuple(asked.runtimeStatus),
    )


def _found(instance: Instance | None, with_payloads: bool) -> Any:
    response = pb.GetInstanceResponse(exists=instance is not None)
    if instance is None:
        return response
    state = response.workflowState
    state.instanceId, state.name = instance.instance_id, instance.name
    state.workflowStatus = instance.shown_status.value  # type: ignore[assignment]
    state.executionId.value = instance.execution_id
    state.tags.update(instance.tags)
    if instance.parent is not None:
        state.parentInstanceId.value = instance.parent.instance_id
    if instance.failure is not None:
        state.failureDetails.ParseFromString(instance.failure)
    for name, field in (_TIMES | _TEXTS | (_PAYLOADS if with_payloads else {})).items():
        value = getattr(instance, field)
        if value is not None and name in _TIMES:
            getattr(state, name).FromMicroseconds(value)
        elif value is not None:
            getattr(state, name).value = value
    return response


# Fields of the answer, and of Instance.
_TIMES = {
    "createdTimestamp": "created_at",
    "lastUpdatedTimestamp": "updated_at",
    "completedTimestamp": "completed_at",
    "scheduledStartTimestamp": "scheduled_at",
}
_TEXTS = {"version": "version"}
_PAYLOADS = {"input": "input", "output": "output", "customStatus": "custom_status"}
