"""Workflow management over HTTP: /v1.0/workflows/..., with the answers of the real runtime.

Translates paths, ids and errors; what happens is the business of `Workflows`.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from localdapr.engine.instance import Instance, Status
from localdapr.errors import ApiError, InstanceExistsError, NoSuchInstanceError, NotCompletedError
from localdapr.wire import pb
from localdapr.workflows import StartRequest, Workflows

Handler = Callable[[web.Request], Awaitable[web.Response]]
Action = Callable[[web.Request], Awaitable[object]]
# The component name is not checked, as in the runtime.
INSTANCE = r"/{version:v1\.0(?:-beta1|-alpha1)?}/workflows/{component}/{id}"
LONGEST_ID = 64
NEVER = datetime(1, 1, 1, tzinfo=UTC)

# What a verb says when its instance is missing or does not let it happen.
REFUSALS = {
    "start": "error starting workflow '{id}': unable to start workflow: "
    "failed to start workflow: {cause}",
    "raiseEvent": "error raising event on workflow '{id}': "
    "failed to raise event {event} on workflow {id}: failed to raise event: {cause}",
    "pause": "error pausing workflow {id}: failed to pause workflow {id}: "
    "failed to suspend workflow: {cause}",
    "resume": "error resuming workflow {id}: failed to resume workflow {id}: "
    "failed to resume workflow: {cause}",
    "purge": "error purging workflow {id}: failed to Purge workflow {id}: "
    "failed to purge workflow state: {cause}",
}
CODES = {"raiseEvent": "ERR_RAISE_EVENT_WORKFLOW"}


def routes(workflows: Workflows) -> list[web.RouteDef]:
    """The routes of one app's workflows, in each version of the API that the runtime has."""
    http = WorkflowHttp(workflows)
    return [
        web.get(INSTANCE, http.get),
        web.post(f"{INSTANCE}/start", _translated("start", http.start)),
        web.post(f"{INSTANCE}/raiseEvent/{{event}}", _translated("raiseEvent", http.raise_event)),
        web.post(f"{INSTANCE}/pause", _translated("pause", http.pause)),
        web.post(f"{INSTANCE}/resume", _translated("resume", http.resume)),
        web.post(f"{INSTANCE}/terminate", _translated("terminate", http.terminate)),
        web.post(f"{INSTANCE}/purge", _translated("purge", http.purge)),
    ]


class WorkflowHttp:
    """The handlers; those of verbs give what the answer says, if anything."""

    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows

    async def get(self, request: web.Request) -> web.Response:
        instance = await self._workflows.get(_id(request))
        if instance is None:
            raise _not_found(_id(request))
        return web.json_response(_shown(instance))

    async def start(self, request: web.Request) -> object:
        instance_id = request.query.get("instanceID", "")
        _check_id(instance_id)
        trace = request.headers.get("traceparent")
        asked = StartRequest(_id(request), instance_id, await _text(request), trace=trace)
        return {"instanceID": await self._workflows.start(asked)}

    async def raise_event(self, request: web.Request) -> None:
        payload = await _text(request) or None
        await self._workflows.raise_event(_id(request), request.match_info["event"], payload)

    async def pause(self, request: web.Request) -> None:
        await self._workflows.suspend(_id(request))

    async def resume(self, request: web.Request) -> None:
        await self._workflows.resume(_id(request))

    async def terminate(self, request: web.Request) -> None:
        await self._workflows.terminate(_id(request), recursive=True)

    async def purge(self, request: web.Request) -> None:
        await self._workflows.purge(_id(request), recursive=True)


def _translated(verb: str, act: Action) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await act(request) or {}, status=202)
        except (InstanceExistsError, NoSuchInstanceError, NotCompletedError) as cause:
            if isinstance(cause, NoSuchInstanceError) and verb in ("terminate", "purge"):
                raise _not_found(_id(request)) from cause
            code = CODES.get(verb, f"ERR_{verb.upper()}_WORKFLOW")
            text = REFUSALS[verb].format(**request.match_info, cause=cause)
            raise ApiError(500, code, text) from cause

    return handle


async def _text(request: web.Request) -> str:
    """The body, which is UTF-8 whatever its header says. Raises ApiError."""
    try:
        return (await request.read()).decode("utf-8")
    except UnicodeDecodeError as cause:
        raise ApiError(400, "ERR_MALFORMED_REQUEST", f"the body is not UTF-8: {cause}") from cause


def _id(request: web.Request) -> str:
    return request.match_info["id"]


def _not_found(instance_id: str) -> ApiError:
    message = f"unable to find workflow with the provided instance ID: {instance_id}"
    return ApiError(404, "ERR_INSTANCE_ID_NOT_FOUND", message)


def _check_id(instance_id: str) -> None:
    """Raise ApiError for an id that the runtime's HTTP API refuses."""
    if len(instance_id) > LONGEST_ID:
        message = f"workflow instance ID exceeds the max length of {LONGEST_ID} characters"
        raise ApiError(400, "ERR_INSTANCE_ID_TOO_LONG", message)
    if not all(letter.isalnum() or letter in "-_" for letter in instance_id):
        message = (
            f"workflow instance ID '{instance_id}' is invalid: "
            "only alphanumeric and underscore characters are allowed"
        )
        raise ApiError(400, "ERR_INSTANCE_ID_INVALID", message)


def _shown(instance: Instance) -> dict[str, object]:
    begun = instance.status is not Status.PENDING
    shown: dict[str, object] = {
        "instanceID": instance.instance_id,
        "runtimeStatus": instance.shown_status.name if begun else "PENDING",
        "createdAt": _iso(instance.created_at if begun else None),
        "lastUpdatedAt": _iso(instance.updated_at if begun else None),
    }
    if begun:
        shown |= {"workflowName": instance.name, "properties": _properties(instance)}
    return shown


def _properties(instance: Instance) -> dict[str, str]:
    properties = {"dapr.workflow.input": instance.input or ""}
    if instance.custom_status:
        properties["dapr.workflow.custom_status"] = instance.custom_status
    if instance.output is not None and instance.status is not Status.TERMINATED:
        properties["dapr.workflow.output"] = instance.output
    if instance.failure is not None:
        failure = pb.TaskFailureDetails.FromString(instance.failure)
        properties["dapr.workflow.failure.error_type"] = failure.errorType
        properties["dapr.workflow.failure.error_message"] = failure.errorMessage
        if failure.HasField("stackTrace"):
            properties["dapr.workflow.failure.stack_trace"] = failure.stackTrace.value
    return properties


def _iso(at: int | None) -> str:
    moment = NEVER if at is None else datetime.fromtimestamp(at / 1_000_000, UTC)
    return moment.isoformat().replace("+00:00", "Z")
