"""Services that ask who calls, and what callers and attackers bring."""

import importlib.util
import time
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from pizza_common.identity import HEADER, sign_identity
from pizza_common.principal import Principal, Role
from pizza_common.settings import Settings
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.pizza_workflow.fake_workflows import FakeWorkflows
from tests.unit.services import FakePace, app_module

SECRET = "the-secret-of-this-shop"
APP_TOKEN = "the-token-of-the-sidecar"
TOKENS: dict[Role, str] = {
    role: f"the-token-of-the-{role}" for role in ("kitchen", "manager", "operator")
}
ISSUER, CLIENT = "https://sign-in.example", "pizza-shop"
KEY = ECKey.generate_key("P-256", {"kid": "first"})

BOTH = {"pizza_secret": SECRET, "app_api_token": APP_TOKEN, "pizza_faults": True}
MODES: dict[str, dict[str, Any]] = {
    "tokens": BOTH | {f"pizza_{role}_token": token for role, token in TOKENS.items()},
    "OIDC": BOTH
    | {
        "pizza_oidc_issuer": ISSUER,
        "pizza_oidc_client_id": CLIENT,
        "pizza_oidc_client_secret": "the-secret-of-the-client",
    },
}


def settings_kind(name: str) -> type[Settings]:
    """The settings of a service: its own, where it has any."""
    module = name.replace("pizza-", "") + "_settings"
    if importlib.util.find_spec(module) is None:
        return Settings
    found: type[Settings] = getattr(import_module(module), module.title().replace("_", ""))
    return found


def service(name: str, sidecar: FakeSidecar, workflows: FakeWorkflows, **rows: Any) -> FlaskClient:
    """A client of the service on fake parts; `rows` are settings."""
    parts: dict[str, Any] = {}
    if name in ("pizza-storefront", "pizza-kitchen", "pizza-delivery"):
        parts["pace"] = FakePace(0)
    if name == "pizza-workflow":
        still = dict.fromkeys(("start", "stop", "wait"), lambda: None)
        parts = {"workflows": workflows, "worker": SimpleNamespace(**still, is_ready=lambda: True)}
    app = app_module(name).create_app(settings_kind(name)(**rows), sidecar, **parts)
    client: FlaskClient = app.test_client()
    return client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def role_token(role: Role) -> dict[str, str]:
    return bearer(TOKENS[role])


def a_jwt(key: Any = KEY, header: dict[str, Any] | None = None, **changes: Any) -> dict[str, str]:
    """A token of the provider; a claim that is None is left out."""
    claims = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "248289761001",
        "name": "Maria",
        "exp": int(time.time()) + 600,
        "roles": ["operator"],
    } | changes
    told = {name: value for name, value in claims.items() if value is not None}
    return bearer(jwt.encode(header or {"alg": "ES256", "kid": "first"}, told, key))


def signed_by(
    secret: str, *roles: Role, order_id: str | None = None, name: str = "Maria"
) -> dict[str, str]:
    return {HEADER: sign_identity(secret, Principal(name, frozenset(roles), order_id))}


def by_sidecar(**more: str) -> dict[str, str]:
    """What a service's own sidecar brings of a call of another service."""
    return {"dapr-api-token": APP_TOKEN, "dapr-caller-app-id": "pizza-workflow", **more}


def signed_as_with(key: OctKey) -> dict[str, str]:
    """A token that is signed with what all know: the provider's public key."""
    return a_jwt(key, {"alg": "HS256", "kid": "first"})
