"""The session: what is in the cookie, how long, and who can make one."""

import re

import pytest
from flask import Flask

import person
from pizza_common.errors import PizzaError
from pizza_common.identity import read_identity, sign_identity
from pizza_common.principal import Principal
from pizza_common.sign_in_link import sign_in_path
from pizza_common.signing import derived_key, timed
from tests.unit.pizza_web.visitor import SECRET, Visitor

MANAGER = Principal("manager", frozenset({"manager"}))


@pytest.fixture
def visitor(sidecar):
    return Visitor(sidecar)


def sign_in(visitor, role="manager"):
    return visitor.get(sign_in_path(SECRET, role))


def cookie_of(answer):
    return answer.headers["Set-Cookie"]


def test_scripts_and_forms_of_other_sites_do_not_get_the_cookie(visitor):
    for answer in (visitor.get("/sign-in"), sign_in(visitor)):
        cookie = cookie_of(answer)
        assert cookie.startswith("pizza_session=")
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Expires=" in cookie
        assert "Secure" not in cookie


@pytest.mark.parametrize(
    "rows",
    [
        {"pizza_web_url": "https://pizza.example", "pizza_allowed_hosts": "pizza.example"},
        {"pizza_host": "0.0.0.0"},
    ],
)
def test_beyond_loopback_the_cookie_is_for_https_and_this_host_only(sidecar, rows):
    visitor = Visitor(sidecar, **rows)
    cookie = cookie_of(visitor.get("/sign-in"))
    assert cookie.startswith("__Host-pizza_session=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_an_answer_that_changes_nothing_in_the_session_leaves_the_cookie_alone(visitor):
    """Else one that began before a sign-out would undo it."""
    sign_in(visitor)
    for path in ("/manager", "/live/manager", "/nothing"):
        assert "Set-Cookie" not in visitor.get(path).headers


def test_one_is_signed_out_after_twelve_hours_and_keeps_ones_orders(visitor, monkeypatch):
    with visitor.client.session_transaction() as session:
        session["orders"] = ["123"]
    sign_in(visitor)
    now = person.time.time()
    monkeypatch.setattr(person.time, "time", lambda: now + 12 * 3600 - 60)
    assert visitor.who() == "manager"
    monkeypatch.setattr(person.time, "time", lambda: now + 12 * 3600 + 60)
    assert visitor.who() == ""
    with visitor.client.session_transaction() as session:
        assert session["orders"] == ["123"]


def test_signing_out_leaves_nothing(visitor):
    with visitor.client.session_transaction() as session:
        session["orders"] = ["123"]
    sign_in(visitor)
    assert visitor.post("/sign-out").location == "/"
    with visitor.client.session_transaction() as session:
        assert dict(session) == {}


def test_a_cookie_that_somebody_planted_before_is_not_signed_in(visitor):
    """Session fixation: the session of before stays what it was, its CSRF token is void."""
    planted = visitor.csrf_token()
    before = visitor.client.get_cookie("pizza_session").value
    sign_in(visitor)
    assert visitor.client.get_cookie("pizza_session").value != before
    thief = visitor.another()
    thief.client.set_cookie("pizza_session", before)
    assert thief.who() == ""
    assert visitor.client.post("/sign-out", data={"csrf_token": planted}).status_code == 400
    assert visitor.who() == "manager"


def forged_cookie(visitor, key):
    forger = Flask("forger")
    forger.secret_key = key
    signer = visitor.app.session_interface.get_signing_serializer(forger)
    return signer.dumps({"person": {"name": "Eve", "roles": ["operator"], "until": 1e12}})


@pytest.mark.parametrize("key", [SECRET, "another-secret-of-16", derived_key(SECRET, "identity")])
def test_a_cookie_that_is_signed_with_another_key_is_nobody_s(visitor, key):
    visitor.client.set_cookie("pizza_session", forged_cookie(visitor, key))
    assert visitor.who() == ""
    visitor.client.set_cookie("pizza_session", forged_cookie(visitor, visitor.app.secret_key))
    assert visitor.who() == "Eve"


def test_a_token_that_is_replaced_ends_the_sessions(sidecar):
    tokens = ("token-of-managers", "another-of-managers")
    before, after = (Visitor(sidecar, pizza_manager_token=token) for token in tokens)
    before.post("/sign-in", token="token-of-managers")
    assert before.who() == "manager"
    after.client.set_cookie("pizza_session", before.client.get_cookie("pizza_session").value)
    assert after.who() == ""


PROVIDER = {
    "pizza_oidc_issuer": "https://sign-in.example",
    "pizza_oidc_client_id": "shop",
    "pizza_oidc_client_secret": "the-secret-of-the-client",
    "pizza_manager_token": "token-of-managers",
}


@pytest.mark.parametrize(
    "changed",
    [
        {"pizza_oidc_issuer": "https://another.example"},
        {"pizza_oidc_client_id": "another"},
        {"pizza_oidc_role_claim": "groups"},
    ],
    ids=str,
)
def test_another_provider_or_another_claim_of_it_ends_the_sessions(sidecar, changed):
    before, same = Visitor(sidecar, **PROVIDER), Visitor(sidecar, **PROVIDER)
    before.post("/sign-in", token="token-of-managers")
    cookie = before.client.get_cookie("pizza_session").value
    after = Visitor(sidecar, **PROVIDER | changed)
    for visitor in (same, after):
        visitor.client.set_cookie("pizza_session", cookie)
    assert (same.who(), after.who()) == ("manager", "")


def test_a_form_of_an_old_page_can_be_sent_again(visitor):
    sign_in(visitor)
    fields = {"reason": 'too "dark" <b>', "token": "secret", "csrf_token": "old"}
    fields["quantity"] = ["1", "2"]
    answer = visitor.client.post("/sign-out?a=1", data=fields, headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert 'action="/sign-out?a=1"' in answer.text
    assert 'name="reason" value="too &#34;dark&#34; &lt;b&gt;"' in answer.text
    assert re.findall('name="quantity" value="(.)"', answer.text) == ["1", "2"]
    assert "secret" not in answer.text
    assert visitor.who() == "manager"


def test_a_form_of_somebody_who_is_signed_out_meanwhile_is_kept(visitor, monkeypatch):
    @visitor.app.post("/approve")
    @person.needs("manager")
    def approve():
        return "approved"

    sign_in(visitor)
    form = {"csrf_token": visitor.csrf_token(), "reason": "burnt"}
    now = person.time.time()
    monkeypatch.setattr(person.time, "time", lambda: now + 13 * 3600)
    answer = visitor.client.post("/approve", data=form)
    assert answer.status_code == 401
    assert 'action="/approve"' in answer.text
    assert 'name="reason" value="burnt"' in answer.text
    sign_in(visitor)
    assert visitor.post("/approve").text == "approved"


def test_a_form_of_another_site_is_refused_and_offered_nothing(visitor):
    sign_in(visitor)
    headers = {"Origin": "https://evil.example", "Accept": "text/html"}
    answer = visitor.client.post("/sign-out", data={"reason": "bait"}, headers=headers)
    assert answer.status_code == 403
    assert "bait" not in answer.text
    assert visitor.who() == "manager"


def test_the_services_hear_who_is_signed_in(visitor, sidecar):
    sign_in(visitor)
    sidecar.identities.clear()
    visitor.get("/manager")
    assert set(sidecar.identities) == {MANAGER}


@pytest.mark.parametrize(
    "forged",
    [
        sign_identity("another-secret-of-16", MANAGER),
        timed(SECRET, "session").dumps({"name": "manager", "roles": ["manager"]}),
        timed(SECRET, "sign-in-link").dumps({"name": "manager", "roles": ["manager"]}),
        sign_in_path(SECRET, "manager").removeprefix("/sign-in/"),
    ],
)
def test_what_signs_a_session_or_a_link_signs_no_identity(forged):
    with pytest.raises(PizzaError):
        read_identity(SECRET, forged)


def test_the_cookie_of_a_session_is_no_identity(visitor):
    sign_in(visitor)
    with pytest.raises(PizzaError):
        read_identity(SECRET, visitor.client.get_cookie("pizza_session").value)
