"""The answer to a form that came too late: what was typed is in the page, to be sent again."""

from http import HTTPStatus

from flask import make_response, render_template, request
from werkzeug import Response

_NOT_KEPT = ("csrf_token", "token")


def too_old() -> Response:
    """To a form whose token is not of this session."""
    return _page("too_old", HTTPStatus.BAD_REQUEST)


def signed_out() -> Response:
    """To a form of somebody who was signed in when the page was made."""
    answer = _page("signed_out", HTTPStatus.UNAUTHORIZED)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _page(why: str, status: HTTPStatus) -> Response:
    # Forms of other sites do not come so far: nobody is lured into sending something again.
    typed = request.form.items(multi=True)
    fields = [(name, value) for name, value in typed if name not in _NOT_KEPT]
    page = render_template("sign_in/again.html", why=why, fields=fields)
    return make_response(page, status)
