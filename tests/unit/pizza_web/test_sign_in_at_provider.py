"""At an OpenID Connect provider, which is a process of its own."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from pizza_common.errors import SettingsError
from pizza_common.principal import Principal
from pizza_common.sign_in_link import sign_in_path
from tests.unit.pizza_common.service_process import free_port
from tests.unit.pizza_web.oidc_provider import running_provider
from tests.unit.pizza_web.visitor import SECRET, Visitor


@pytest.fixture(scope="module")
def provider():
    with running_provider() as running:
        yield running


def rows_of(issuer, **rows):
    oidc = {"issuer": issuer, "client_id": "shop", "client_secret": "a-client-secret"}
    return {**{f"pizza_oidc_{name}": value for name, value in oidc.items()}, **rows}


@pytest.fixture
def visitor(sidecar, provider):
    return Visitor(sidecar, **rows_of(provider.issuer))


def sent_away(visitor, path="/sign-in"):
    """Where a page sends the visitor; the URL's query as well."""
    url = visitor.get(path).location
    return url, {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def come_back(visitor, provider, sub, path="/sign-in"):
    """Sign in at the provider; gives the path with which the visitor comes back."""
    back = urlsplit(provider.sign_in(sent_away(visitor, path)[0], sub))
    return f"{back.path}?{back.query}"


def identity(visitor, sidecar):
    """As whom the services are asked."""
    sidecar.identities.clear()
    visitor.get("/")
    return sidecar.identities[0]


def test_what_is_asked_of_the_provider_has_pkce_state_and_nonce(visitor):
    _, asked = sent_away(visitor)
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == "http://localhost/sign-in/callback"
    assert "openid" in asked["scope"].split()
    again = sent_away(visitor)[1]
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize(
    ("sub", "name", "roles", "home"),
    [
        ("mia", "Mia", {"manager"}, "/manager"),
        ("otto", "otto", {"operator", "kitchen"}, "/operator"),
    ],
)
def test_one_is_who_the_provider_says(visitor, sidecar, provider, sub, name, roles, home):
    answer = visitor.get(come_back(visitor, provider, sub))
    assert (answer.status_code, answer.location) == (303, home)
    assert identity(visitor, sidecar) == Principal(name, frozenset(roles))


@pytest.mark.parametrize("sub", ["gast", "mole"])
def test_who_has_no_role_of_the_shop_is_told_so(visitor, sidecar, provider, sub):
    answer = visitor.get(come_back(visitor, provider, sub))
    assert answer.status_code == 403
    assert "no role of this shop" in answer.text
    assert identity(visitor, sidecar).roles == frozenset()


def test_the_role_claim_may_be_another(sidecar, provider):
    claims = {"name": "Nora", "realm_access": {"roles": ["kitchen"]}, "roles": ["operator"]}
    requests.put(f"{provider.issuer}/users/nora", json=claims, timeout=30)
    rows = rows_of(provider.issuer, pizza_oidc_role_claim="realm_access.roles")
    visitor = Visitor(sidecar, **rows)
    assert visitor.get(come_back(visitor, provider, "nora")).location == "/kitchen"


def test_one_comes_back_to_the_page_that_one_wanted_but_to_no_other_site(visitor, provider):
    wanted = visitor.get("/manager?a=1").location
    assert visitor.get(come_back(visitor, provider, "mia", wanted)).location == "/manager?a=1"
    evil = "/sign-in?next=//evil.example"
    assert visitor.get(come_back(visitor, provider, "mia", evil)).location == "/manager"


def test_a_sign_in_is_finished_once(visitor, provider):
    back = come_back(visitor, provider, "mia")
    assert visitor.get(back).status_code == 303
    assert visitor.get(back).status_code == 400


def test_a_code_that_was_used_is_refused_by_the_provider_too(visitor, provider):
    back = come_back(visitor, provider, "mia")
    before = visitor.client.get_cookie("pizza_session").value
    visitor.get(back)
    replayed = visitor.another()
    replayed.client.set_cookie("pizza_session", before)
    assert replayed.get(back).status_code == 403


def test_a_sign_in_that_another_browser_began_is_refused(visitor, sidecar, provider):
    victim = visitor.another()
    sent_away(victim)
    answer = victim.get(come_back(visitor, provider, "mia"))
    assert answer.status_code == 400
    assert identity(victim, sidecar).roles == frozenset()


def test_a_code_of_another_sign_in_is_refused(visitor, provider):
    """The code was given for another challenge and nonce."""
    other = come_back(visitor.another(), provider, "mia")
    own_state = sent_away(visitor)[1]["state"]
    code = parse_qs(urlsplit(other).query)["code"][0]
    assert visitor.get(f"/sign-in/callback?code={code}&state={own_state}").status_code == 403


@pytest.mark.parametrize("query", ["", "?code=1", "?state=1&code=1"])
def test_who_was_not_sent_away_cannot_come_back(visitor, query):
    assert visitor.get(f"/sign-in/callback{query}").status_code == 400


def test_what_the_provider_refuses_is_said_but_not_in_the_words_of_the_url(visitor):
    state = sent_away(visitor)[1]["state"]
    query = f"error=access_denied&error_description=Call+555-0123&state={state}"
    answer = visitor.get(f"/sign-in/callback?{query}")
    assert answer.status_code == 403
    assert "did not sign you in" in answer.text
    assert "555" not in answer.text
    assert visitor.get(f"/sign-in/callback?state={state}").status_code == 403  # without a code


def test_a_provider_that_is_away_is_a_page_that_says_so(sidecar, provider):
    away = Visitor(sidecar, **rows_of(f"http://127.0.0.1:{free_port()}"))
    answer = away.get("/sign-in")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert away.get("/healthz").status_code == 200


def test_another_issuer_is_not_taken(sidecar, provider):
    """The metadata of `localhost` say that they are of `localhost`."""
    issuer = provider.issuer.replace("127.0.0.1", "localhost") + "/"
    assert Visitor(sidecar, **rows_of(issuer)).get("/sign-in").status_code == 503


def test_behind_a_proxy_the_provider_sends_the_browser_to_the_public_address(sidecar, provider):
    url = "https://pizza.example"
    visitor = Visitor(sidecar, **rows_of(provider.issuer, pizza_web_url=url))
    assert sent_away(visitor)[1]["redirect_uri"] == f"{url}/sign-in/callback"


def test_sign_ins_that_are_not_finished_do_not_fill_the_cookie(visitor, provider):
    first = sent_away(visitor)[0]
    sizes = set()
    for _ in range(5):
        last = sent_away(visitor)[0]
        sizes.add(len(visitor.client.get_cookie("pizza_session").value) // 100)
    assert max(sizes) - min(sizes) <= 1
    back = urlsplit(provider.sign_in(first, "mia"))
    assert visitor.get(f"{back.path}?{back.query}").status_code == 400
    back = urlsplit(provider.sign_in(last, "mia"))
    assert visitor.get(f"{back.path}?{back.query}").status_code == 303


def test_without_the_client_secret_pizza_web_does_not_start(sidecar, provider):
    with pytest.raises(SettingsError, match="PIZZA_OIDC_CLIENT_SECRET"):
        Visitor(sidecar, **rows_of(provider.issuer, pizza_oidc_client_secret=""))


def test_with_tokens_too_one_may_choose(sidecar, provider):
    visitor = Visitor(sidecar, **rows_of(provider.issuer, pizza_manager_token="token-of-managers"))
    page = visitor.get("/sign-in?next=/manager").text
    assert 'type="password"' in page
    assert 'href="/sign-in/provider?next=/manager"' in page


def test_a_link_of_development_does_not_sign_in(visitor, sidecar):
    assert visitor.get(sign_in_path(SECRET, "operator")).status_code == 404
    assert identity(visitor, sidecar).roles == frozenset()
