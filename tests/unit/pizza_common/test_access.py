"""Nobody calls what is not for them: every operation of every service, found in its OpenAPI."""

import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import responses
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, OctKey

from pizza_common.order_key import order_key
from pizza_common.principal import ROLES, Role
from pizza_common.service import service_app
from pizza_common.settings import PORTS, Settings
from tests.unit.callers import (
    APP_TOKEN,
    BOTH,
    CLIENT,
    ISSUER,
    KEY,
    MODES,
    SECRET,
    a_jwt,
    bearer,
    by_sidecar,
    role_token,
    service,
    signed_as_with,
    signed_by,
)
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.pizza_workflow.fake_workflows import FakeWorkflows

OF_ALL = {"GET /", "GET /docs", "GET /healthz", "GET /metrics", "GET /readyz"}
OPEN = {
    "pizza-storefront": {"GET /menu", "POST /quotes"},
    "pizza-workflow": {"POST /start-order", "POST /start-orders"},
}
"""What anyone may do. A route that is added here lets everybody in."""

FILLED = {"number": "1", "ingredient": "basil", "letter_id": "a" * 32, "customer": "a.1"}
STAFF: tuple[Role, ...] = ("kitchen", "manager", "operator")


class Operation(NamedTuple):
    """One of a service, with something for its parameters."""

    method: str
    path: str
    callers: set[str]

    def answer(self, client: FlaskClient, **headers: str) -> int:
        answer = client.open(self.path, method=self.method, headers=headers, json={})
        if answer.status_code >= 400:
            assert answer.mimetype == "application/problem+json"
        return answer.status_code


def operations(client: FlaskClient) -> Iterator[Operation]:
    """All but those that are open to anyone."""
    paths = client.get("/openapi/openapi.json").get_json()["paths"]
    for path, methods in paths.items():
        filled = re.sub(r"\{(\w+)\}", lambda name: FILLED.get(name[1], "123"), path)
        for method, told in methods.items():
            callers = set(told["x-roles"])
            assert callers, f"{method} {path} names nobody who may call it"
            yield Operation(method.upper(), filled, callers)


def routes(client: FlaskClient) -> Iterator[Operation]:
    """All that the service serves, also what is not in its OpenAPI, as pages are not."""
    for rule in client.application.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda name: FILLED.get(name[1], "123"), rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield Operation(method, path, set())


def guarded(client: FlaskClient) -> list[Operation]:
    found = [each for each in operations(client) if "anyone" not in each.callers]
    assert found
    return found


@pytest.fixture
def workflows() -> FakeWorkflows:
    return FakeWorkflows()


