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

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
VERSIONS = ("v1.0", "v1.0-beta1", "v1.0-alpha1")
LONGEST_ID = 64
NEVER = datetime(1, 1, 1, tzinfo=UTC)

# What each verb says when its instance is missing: error code and message.
_MISSING = {
    "raiseEvent": (
        "ERR_RAISE_EVENT_WORKFLOW",
        "error raising event on workflow '{id}': failed to raise event {name} on workflow {id}: "
        "failed to raise event: no such instance exists",
    ),
    "pause": (
        "ERR_PAUSE_WORKFLOW",
        "error pausing workflow {id}: failed to pause workflow {id}: "
        "failed to suspend workflow: no such instance exists",
    ),
    "resume": (
        "ERR_RESUME_WORKFLOW",
        "error resuming workflow {id}: failed to resume workflow {id}: "
        "failed to resume workflow: no such instance exists",
    ),
}


def routes(workflows: Workflows) -> list[web.RouteDef]:
    """The routes of one app's workflows, in each version of the API that the runtime has."""
    http = WorkflowHttp(workflows)
    table: list[web.RouteDef] = []
    for version in VERSIONS:
        base = f"/{version}/workflows/{{component}}/{{id}}"
        table += [
            web.post(f"{base}/start", http.start),
            web.get(base, http.get),
            web.post(f"{base}/raiseEvent/{{event}}", http.raise_event),
            web.post(f"{base}/pause", http.pause),
            web.post(f"{base}/resume", http.resume),
            web.post(f"{base}/terminate", http.terminate),
            web.post(f"{base}/purge", http.purge),
        ]
    return table


class WorkflowHttp:
    """The handlers. The component name in the path is not checked, as in the runtime."""

    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows

    async def start(self, request: web.Request) -> web.Response:
        name, instance_id = request.match_info["id"], request.query.get("instanceID", "")
        _check_id(instance_id)
        trace = request.headers.get("traceparent")
        asked = StartRequest(name, instance_id, await request.text(), trace=trace)
        try:
            return _accepted(instanceID=await self._workflows.start(asked))
        except InstanceExistsError as active:
            message = (
                f"error starting workflow '{name}': unable to start workflow: "
                f"failed to start workflow: {active}"
            )
            raise ApiError(500, active.code, message) from active

    async def get(self, request: web.Request) -> web.Response:
        instance_id = request.match_info["id"]
        instance = await self._workflows.get(instance_id)
        if instance is None:
            raise _not_found(instance_id)
        return web.json_response(_shown(instance))

    async def raise_event(self, request: web.Request) -> web.Response:
        instance_id, name = request.match_info["id"], request.match_info["event"]
        payload = await request.text() or None
        call = self._workflows.raise_event(instance_id, name, payload)
        return await _or_missing(call, "raiseEvent", instance_id, name)

    async def pause(self, request: web.Request) -> web.Response:
        instance_id = request.match_info["id"]
        return await _or_missing(self._workflows.suspend(instance_id), "pause", instance_id)

    async def resume(self, request: web.Request) -> web.Response:
        instance_id = request.match_info["id"]
        return await _or_missing(self._workflows.resume(instance_id), "resume", instance_id)

    async def terminate(self, request: web.Request) -> web.Response:
        instance_id = request.match_info["id"]
        try:
            await self._workflows.terminate(instance_id, recursive=True)
        except NoSuchInstanceError as missing:
            raise _not_found(instance_id) from missing
        return _accepted()

    async def purge(self, request: web.Request) -> web.Response:
        instance_id = request.match_info["id"]
        try:
            await self._workflows.purge(instance_id, recursive=True)
        except NoSuchInstanceError as missing:
            raise _not_found(instance_id) from missing
        except NotCompletedError as running:
            message = (
                f"error purging workflow {instance_id}: failed to Purge workflow {instance_id}: "
                f"failed to purge workflow state: {running}"
            )
            raise ApiError(500, running.code, message) from running
        return _accepted()


def _accepted(**body: str) -> web.Response:
    return web.json_response(body, status=202)


async def _or_missing(
    call: Awaitable[None], verb: str, instance_id: str, name: str = ""
) -> web.Response:
    try:
        await call
    except NoSuchInstanceError as missing:
        code, message = _MISSING[verb]
        raise ApiError(500, code, message.format(id=instance_id, name=name)) from missing
    return _accepted()


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
    if instance.status is Status.PENDING:
        return {
            "instanceID": instance.instance_id,
            "runtimeStatus": "PENDING",
            "createdAt": _iso(None),
            "lastUpdatedAt": _iso(None),
        }
    return {
        "instanceID": instance.instance_id,
        "workflowName": instance.name,
        "createdAt": _iso(instance.created_at),
        "lastUpdatedAt": _iso(instance.updated_at),
        "runtimeStatus": instance.shown_status.name,
        "properties": _properties(instance),
    }


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
