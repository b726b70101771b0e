"""What the owner of a data folder answers about one app's workflows: to `localdapr workflow`.

Translates between JSON and `Workflows`. Times are microseconds since the epoch.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict

from localdapr.engine.instance import Instance, Status
from localdapr.engine.rerun import RerunRequest
from localdapr.errors import NoSuchInstanceError, RefusedError
from localdapr.wire import HistoryEvent, microseconds, pb
from localdapr.workflows import StartRequest, Workflows

PASSED_ON = ("raise_event", "suspend", "resume", "terminate")  # methods of Workflows as they are
STATUSES = {
    "taskFailed": "FAILED",
    "childWorkflowInstanceFailed": "FAILED",
    "executionTerminated": "TERMINATED",
    "executionSuspended": "SUSPENDED",
    "executionResumed": "RESUMED",
}


async def answer_workflow(workflows: Workflows, verb: str, asked: Mapping[str, Any]) -> Any:
    """What `localdapr workflow VERB` asks for. Raises ApiError and RefusedError."""
    try:
        if verb in PASSED_ON:
            return await getattr(workflows, verb)(**asked)
        return await ANSWERS[verb](workflows, **asked)
    except NoSuchInstanceError as missing:
        raise RefusedError(f"there is no workflow instance {missing.instance_id}") from missing


async def _run(workflows: Workflows, **asked: Any) -> str:
    return await workflows.start(StartRequest(**asked))


async def _list(
    workflows: Workflows, name: str | None, status: str | None, since: int | None
) -> list[dict[str, Any]]:
    def wanted(instance: Instance) -> bool:
        return (
            name in (None, instance.name)
            and status in (None, instance.shown_status.name)
            and instance.created_at >= (since or 0)
        )

    return [_shown(instance) for instance in await workflows.choose(wanted)]


async def _history(workflows: Workflows, instance_id: str) -> list[dict[str, Any]]:
    return [_event(happened) for happened in await workflows.history(instance_id)]


async def _purge(workflows: Workflows, instance_ids: list[str], force: bool) -> int:
    """Those that are named, with their children; gives how many were forgotten."""
    return sum([await workflows.purge(each, True, force) for each in instance_ids])


async def _purge_all(
    workflows: Workflows, status: str | None, until: int | None, force: bool
) -> int:
    """The finished ones, or those of a status, that began before a time."""

    def wanted(instance: Instance) -> bool:
        fits = status == instance.shown_status.name if status else instance.status.is_final
        return fits and (until is None or instance.created_at < until)

    chosen = await workflows.choose(wanted)
    if not force and not all(instance.status.is_final for instance in chosen):
        raise RefusedError(f"{status} workflows have not finished; purge them with --force")
    forgetting = (workflows.purge(each.instance_id, False, force) for each in chosen)
    return sum(await asyncio.gather(*forgetting))


async def _rerun(
    workflows: Workflows, instance_id: str, event_id: int | None, new_id: str, data: str | None
) -> str:
    """From the first thing that the workflow asked for, where no event is named."""
    if event_id is None:
        ids = [happened.eventId for happened in await workflows.history(instance_id)]
        event_id = min((each for each in ids if each >= 0), default=0)
    asked = RerunRequest(event_id, new_id or uuid.uuid4().hex, data is not None, data)
    return await workflows.rerun(instance_id, asked)


def _shown(instance: Instance) -> dict[str, Any]:
    failure = pb.TaskFailureDetails.FromString(instance.failure or b"")
    return {
        "appID": instance.app_id,
        "name": instance.name,
        "instanceID": instance.instance_id,
        "created": instance.created_at,
        "lastUpdate": instance.updated_at,
        "runtimeStatus": instance.shown_status.name,
        "customStatus": instance.custom_status,
        "failureMessage": failure.errorMessage,
    }


def _event(happened: HistoryEvent) -> dict[str, Any]:
    kind = happened.WhichOneof("eventType") or "unknown"
    attributes = MessageToDict(getattr(happened, kind))
    status = STATUSES.get(kind, "RUNNING")
    if kind == "executionCompleted":
        status = Status(happened.executionCompleted.workflowStatus).name
    return {
        "type": kind[0].upper() + kind[1:],
        "name": attributes.pop("name", None),
        "eventId": happened.eventId if happened.eventId >= 0 else None,
        "timestamp": microseconds(happened.timestamp),
        "status": status,
        "attrs": attributes,
    }


ANSWERS: Mapping[str, Callable[..., Awaitable[Any]]] = {
    "run": _run,
    "list": _list,
    "history": _history,
    "purge": _purge,
    "purge_all": _purge_all,
    "rerun": _rerun,
}
