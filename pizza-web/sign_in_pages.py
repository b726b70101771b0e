"""Signing in and out."""

from http import HTTPStatus
from typing import Any

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]

from own_path import own_path
from person import sign_out
from pizza_common.errors import BadInput, Forbidden, Gone, NotFound, PeerUnavailable
from pizza_common.principal import Role
from pizza_common.staff import STAFF
from send_again import too_old
from sign_in import CALLED_AT_MOST, SignIn, one_line
from wrong_attempts import WrongAttempts

pages = Blueprint("sign_in_pages", __name__)

_NEXT = "next"
_WAIT = "That was too often; wait a minute."


@pages.get("/sign-in")
def sign_in_page() -> Any:
    """How to sign in; where that is at a provider only, straight to it."""
    sign_in = _sign_in()
    if sign_in.provider and not sign_in.by_token:
        return begin()
    return _form()


@pages.post("/sign-in")
def sign_in_with_token() -> Any:
    """With a role's token, which always lets in.

    Behind a proxy all have one address, so who is wrong there must not shut out the others.
    """
    sign_in, address = _sign_in(), request.remote_addr or ""
    if not sign_in.by_token:
        raise NotFound("Nobody signs in with a token here.")
    called = one_line(request.form.get("called", ""))
    role = sign_in.with_token(request.form.get("token", "").strip(), called)
    if role is None:
        return _wrong_token(sign_in.attempts, address)
    return redirect(own_path(request.form.get(_NEXT), f"/{role}"), HTTPStatus.SEE_OTHER)


def _wrong_token(attempts: WrongAttempts, address: str) -> Any:
    """Who was wrong too often waits before they are told once more."""
    if seconds := attempts.wait_seconds(address):
        wait = {"Retry-After": str(int(seconds) + 1)}
        return _form(_WAIT), HTTPStatus.TOO_MANY_REQUESTS, wait
    attempts.add(address)
    return _form("This token belongs to no role."), HTTPStatus.FORBIDDEN


@pages.get("/sign-in/provider")
def begin() -> Any:
    """To the provider, and back to `finish`."""
    sign_in = _sign_in()
    if sign_in.provider is None:
        raise NotFound("There is no sign-in provider here.")
    answer = sign_in.provider.begin(_base_url() + url_for("sign_in_pages.finish"))
    session[_NEXT] = own_path(request.args.get(_NEXT), "")
    return answer


@pages.get("/sign-in/callback")
def finish() -> Any:
    """Back from the provider."""
    sign_in = _sign_in()
    if sign_in.provider is None:
        raise NotFound("There is no sign-in provider here.")
    wanted = session.pop(_NEXT, "")
    try:
        who = sign_in.with_claims(sign_in.provider.finish())
    except (BadInput, Forbidden, PeerUnavailable) as error:
        return _form(error.detail), error.status  # a second look at this address would not help
    return redirect(wanted or _home(who.roles), HTTPStatus.SEE_OTHER)


@pages.get("/sign-in/<ticket>")
def sign_in_with_link(ticket: str) -> Any:
    """By a link of development; a look at it (HEAD, a prefetch) does not use it up."""
    if request.method == "HEAD" or "Sec-Purpose" in request.headers:
        return "", HTTPStatus.NO_CONTENT
    try:
        role = _sign_in().with_link(ticket)
    except Gone as gone:
        return _form(gone.detail), HTTPStatus.GONE
    return redirect(f"/{role}", HTTPStatus.SEE_OTHER)


@pages.post("/sign-in/links")
def write_new_links() -> Any:
    """To the log, which nobody but the developer reads."""
    sign_in = _sign_in()
    if not sign_in.by_link:
        raise NotFound("Nobody signs in by links here.")
    address = request.remote_addr or ""
    if sign_in.attempts.wait_seconds(address):
        return _form(_WAIT), HTTPStatus.TOO_MANY_REQUESTS
    sign_in.attempts.add(address)
    sign_in.log_links()
    flash("New links are in the log of pizza-web: in the terminal of make run.")
    return redirect(url_for("sign_in_pages.sign_in_page"), HTTPStatus.SEE_OTHER)


@pages.post("/sign-out")
def sign_out_of_all() -> Any:
    """Forget who this browser is."""
    sign_out()
    return redirect("/", HTTPStatus.SEE_OTHER)


@pages.app_errorhandler(CSRFError)
def offer_to_send_again(_error: CSRFError) -> Any:
    """Every form has a token of its session; that of a role is not kept."""
    if request.path == url_for("sign_in_pages.sign_in_page"):
        return _form("The page was too old: enter the token again."), HTTPStatus.BAD_REQUEST
    return too_old()


def _form(problem: str = "") -> str:
    return render_template(
        "sign_in/sign_in.html",
        sign_in=_sign_in(),
        next=own_path(request.values.get(_NEXT), ""),
        problem=problem,
        called=one_line(request.form.get("called", "")),
        called_at_most=CALLED_AT_MOST,
    )


def _base_url() -> str:
    """Where browsers find these pages; a proxy that ends TLS is not seen in the request."""
    scheme = "https" if current_app.config["SESSION_COOKIE_SECURE"] else "http"
    return _sign_in().web_url or f"{scheme}://{request.host}"


def _home(roles: frozenset[Role]) -> str:
    return next((f"/{role}" for role in reversed(STAFF) if role in roles), "/")


def _sign_in() -> SignIn:
    found: SignIn = current_app.extensions["sign_in"]
    return found
