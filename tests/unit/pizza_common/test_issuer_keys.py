"""The provider's keys are fetched when they are needed, and no more often than it can bear."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import responses
from joserfc.jwk import ECKey

from pizza_common.errors import Unavailable
from pizza_common.issuer_keys import FRESH_SECONDS, LASTING_SECONDS, PAUSE_SECONDS, IssuerKeys
from tests.unit.callers import ISSUER, KEY, MODES, a_jwt
from tests.unit.clock import Clock
from tests.unit.conftest import Clients

ABOUT = f"{ISSUER}/.well-known/openid-configuration"
KEYS = f"{ISSUER}/keys"
SECOND = ECKey.generate_key("P-256", {"kid": "second"})


class Provider:
    """What it answers, and how often it was asked."""

    def __init__(self, web: responses.RequestsMock) -> None:
        self._web = web
        self.has(KEY)

    def has(self, *keys: ECKey, issuer: str = ISSUER, keys_at: str = KEYS) -> None:
        self._web.upsert("GET", ABOUT, json={"issuer": issuer, "jwks_uri": keys_at})
        self._web.upsert(
            "GET", keys_at, json={"keys": [key.as_dict(private=False) for key in keys]}
        )

    def is_away(self) -> None:
        self._web.upsert("GET", ABOUT, body=requests.ConnectionError("refused"))

    def hangs(self, asked: threading.Event, answered: threading.Event) -> None:
        """Until `answered`; then it is away."""

        def hang(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
            asked.set()
            assert answered.wait(30)
            raise requests.ReadTimeout("too long")

        self._web.remove("GET", ABOUT)
        self._web.add_callback("GET", ABOUT, hang)

    def answers(self, body: str, status: int = 200) -> None:
        self._web.upsert("GET", KEYS, body=body, status=status)

    def sends_elsewhere(self) -> None:
        elsewhere = "https://evil.example/keys"
        self._web.upsert("GET", elsewhere, json={"keys": [KEY.as_dict(private=False)]})
        self._web.upsert("GET", KEYS, status=302, headers={"Location": elsewhere})

    @property
    def fetches(self) -> int:
        return sum(call.request.url == ABOUT for call in self._web.calls)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        yield Provider(web)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(clock: Clock) -> Iterator[IssuerKeys]:
    found = IssuerKeys(ISSUER, clock)
    yield found
    found.close()


def test_nothing_is_fetched_before_it_is_needed_and_then_once(
    provider: Provider, keys: IssuerKeys
) -> None:
    assert provider.fetches == 0
    for _ in range(3):
        assert [key.kid for key in keys.with_key("first")] == ["first"]
    assert provider.fetches == 1


def test_an_unknown_key_is_looked_for_but_not_at_every_request(
    provider: Provider, keys: IssuerKeys, clock: Clock
) -> None:
    keys.with_key("first")
    provider.has(KEY, SECOND)
    for _ in range(3):
        assert [key.kid for key in keys.with_key("second")] == ["first"]
    assert provider.fetches == 1
    clock.now += PAUSE_SECONDS
    assert [key.kid for key in keys.with_key("second")] == ["first", "second"]
    assert provider.fetches == 2


def test_while_the_provider_hangs_one_thread_waits_and_the_others_go_on(
    provider: Provider, keys: IssuerKeys, clock: Clock
) -> None:
    keys.with_key("first")
    clock.now += PAUSE_SECONDS
    asked, answered = threading.Event(), threading.Event()
    provider.hangs(asked, answered)
    with ThreadPoolExecutor(1) as waiting:
        found = waiting.submit(keys.with_key, "unknown")
        assert asked.wait(30)
        for name in ("another", "first"):
            assert [key.kid for key in keys.with_key(name)] == ["first"]
        assert not found.done()
        answered.set()
        assert [key.kid for key in found.result(30)] == ["first"]
    assert provider.fetches == 2


def test_a_key_that_was_withdrawn_is_not_taken_for_ever(
    provider: Provider, keys: IssuerKeys, clock: Clock
) -> None:
    keys.with_key("first")
    provider.has(SECOND)
    clock.now += FRESH_SECONDS
    assert [key.kid for key in keys.with_key("first")] == ["second"]


def test_known_keys_outlast_a_provider_that_is_away_for_a_day(
    provider: Provider, keys: IssuerKeys, clock: Clock
) -> None:
    keys.with_key("first")
    provider.is_away()
    clock.now += LASTING_SECONDS - 1
    assert [key.kid for key in keys.with_key("first")] == ["first"]
    clock.now += 1
    with pytest.raises(Unavailable):
        keys.with_key("first")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda provider: provider.is_away(),
        lambda provider: provider.has(KEY, issuer="https://evil.example"),
        lambda provider: provider.has(KEY, keys_at="http://sign-in.example/keys"),
        lambda provider: provider.answers("no JSON"),
        lambda provider: provider.answers("[]"),
        lambda provider: provider.answers('{"keys": []}'),
        lambda provider: provider.answers("{}"),
        lambda provider: provider.answers("{}", status=302),
        lambda provider: provider.sends_elsewhere(),
        lambda provider: provider.answers("error", status=500),
        lambda provider: provider.answers('{"keys": [' + " " * 300_000 + "]}"),
    ],
)
def test_a_provider_without_usable_keys_is_unavailable(
    provider: Provider, keys: IssuerKeys, clock: Clock, spoil: object
) -> None:
    spoil(provider)  # type: ignore[operator]
    for _ in range(2):
        with pytest.raises(Unavailable):
            keys.with_key("first")
    assert provider.fetches == 1
    provider.has(KEY)
    clock.now += PAUSE_SECONDS
    assert keys.with_key("first")


def test_a_service_whose_provider_is_away_answers_503(
    provider: Provider, client_of: Clients
) -> None:
    client = client_of("pizza-kitchen", **MODES["OIDC"])
    provider.is_away()
    assert client.get("/stock", headers=a_jwt()).status_code == 503
    assert client.get("/stock").status_code == 401
    assert client.get("/healthz").status_code == 200
