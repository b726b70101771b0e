"""Who looks at the pages: the principal of the session, or of a signed link."""

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, g, redirect, request, session, url_for
from flask_wtf.csrf import generate_csrf  # type: ignore[import-untyped]

from pizza_common.errors import Forbidden
from pizza_common.principal import NOBODY, Principal, Role
from pizza_common.staff import STAFF, StaffRole
from send_again import signed_out
from sse import MEDIA_TYPE, reload_answer

SIGNED_IN_SECONDS = 12 * 3600
ORDERS = "orders"
"""The key of the session under which the orders of this browser are."""

_KEY = "person"

Page = TypeVar("Page", bound=Callable[..., Any])


def person() -> Principal:
    """Who asks for this page; NOBODY who has not signed in."""
    if "person" not in g:
        g.person = _of_session()
    found: Principal = g.person
    return found


def act_as(who: Principal) -> None:
    """For this request only, as the link of an order makes somebody its customer."""
    g.person = who


def sign_in(who: Principal) -> None:
    """From now on this browser is that person; of an earlier session its orders are kept."""
    orders = session.get(ORDERS)
    session.clear()
    session[_KEY] = {
        "name": who.name,
        "roles": sorted(who.roles),
        "until": time.time() + SIGNED_IN_SECONDS,
    }
    if orders:
        session[ORDERS] = orders
    generate_csrf()  # which is kept in it: pages that are opened at once must have the same
    g.person = who


def take_role(role: StaffRole, called: str = "") -> Principal:
    """Sign in by something that says the role and not who it is.

    The name begins with the role, for `called` is only what somebody calls itself. The roles of
    one who is called the same add up.
    """
    told = _told() or {}
    before = told["roles"] if told.get("called") == called else ()
    roles = [each for each in STAFF if each == role or each in before]
    who = Principal(f"{' and '.join(roles)} {called}".strip(), frozenset(roles))
    sign_in(who)
    session[_KEY]["called"] = called
    return who


def sign_out() -> None:
    """Forget who this browser is, and end the streams of its pages."""
    if person().roles:
        current_app.extensions["live"].sign_out(session_name())
    session.clear()
    g.person = NOBODY


def session_name() -> str:
    """Something that no other session has; a new one with each sign-in."""
    generate_csrf()
    name: str = session["csrf_token"]
    return name


def signed_in_until() -> float | None:
    """When who signed in is signed out again; None when nobody has."""
    told = _told()
    return told["until"] if told else None


def needs(*roles: Role) -> Callable[[Page], Page]:
    """Stands under the decorator of a route: the page is for these roles only.

    Who is not signed in is led to /sign-in and back; another role gets a 403 page.
    """

    def guard(page: Page) -> Page:
        @functools.wraps(page)
        def guarded(*args: Any, **values: Any) -> Any:
            if not person().roles:
                return _to_sign_in()
            if not person().has(*roles):
                raise Forbidden(f"Only {' and '.join(f'the {role}' for role in roles)} can see it.")
            return page(*args, **values)

        return guarded  # type: ignore[return-value]

    return guard


def _to_sign_in() -> Any:
    if MEDIA_TYPE in request.headers.get("Accept", ""):
        # Its page was signed out meanwhile: loaded again, it leads to /sign-in itself.
        return reload_answer()
    if request.method == "POST":
        return signed_out()
    back = request.full_path.rstrip("?")
    return redirect(url_for("sign_in_pages.sign_in_page", next=back), 303)


def _of_session() -> Principal:
    told = _told()
    if told is None:
        return NOBODY
    return Principal(told["name"], frozenset(role for role in STAFF if role in told["roles"]))


def _told() -> dict[str, Any] | None:
    """What the session says of who signed in; None when nobody did, or too long ago."""
    told: dict[str, Any] | None = session.get(_KEY)
    return told if told and time.time() < told["until"] else None
