"""What every page has: the layout's helpers, the headers of security, forms that are checked."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g
from flask_openapi.blueprint import APIBlueprint
from flask_wtf.csrf import CSRFProtect, generate_csrf  # type: ignore[import-untyped]
from markupsafe import Markup

from assets import Assets
from display import moment, money, words
from entry_words import doer, happened, said, said_to_customers, without_turning_back
from person import person
from pizza_common.access import PAGE, allow, is_documentation
from pizza_common.principal import Role
from status_words import phrase

HERE = Path(__file__).parent

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)

# The documentation at /openapi, which is vendored with flask-openapi, has a script in its page.
OF_DOCUMENTATION = "default-src 'self' 'unsafe-inline'; img-src 'self' data:"

HTTPS_SECONDS = 365 * 24 * 3600
"""For which browsers come by https only, once they have."""

HTMX = {
    "extensions": "sse",
    "includeIndicatorCSS": False,  # it would be an inline style
    "morphIgnore": ["data-htmx-powered", "open"],  # <details> stays as its reader left it
    # A page that lost its service has it again within 5 s of its return.
    "sse": {"connectTimeout": 2500, "reconnectMaxDelay": 1800},
}

NAVIGATION: tuple[tuple[str, str, tuple[Role, ...]], ...] = (
    ("/", "Menu", ()),
    ("/orders", "My orders", ()),
    ("/kitchen", "Kitchen", ("kitchen", "operator")),
    ("/manager", "Manager", ("manager", "operator")),
    ("/operator", "Operator", ("operator",)),
)


FILTERS = (
    money,
    words,
    moment,
    phrase,
    happened,
    doer,
    said,
    said_to_customers,
    without_turning_back,
)

frame = Blueprint("frame", __name__, template_folder=str(HERE / "templates"))


@frame.get("/assets/<name>")
def asset(name: str) -> Response:
    """What pages load."""
    assets: Assets = current_app.extensions["assets"]
    return assets.answer(name)


def install_pages(app: Flask, pages: Sequence[Blueprint]) -> None:
    """Give this app these pages, and the frame that they are rendered in."""
    assets = app.extensions["assets"] = Assets(HERE / "static")
    for blueprint in (frame, *pages):
        app.register_blueprint(blueprint)
        _open_to_anyone(app, blueprint.name)
    _check_forms(app)
    app.after_request(_secure)
    _furnish(app, assets)


def _open_to_anyone(app: Flask, name: str) -> None:
    """Who may see a page is said by `person.needs`, which knows the session."""
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith(f"{name}."):
            allow(PAGE)(view)


def _check_forms(app: Flask) -> None:
    """Only from pages of this session; the JSON routes have no session, and no form leads there."""
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as its session
    protect = CSRFProtect(app)
    for blueprint in app.blueprints.values():
        if isinstance(blueprint, APIBlueprint):
            protect.exempt(blueprint)


def _furnish(app: Flask, assets: Assets) -> None:
    """What the templates use."""
    environment = app.jinja_env
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {each.__name__: each for each in FILTERS}
    environment.globals |= {
        "asset": assets.url,
        "csrf": csrf,
        "person": person,
        "navigation": navigation,
        "htmx_config": json.dumps(HTMX),
    }
    macros: Any = environment.get_template("_macros.html").module
    environment.globals["live"] = macros.live


def csrf() -> Markup:
    """The hidden field that every form with method POST has."""
    token = g.get("csrf_mark") or generate_csrf()
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token)


def navigation() -> list[tuple[str, str]]:
    """The pages that this person may see."""
    return [(path, label) for path, label, roles in NAVIGATION if not roles or person().has(*roles)]


def _secure(answer: Response) -> Response:
    is_its_page = is_documentation() and answer.mimetype == "text/html"
    policy = OF_DOCUMENTATION if is_its_page else POLICY
    if current_app.config["SESSION_COOKIE_SECURE"]:
        answer.headers.setdefault("Strict-Transport-Security", f"max-age={HTTPS_SECONDS}")
    answer.headers.setdefault("Content-Security-Policy", policy)
    answer.headers.setdefault("Referrer-Policy", "same-origin")
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer
