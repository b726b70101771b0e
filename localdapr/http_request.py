"""Reading requests of the Dapr HTTP API and writing its JSON: what its route files share."""

from typing import Any

from aiohttp import web

from localdapr.cloudevent import from_json, to_json
from localdapr.errors import ApiError
from localdapr.tracing import Trace

TRACE = web.RequestKey("trace", Trace)
PASSED_ON = web.RequestKey("passed_on", bool)  # an app answered: its headers are left alone


async def read_json(request: web.Request) -> Any:
    """The body as JSON. Raises ApiError 400 when it is none."""
    try:
        return from_json(await request.read())
    except ValueError as cause:
        raise malformed(f"failed deserializing HTTP body: {cause}") from cause


def json_answer(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=to_json(value), status=status, content_type="application/json")


def malformed(reason: str) -> ApiError:
    return ApiError(400, "ERR_MALFORMED_REQUEST", reason)


def query_metadata(request: web.Request) -> dict[str, str]:
    """`?metadata.ttlInSeconds=5` and the like."""
    return {
        name.removeprefix("metadata."): value
        for name, value in request.query.items()
        if name.startswith("metadata.")
    }
