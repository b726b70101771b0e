"""Whether each service and its sidecar work."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, Response, current_app, render_template

from live import stream
from parallel import Answer, answers
from person import needs
from pizza_common.settings import PORTS
from shop import shop

pages = Blueprint("operator_health", __name__)

SERVICES = tuple(name for name in PORTS if name != "pizza-web")
_PATHS = ("/healthz", "/readyz")
PROBE_SECONDS = 3.0
LOOK_SECONDS = 5.0
"""No event says that a service is away, so while somebody looks, they are asked so often."""


@dataclass(frozen=True)
class Health:
    """A service: `alive` its process and the way to it, `ready` all that it needs for its work."""

    service: str
    alive: bool
    ready: bool
    detail: str

    @classmethod
    def of(cls, service: str, healthz: Answer, readyz: Answer) -> "Health":
        alive = healthz.error is None
        error = healthz.error if not alive else readyz.error
        return cls(service, alive, alive and readyz.error is None, error.detail if error else "")


@pages.get("/operator/health")
@needs("operator")
def health_page() -> str:
    """Each service, and what it says of itself."""
    return render_template("operator/health.html", **_seen())


@pages.get("/live/operator/health")
@needs("operator")
def live_health() -> Response:
    """The same, again and again."""
    return stream(
        (),
        lambda: render_template("operator/_health.html", **_seen()),
        shared="health",
        every=LOOK_SECONDS,
    )


def _seen() -> dict[str, Any]:
    ask = partial(shop().get, timeout=PROBE_SECONDS)
    probes = {name + path: partial(ask, name, path) for name in SERVICES for path in _PATHS}
    found = answers(probes)
    healths = [Health.of(name, *(found[name + path] for path in _PATHS)) for name in SERVICES]
    own: bool = current_app.extensions["checks"]["sidecar"]()
    return {"healths": healths, "own_sidecar": own}
