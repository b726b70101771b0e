"""The ID token decides who signs in: what a provider must not get away with."""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from sign_in_provider import AWAY_SECONDS
from tests.unit.clock import Clock
from tests.unit.pizza_web.visitor import Visitor

ISSUER = "https://sso.example/realms/shop"
KEY = RSAKey.generate_key(2048, {"kid": "1"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "1"})
SHARED_KEY = OctKey.import_key("a-client-secret-of-the-shop-at-the-provider")
ROWS = {
    "pizza_oidc_issuer": ISSUER,
    "pizza_oidc_client_id": "shop",
    "pizza_oidc_client_secret": "a-client-secret-of-the-shop-at-the-provider",
}
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
    "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
}


@pytest.fixture
def provider():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as network:
        network.get(f"{ISSUER}/.well-known/openid-configuration", json=METADATA)
        network.get(f"{ISSUER}/keys", json={"keys": [KEY.as_dict(private=False)]})
        yield network


class SignIn:
    """One that has come to the provider; `asked` is what was asked of it."""

    def __init__(self, sidecar, network):
        self.network = network
        self.visitor = Visitor(sidecar, **ROWS, pizza_manager_token="token-of-managers")
        url = self.visitor.get("/sign-in/provider").location
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

    def claims(self, **changes):
        now = int(time.time())
        times = {"iat": now, "exp": now + 300}
        who = {"iss": ISSUER, "aud": "shop", "sub": "1", "name": "Mia", "roles": ["manager"]}
        claims = {**who, **times, "nonce": self.asked["nonce"], **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def come_back(self, claims, key=KEY, algorithm="RS256"):
        header = {"alg": algorithm, "kid": "1"}
        return self.come_back_with(id_token=jwt.encode(header, claims, key))

    def come_back_with(self, **answer):
        told = {"access_token": "a", "token_type": "Bearer", **answer}
        self.network.post(f"{ISSUER}/token", json=told)
        return self.visitor.get(f"/sign-in/callback?code=1&state={self.asked['state']}")


@pytest.fixture
def coming(sidecar, provider):
    return SignIn(sidecar, provider)


def test_a_true_token_signs_in_and_the_code_is_redeemed_with_the_verifier(coming, provider):
    assert coming.come_back(coming.claims()).location == "/manager"
    assert coming.visitor.who() == "Mia"
    redeemed = parse_qs(provider.calls[-2].request.body)
    assert redeemed["code"] == ["1"]
    digest = hashlib.sha256(redeemed["code_verifier"][0].encode()).digest()
    assert urlsafe_b64encode(digest).rstrip(b"=").decode() == coming.asked["code_challenge"]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another shop"},
        {"aud": None},
        {"aud": ["another shop"], "azp": "shop"},
        {"azp": "another shop"},
        {"exp": 1},
        {"exp": None},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(coming, changes):
    assert coming.come_back(coming.claims(**changes)).status_code == 403
    assert coming.visitor.who() == ""


@pytest.mark.parametrize(("key", "algorithm"), [(OTHER_KEY, "RS256"), (SHARED_KEY, "HS256")])
def test_a_token_that_the_provider_did_not_sign_is_refused(coming, key, algorithm):
    assert coming.come_back(coming.claims(), key, algorithm).status_code == 403
    assert coming.visitor.who() == ""


def test_a_token_that_nobody_signed_is_refused(coming):
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, coming.claims())]
    token = ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
    assert coming.come_back_with(id_token=token).status_code == 403
    assert coming.visitor.who() == ""


@pytest.mark.parametrize("answer", [{}, {"id_token": "x.y.z"}])
def test_an_answer_without_an_id_token_is_refused(coming, answer):
    assert coming.come_back_with(**answer).status_code == 403
    assert coming.visitor.who() == ""


@pytest.mark.parametrize("status", [500, 503])
def test_a_provider_that_fails_meanwhile_is_named(coming, provider, status):
    provider.post(f"{ISSUER}/token", status=status)
    answer = coming.visitor.get(f"/sign-in/callback?code=1&state={coming.asked['state']}")
    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_a_provider_that_hangs_is_not_asked_again_at_once(sidecar):
    visitor = Visitor(sidecar, **ROWS)
    clock = Clock()
    visitor.app.extensions["sign_in"].provider.now = clock
    with responses.RequestsMock(assert_all_requests_are_fired=False) as network:
        url = f"{ISSUER}/.well-known/openid-configuration"
        network.get(url, body=requests.ReadTimeout("too long"))
        for path in ("/sign-in", "/sign-in", "/sign-in/callback?code=1&state=1"):
            answer = visitor.get(path)
            assert (answer.status_code, "does not answer" in answer.text) == (503, True)
        assert len(network.calls) == 1
        network.upsert("GET", url, json=METADATA)
        clock.now += AWAY_SECONDS
        assert visitor.get("/sign-in").status_code == 303


def test_metadata_of_another_issuer_are_not_taken_and_read_again(sidecar):
    visitor = Visitor(sidecar, **ROWS)
    url = f"{ISSUER}/.well-known/openid-configuration"
    for issuer, status in (("https://evil.example", 503), (ISSUER, 303)):
        with responses.RequestsMock() as network:
            network.get(url, json={**METADATA, "issuer": issuer})
            assert visitor.get("/sign-in").status_code == status