@pytest.fixture(autouse=True)
def provider() -> Iterator[responses.RequestsMock]:
    """The OpenID Connect provider, asked or not."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        about = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        web.get(f"{ISSUER}/.well-known/openid-configuration", json=about)
        web.get(f"{ISSUER}/keys", json={"keys": [KEY.as_dict(private=False)]})
        yield web


@pytest.fixture(params=PORTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(
    name: str, mode: str, sidecar: FakeSidecar, workflows: FakeWorkflows
) -> Iterator[FlaskClient]:
    """Of a service; whatever it was asked, it did nothing."""
    yield service(name, sidecar, workflows, **MODES[mode])
    assert not sidecar.calls
    assert not workflows.calls


@pytest.fixture
def by_token(name: str, sidecar: FakeSidecar, workflows: FakeWorkflows) -> Iterator[FlaskClient]:
    yield service(name, sidecar, workflows, **MODES["tokens"])
    assert not sidecar.calls
    assert not workflows.calls


@pytest.fixture
def by_oidc(name: str, sidecar: FakeSidecar, workflows: FakeWorkflows) -> Iterator[FlaskClient]:
    yield service(name, sidecar, workflows, **MODES["OIDC"])
    assert not sidecar.calls
    assert not workflows.calls


def test_who_says_nothing_gets_nowhere_but_where_anyone_may(client: FlaskClient, name: str) -> None:
    shown = set()
    for each in operations(client):
        if "anyone" in each.callers:
            shown.add(f"{each.method} {each.path}")
        else:
            assert each.answer(client) == 401, each
    assert shown <= OF_ALL | OPEN.get(name, set())


@pytest.mark.parametrize(
    "headers",
    [
        bearer("the-token-of-the-managers"),
        bearer(""),
        bearer("a.b"),
        bearer("\xe9\xe9\xe9"),
        {"Authorization": "Basic b3BlcmF0b3I6"},
        {"Authorization": "Basic the-token-of-the-operator"},
        bearer(order_key("the-secret-of-another-shop", "123")),
        bearer(order_key(SECRET, "123")[:-1]),
        {"Pizza-Identity": order_key(SECRET, "123")},
        {"Pizza-Identity": ""},
    ],
    ids=str,
)
def test_what_is_wrong_lets_nobody_in_not_even_where_anyone_may(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    for each in operations(client):
        assert each.answer(client, **headers) == 401, each
        assert each.answer(client, **by_sidecar(**headers)) == 401, each


def test_an_identity_that_another_shop_signed_lets_nobody_in(client: FlaskClient) -> None:
    headers = signed_by("the-secret-of-another-shop", "operator", "service")
    for each in operations(client):
        assert each.answer(client, **headers) == 401, each
        assert each.answer(client, **by_sidecar(**headers)) == 401, each


@pytest.mark.parametrize("role", STAFF)
def test_a_role_that_is_not_named_is_refused(by_token: FlaskClient, role: Role) -> None:
    for each in guarded(by_token):
        if role not in each.callers:
            by_token_alone = {"event", "records"} & each.callers
            refused = 401 if by_token_alone else 403
            assert each.answer(by_token, **role_token(role)) == refused, each


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_person_of_pizza_web_has_the_roles_that_it_signed(
    client: FlaskClient, role: Role
) -> None:
    for each in guarded(client):
        if role not in each.callers and not {"event", "records"} & each.callers:
            headers = signed_by(SECRET, role)
            through = by_sidecar(**headers) if role != "service" else headers
            assert each.answer(client, **through) in (401, 403), each


def test_the_key_of_another_order_opens_nothing(client: FlaskClient) -> None:
    for each in guarded(client):
        if not {"event", "records"} & each.callers:
            assert each.answer(client, **bearer(order_key(SECRET, "124"))) == 403, each
            for other in ("124", None):
                headers = signed_by(SECRET, "customer", order_id=other)
                assert each.answer(client, **headers) == 403, each


def test_the_order_of_the_path_counts_whatever_the_body_says(client: FlaskClient) -> None:
    for each in guarded(client):
        if "/123" in each.path and not {"event", "records"} & each.callers:
            answer = client.open(
                each.path,
                method=each.method,
                headers=bearer(order_key(SECRET, "124")),
                json={"order_id": "124"},
            )
            assert answer.status_code == 403, each


def test_a_step_is_for_services_of_the_shop_by_the_own_sidecar(client: FlaskClient) -> None:
    for each in guarded(client):
        if {"step", "records"} & each.callers and "service" not in each.callers:
            assert each.answer(client, **signed_by(SECRET, "service")) == 401, each
            assert each.answer(client, **by_sidecar()) == 401, each
            forged = signed_by(SECRET, "service") | {"dapr-api-token": APP_TOKEN + "x"}
            assert each.answer(client, **forged) == 401, each


@pytest.mark.parametrize("rows", [*MODES.values(), {"app_api_token": APP_TOKEN}, BOTH])
def test_an_event_is_from_the_own_sidecar_in_every_mode(
    name: str, sidecar: FakeSidecar, workflows: FakeWorkflows, rows: dict[str, str]
) -> None:
    client = service(name, sidecar, workflows, **rows)
    for each in operations(client):
        if "event" in each.callers:
            assert each.answer(client) == 401
            assert each.answer(client, **by_sidecar()) == 403
    assert not sidecar.calls


def test_a_name_that_is_not_the_services_gets_nowhere(by_token: FlaskClient) -> None:
    for each in routes(by_token):
        headers = {"Host": "evil.example", **role_token("operator")}
        assert each.answer(by_token, **headers) == 421, each


def test_a_page_of_another_site_changes_nothing_whatever_it_brings(by_token: FlaskClient) -> None:
    for each in routes(by_token):
        if each.method != "GET":
            headers = {"Origin": "https://evil.example", **role_token("operator")}
            assert each.answer(by_token, **headers) == 403, each


OTHER = ECKey.generate_key("P-256", {"kid": "first"})
NOT_TRUE: dict[str, Callable[[], dict[str, str]]] = {
    "expired": lambda: a_jwt(exp=int(time.time()) - 60),
    "for ever": lambda: a_jwt(exp=None),
    "not yet": lambda: a_jwt(nbf=int(time.time()) + 600),
    "of another issuer": lambda: a_jwt(iss="https://evil.example"),
    "of no issuer": lambda: a_jwt(iss=None),
    "for another audience": lambda: a_jwt(aud=["another-shop"]),
    "for no audience": lambda: a_jwt(aud=None),
    "about nobody": lambda: a_jwt(sub=None),
    "signed by another": lambda: a_jwt(OTHER),
    "signed with a key that is not the provider's": lambda: a_jwt(
        OTHER, {"alg": "ES256", "kid": "own"}
    ),
    "signed with the public key": lambda: signed_as_with(
        OctKey.import_key(json.dumps(KEY.as_dict(private=False)))
    ),
    "not signed": lambda: bearer(".".join((*a_jwt()["Authorization"][7:].split(".")[:2], ""))),
    "said not to be signed": lambda: bearer("eyJhbGciOiJub25lIn0.e30."),
}
"""Each is made when its test runs: a token that is made earlier may be due, or expired, by then."""


@pytest.mark.parametrize("kind", NOT_TRUE)
def test_a_token_of_the_provider_has_to_be_true(by_oidc: FlaskClient, kind: str) -> None:
    headers = NOT_TRUE[kind]()
    for each in operations(by_oidc):
        assert each.answer(by_oidc, **headers) == 401, each


def with_head(head: bytes) -> dict[str, str]:
    """A token with that first part, and the rest of a true one."""
    _, body, signature = a_jwt()["Authorization"][7:].split(".")
    return bearer(f"{urlsafe_b64encode(head).decode()}.{body}.{signature}")


HOSTILE_HEADS = {
    "nested": b"[" * 760,
    "nested deeply": b"[" * 100_000,
    "not text": b"\xff\xfe",
    "a number": b"5",
    "a long number": b"9" * 760,
    "no object": b"[]",
    "empty": b"{}",
    "long": json.dumps({"alg": "ES256", "kid": "first", "x": "x" * 1024}).encode(),
    "alg is a list": b'{"alg": []}',
    "kid is an object": b'{"alg": "ES256", "kid": {}}',
    "crit is a number": b'{"alg": "ES256", "kid": "first", "crit": 5}',
    "crit of lists": b'{"alg": "ES256", "kid": "first", "crit": [[]]}',
}


@pytest.mark.parametrize("head", HOSTILE_HEADS.values(), ids=HOSTILE_HEADS)
def test_a_token_with_a_hostile_head_is_refused_and_not_a_failure(
    sidecar: FakeSidecar, workflows: FakeWorkflows, head: bytes
) -> None:
    client = service("pizza-order", sidecar, workflows, **MODES["OIDC"])
    assert client.get("/orders", headers=with_head(head)).status_code == 401


@pytest.mark.parametrize(
    "token", ["eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0.a.b.c.d", "....", "=.=.="]
)
def test_what_is_no_token_is_refused_and_not_a_failure(
    sidecar: FakeSidecar, workflows: FakeWorkflows, token: str
) -> None:
    client = service("pizza-order", sidecar, workflows, **MODES["OIDC"])
    assert client.get("/orders", headers=bearer(token)).status_code == 401


@pytest.mark.parametrize("roles", [None, [], "", ["chef"], ["service", "customer"], {"a": 1}])
def test_who_signs_in_without_a_role_of_the_shop_is_refused(
    by_oidc: FlaskClient, roles: object
) -> None:
    for each in guarded(by_oidc):
        if not {"event", "records"} & each.callers:
            assert each.answer(by_oidc, **a_jwt(roles=roles)) == 403, each
            assert each.answer(by_oidc, **by_sidecar(**a_jwt(roles=roles))) == 403, each


@pytest.mark.parametrize("role", STAFF)
def test_the_roles_that_are_named_come_in(
    name: str, sidecar: FakeSidecar, workflows: FakeWorkflows, role: Role
) -> None:
    for mode, headers in (("tokens", role_token(role)), ("OIDC", a_jwt(roles=role, aud=[CLIENT]))):
        client = service(name, sidecar, workflows, **MODES[mode])
        for each in guarded(client):
            if role in each.callers:
                assert each.answer(client, **headers) not in (401, 403), each


def test_a_service_and_its_sidecar_come_in(
    name: str, mode: str, sidecar: FakeSidecar, workflows: FakeWorkflows
) -> None:
    client = service(name, sidecar, workflows, **MODES[mode])
    for each in guarded(client):
        if {"step", "records", "service"} & each.callers:
            headers = by_sidecar(**signed_by(SECRET, "service"))
            assert each.answer(client, **headers) not in (401, 403), each
        if "event" in each.callers:
            assert each.answer(client, **{"dapr-api-token": APP_TOKEN}) not in (401, 403), each


def test_the_key_of_an_order_opens_that_order(
    name: str, mode: str, sidecar: FakeSidecar, workflows: FakeWorkflows
) -> None:
    client = service(name, sidecar, workflows, **MODES[mode])
    for each in guarded(client):
        if "customer" in each.callers:
            headers = bearer(order_key(SECRET, "123"))
            answer = client.open(
                each.path, method=each.method, headers=headers, json={"order_id": "123"}
            )
            assert answer.status_code not in (401, 403), each


def test_in_development_all_may_do_all(
    name: str, sidecar: FakeSidecar, workflows: FakeWorkflows
) -> None:
    client = service(name, sidecar, workflows, pizza_faults=True)
    for each in operations(client):
        assert each.answer(client) not in (401, 403), each


def test_in_development_a_person_of_pizza_web_has_their_own_roles_only(
    name: str, sidecar: FakeSidecar, workflows: FakeWorkflows
) -> None:
    client = service(name, sidecar, workflows, pizza_secret=SECRET)
    for each in guarded(client):
        expected = not {"manager", "step", "records"} & each.callers
        refused = each.answer(client, **signed_by(SECRET, "manager")) == 403
        assert refused == (expected and "event" not in each.callers), each
    signed = signed_by(SECRET)
    assert service(name, sidecar, workflows).get("/healthz", headers=signed).status_code == 401


def test_the_openapi_of_a_service_says_how_it_refuses(
    name: str, sidecar: FakeSidecar, workflows: FakeWorkflows
) -> None:
    told = service(name, sidecar, workflows).get("/openapi/openapi.json").get_json()
    assert told["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for methods in told["paths"].values():
        for operation in methods.values():
            is_open = "anyone" in operation["x-roles"]
            assert "application/problem+json" in operation["responses"]["401"]["content"]
            assert is_open or "application/problem+json" in operation["responses"]["403"]["content"]
            assert operation.get("security") == (None if is_open else [{"bearer": []}])


def test_a_route_that_names_nobody_is_for_nobody() -> None:
    for rows, expected in ((MODES["tokens"], (401, 403)), ({}, (200, 200))):
        app = service_app("pizza-test", Settings(**rows))

        @app.get("/forgotten")
        def forgotten() -> dict[str, str]:
            return {}

        client = app.test_client()
        operator = client.get("/forgotten", headers=role_token("operator"))
        assert (client.get("/forgotten").status_code, operator.status_code) == expected


def test_a_refusal_says_how_to_be_let_in(sidecar: FakeSidecar, workflows: FakeWorkflows) -> None:
    client = service("pizza-order", sidecar, workflows, **MODES["tokens"])
    assert client.get("/orders").headers["WWW-Authenticate"] == "Bearer"
    assert client.post("/orders-sub").headers["WWW-Authenticate"] == "dapr-api-token"
    small = {"Authorization": role_token("operator")["Authorization"].replace("Bearer", "bearer")}
    assert client.get("/orders", headers=small).status_code == 200
