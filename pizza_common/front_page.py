"""What a service says at its address: what it is, and where to read on."""

from typing import Any

from flask import current_app, redirect
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel

from pizza_common.access import ANYONE, allow

LINKS = {
    "documentation": "/docs",
    "openapi": "/openapi/openapi.json",
    "health": "/healthz",
    "readiness": "/readyz",
    "metrics": "/metrics",
}

front = APIBlueprint("front", __name__)
documentation = APIBlueprint("documentation", __name__)


class FrontPage(BaseModel):
    """A service in short; the links are paths of the service."""

    service: str
    description: str
    links: dict[str, str]


@front.get("/", responses={200: FrontPage})
@allow(ANYONE)
def front_page() -> dict[str, Any]:
    """What the service is, and where its documentation is."""
    about: str = current_app.extensions["about"]
    return FrontPage(service=current_app.name, description=about, links=LINKS).model_dump()


@documentation.get("/docs", responses={302: {"description": "The documentation is at /openapi"}})
@allow(ANYONE)
def docs() -> Any:
    """Leads to the documentation."""
    return redirect("/openapi/")


def install_front_page(app: OpenAPI, about: str, at_root: bool = True) -> None:
    """Give this app its front page, unless its own is there; `about` is one sentence."""
    app.extensions["about"] = about
    app.register_api(documentation)
    if at_root:
        app.register_api(front)
