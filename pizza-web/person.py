"""Who looks at the pages: the principal of the session, or of a signed link."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, g, redirect, request, session, url_for

from live import MEDIA_TYPE
from pizza_common.errors import Forbidden
from pizza_common.principal import NOBODY, ROLES, Principal, Role

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
    """From now on this browser is that person; nothing of an earlier session is kept."""
    session.clear()
    session[_KEY] = {"name": who.name, "roles": sorted(who.roles)}
    g.person = who


def sign_out() -> None:
    """Forget who this browser is."""
    session.clear()
    g.person = NOBODY


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
                raise Forbidden(f"This page is for: {', '.join(roles)}.")
            return page(*args, **values)

        return guarded  # type: ignore[return-value]

    return guard


def _to_sign_in() -> Any:
    if MEDIA_TYPE in request.headers.get("Accept", ""):
        # Its page was signed out meanwhile: loaded again, it leads to /sign-in itself.
        return Response("event: shop:reload\ndata:\n\n", content_type=MEDIA_TYPE)
    back = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(url_for("sign_in_pages.sign_in_page", next=back), 303)


def _of_session() -> Principal:
    told = session.get(_KEY)
    if not told:
        return NOBODY
    roles = frozenset(role for role in ROLES if role in told["roles"])
    return Principal(str(told["name"]), roles)
