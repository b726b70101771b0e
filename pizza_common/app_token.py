"""Tells what the sidecar delivers from what anybody sends: the app API token of Dapr."""

import hmac

from flask import current_app, request

from pizza_common.errors import Forbidden, Unauthorized

_TOKEN = "dapr-api-token"  # noqa: S105 - the header's name
_OF_INVOCATIONS = ("dapr-caller-app-id", "dapr-callee-app-id")


def check_sidecar() -> None:
    """Let nobody but the own sidecar through, with whatever it brings. Raises Unauthorized.

    Without APP_API_TOKEN all are let through.
    """
    token: str = current_app.extensions["app_token"]
    given = request.headers.get(_TOKEN, "")
    if token and not hmac.compare_digest(given.encode("latin-1"), token.encode()):
        raise Unauthorized("Only the service's own sidecar may call this.")


def check_delivery() -> None:
    """Let nobody but the own sidecar through, and it only with an event, not with another's call.

    The sidecar sends the token with service invocations, too. (Those of an app by its own sidecar
    have no such headers, and a caller of daprd can take them off; but who may call a sidecar may
    publish by it, too.) Raises Unauthorized, Forbidden.
    """
    check_sidecar()
    if any(name in request.headers for name in _OF_INVOCATIONS):
        raise Forbidden("Events come by their topic, not by service invocation.")
