"""Problem answers (RFC 9457): the one place that turns an error into a response."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, current_app
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from pizza_common.errors import BadInput, PizzaError, Unavailable

MEDIA_TYPE = "application/problem+json"
_SHOWN_ERRORS = 50

log = structlog.get_logger()


class FieldError(BaseModel):
    """One field that is wrong: where (`customer.name`, `items.0.size`) and why."""

    field: str
    message: str


class Problem(BaseModel):
    """Every error answer of every service."""

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    errors: list[FieldError] | None = None


ErrorPage = Callable[[Problem], Response | None]
"""Shows a problem to who asked, or gives None when the problem itself is the answer."""


def problem_docs(*statuses: int) -> dict[str | int | HTTPStatus, Any]:
    """The problem answers of a route, for its OpenAPI description."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"content": {MEDIA_TYPE: schema}} for status in statuses}


def install_problems(app: Flask) -> None:
    """Answer every error of this app with a problem.

    A service that has pages puts an ErrorPage into `app.extensions["error_page"]`.
    """
    app.register_error_handler(PizzaError, _answer_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_unexpected)


def problem_body(
    status: int, title: str, detail: str, errors: list[FieldError] | None = None
) -> bytes:
    """A problem as it is sent."""
    return _body(Problem(title=title, status=status, detail=detail, errors=errors or None))


def refuse_input(error: ValidationError) -> Response:
    """Never returns: raises BadInput with one entry per wrong field."""
    raise bad_input(error) from error


def bad_input(error: ValidationError) -> BadInput:
    """What pydantic found, in words for the client; never what was sent."""
    rows = error.errors(include_url=False, include_input=False)
    errors = [_field_error(dict(row)) for row in rows[:_SHOWN_ERRORS]]
    fields = ", ".join(dict.fromkeys(field for field, _ in errors if field))
    return BadInput(f"Cannot use: {fields}" if fields else errors[0][1], errors)


def _field_error(row: dict[str, Any]) -> tuple[str, str]:
    context = row.get("ctx") or {}
    field = ".".join(str(part)[:100] for part in (*row["loc"], *_named(context)))
    message = "unknown field" if row["type"] == "extra_forbidden" else row["msg"]
    if row["type"] == "string_pattern_mismatch":
        message = f"does not match {context['pattern']}"
    return field, message


def _named(context: dict[str, Any]) -> tuple[str, ...]:
    return (context["field"],) if "field" in context else ()


def _answer_error(error: PizzaError) -> Response:
    if isinstance(error, Unavailable):
        log.warning("unavailable", error=error.title, detail=error.detail)
    errors = [FieldError(field=field, message=message) for field, message in error.errors]
    answer = _response(error.status, error.title, error.detail, errors)
    answer.headers.extend(error.headers)
    return answer


def _answer_http_error(error: HTTPException) -> Response | HTTPException:
    """Flask's own refusals: unknown route, wrong method, body too long or no JSON."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error
    answer = _response(error.code, error.name, error.description or error.name)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers.add(name, value)
    return answer


def _answer_unexpected(error: Exception) -> Response:
    """The outermost edge: the client learns nothing but that; the log has the traceback."""
    log.error("unexpected error", exc_info=error)
    return _response(HTTPStatus.INTERNAL_SERVER_ERROR, PizzaError.title, "See the service's log.")


def _response(
    status: int, title: str, detail: str, errors: list[FieldError] | None = None
) -> Response:
    problem = Problem(title=title, status=status, detail=detail, errors=errors or None)
    show: ErrorPage | None = current_app.extensions.get("error_page")
    answer = show(problem) if show else None
    if answer is None:
        answer = Response(_body(problem), content_type=MEDIA_TYPE)
    answer.status_code = status
    return answer


def _body(problem: Problem) -> bytes:
    return json.dumps(problem.model_dump(exclude_none=True)).encode("ascii")
