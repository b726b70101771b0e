"""Who asks, and which order a key is of: told by signatures that hold for one purpose each."""

import pytest

from pizza_common.claims import principal_of
from pizza_common.errors import Unauthenticated
from pizza_common.identity import read_identity, sign_identity
from pizza_common.order_key import is_order_key, order_key, order_of_key
from pizza_common.principal import Principal
from pizza_common.signing import derived_key, timed

SECRET = "the-secret-of-this-shop"
MARIA = Principal("María", frozenset({"manager", "kitchen"}))
MINUTE = 60


def test_an_identity_comes_as_it_was_signed() -> None:
    assert read_identity(SECRET, sign_identity(SECRET, MARIA)) == MARIA
    of_order = Principal("", frozenset({"customer"}), "123")
    assert read_identity(SECRET, sign_identity(SECRET, of_order)) == of_order


@pytest.mark.parametrize(
    ("age", "is_taken"), [(-11, False), (-9, True), (59, True), (62, False), (1e6, False)]
)
def test_an_identity_is_valid_for_a_minute(
    monkeypatch: pytest.MonkeyPatch, age: float, is_taken: bool
) -> None:
    header = sign_identity(SECRET, MARIA)
    monkeypatch.setattr("pizza_common.identity.time.time", lambda: signed_at(header) + age)
    if is_taken:
        assert read_identity(SECRET, header) == MARIA
    else:
        with pytest.raises(Unauthenticated):
            read_identity(SECRET, header)


def signed_at(header: str) -> float:
    return float(timed(SECRET, "identity").loads(header, return_timestamp=True)[1].timestamp())


@pytest.mark.parametrize(
    "told",
    [{"name": "Eve", "roles": ["chef"]}, {"name": "Eve"}, ["operator"], {"name": 1, "roles": []}],
)
def test_what_is_no_identity_is_refused_though_it_is_signed(told: object) -> None:
    with pytest.raises(Unauthenticated):
        read_identity(SECRET, timed(SECRET, "identity").dumps(told))


@pytest.mark.parametrize("secret", ["the-secret-of-another-shop", ""])
def test_an_identity_of_another_shop_is_refused(secret: str) -> None:
    with pytest.raises(Unauthenticated):
        read_identity(secret, sign_identity(SECRET, MARIA))


def test_without_a_secret_nothing_is_taken_not_even_what_is_signed_with_none() -> None:
    with pytest.raises(Unauthenticated):
        read_identity("", sign_identity("", MARIA))
    assert order_of_key("", order_key("", "123")) is None


def test_a_long_name_is_cut_and_not_refused() -> None:
    long = Principal("x" * 200, frozenset({"manager"}))
    assert read_identity(SECRET, sign_identity(SECRET, long)).name == "x" * 100


def test_a_signature_holds_for_one_purpose_only() -> None:
    told = {"name": "Eve", "roles": ["operator"]}
    with pytest.raises(Unauthenticated):
        read_identity(SECRET, timed(SECRET, "sign-in-link").dumps(told))
    assert derived_key(SECRET, "session") != derived_key(SECRET, "identity")


def test_an_order_has_one_key_and_it_opens_that_order() -> None:
    key = order_key(SECRET, "123")
    assert key == order_key(SECRET, "123")
    assert is_order_key(SECRET, "123", key)
    assert not is_order_key(SECRET, "12", key)
    assert not is_order_key("the-secret-of-another-shop", "123", key)


@pytest.mark.parametrize("key", ["", "123", "123.", "123.x", "124." + "A" * 43, "é.é"])
def test_what_is_no_key_is_of_no_order(key: str) -> None:
    assert order_of_key(SECRET, key) is None
    assert order_of_key(SECRET, order_key(SECRET, "123") + key + "\n" * 4) is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Maria", "sub": "1"}, "Maria"),
        ({"preferred_username": "mia", "sub": "1"}, "mia"),
        ({"name": " ", "email": "mia@example.com", "sub": "1"}, "mia@example.com"),
        ({"name": 5, "sub": "1"}, "1"),
        ({"name": "Ma\nria\u202e" + "x" * 200}, "Maria" + "x" * 95),
        ({"name": "\u200b", "preferred_username": "mia", "sub": "1"}, "mia"),
        ({"name": "\n\u202e", "preferred_username": ["mia"], "sub": "248"}, "248"),
        ({"name": "\u200b", "sub": "\u200b"}, "'\\u200b'"),
    ],
)
def test_a_person_is_called_as_the_provider_calls_them(
    claims: dict[str, object], name: str
) -> None:
    assert principal_of(claims, "roles").name == name


@pytest.mark.parametrize(
    ("claims", "role_claim", "roles"),
    [
        ({"roles": ["manager", "chef"]}, "roles", {"manager"}),
        ({"roles": "kitchen"}, "roles", {"kitchen"}),
        ({"realm_access": {"roles": ["operator"]}}, "realm_access.roles", {"operator"}),
        ({"https://shop.example/roles": ["operator"]}, "https://shop.example/roles", {"operator"}),
        ({"roles": ["service", "customer"]}, "roles", set()),
        ({"roles": {"manager": True}}, "roles", set()),
        ({"roles": [["manager"], None]}, "roles", set()),
        ({"realm_access": []}, "realm_access.roles", set()),
    ],
)
def test_roles_are_those_of_the_claim_that_the_shop_gives_out(
    claims: dict[str, object], role_claim: str, roles: set[str]
) -> None:
    assert principal_of(claims, role_claim).roles == roles
