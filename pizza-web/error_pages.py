"""Errors as pages for browsers; all others get the problem."""

from http import HTTPStatus

from flask import Response, render_template, request

from pizza_common.problems import MEDIA_TYPE as PROBLEM_TYPE
from pizza_common.problems import Problem
from sse import MEDIA_TYPE

AGAIN_SECONDS = "5"
"""After these the browser asks again by itself for a page that could not be shown."""

_HTML = "text/html; charset=utf-8"


def error_page(problem: Problem) -> Response | None:
    """The problem in the shop's layout; None for a client that shows no pages."""
    accepted = request.accept_mimetypes
    best = accepted.best_match([PROBLEM_TYPE, "text/html"])
    if best != "text/html" or MEDIA_TYPE in accepted.values():
        return None
    answer = Response(render_template("error.html", problem=problem), content_type=_HTML)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE and request.method == "GET":
        answer.headers["Refresh"] = answer.headers["Retry-After"] = AGAIN_SECONDS
    return answer
