"""Reading requests of the Dapr HTTP API and writing its JSON: what its route files share."""

from typing import Any, ClassVar, TypeVar

from aiohttp import web
from pydantic import TypeAdapter

from localdapr.cloudevent import from_json_text, to_json
from localdapr.errors import ApiError
from localdapr.tracing import Trace
from localdapr.yaml_file import Model, said

T = TypeVar("T")
TRACE = web.RequestKey("trace", Trace)
PASSED_ON = web.RequestKey("passed_on", bool)  # an app answered: its headers are left alone


class Body(Model):
    """An object of a request. Only null counts as not given."""

    not_given: ClassVar[tuple[object, ...]] = (None,)


async def read_body(request: web.Request, form: TypeAdapter[T]) -> T:
    """The body in the form asked for. Raises ApiError 400 when it is none."""
    try:
        return form.validate_python(from_json_text(await request.read()))
    except ValueError as cause:
        raise malformed(said(cause)) from cause


def json_answer(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=to_json(value), status=status, content_type="application/json")


def malformed(reason: str) -> ApiError:
    message = f"failed deserializing HTTP body: {reason}"
    return ApiError(400, "ERR_MALFORMED_REQUEST", message)


def query_metadata(request: web.Request) -> dict[str, str]:
    """`?metadata.ttlInSeconds=5` and the like."""
    return {
        name.removeprefix("metadata."): value
        for name, value in request.query.items()
        if name.startswith("metadata.")
    }
