"""A service that would be open to who must not come in is not started, and says why."""

from itertools import combinations

import pytest

from pizza_common.access_settings import is_loopback
from pizza_common.errors import SettingsError
from pizza_common.settings import Settings, settings_of

STRONG = {"APP_API_TOKEN": "app-token-of-16-", "PIZZA_SECRET": "secret-of-the-16"}
OPERATOR = {"PIZZA_OPERATOR_TOKEN": "operator-with-16"}
OIDC = {"PIZZA_OIDC_ISSUER": "https://sign-in.example", "PIZZA_OIDC_CLIENT_ID": "shop"}


@pytest.fixture(autouse=True)
def _an_empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PIZZA_HOST": "0.0.0.0"}, "PIZZA_HOST: beyond loopback"),
        ({"PIZZA_HOST": "pizza.lan", **STRONG}, "PIZZA_HOST: beyond loopback"),
        ({**OPERATOR, **STRONG, "APP_API_TOKEN": ""}, "APP_API_TOKEN"),
        ({**OPERATOR, **STRONG, "APP_API_TOKEN": "short"}, "APP_API_TOKEN"),
        ({**OPERATOR, **STRONG, "PIZZA_SECRET": ""}, "PIZZA_SECRET"),
        ({**OIDC, **STRONG, "PIZZA_SECRET": ""}, "PIZZA_SECRET"),
        ({"PIZZA_SECRET": "secret-of-the-1"}, "PIZZA_SECRET"),
        ({**STRONG, "PIZZA_KITCHEN_TOKEN": "kitchen-with-15"}, "PIZZA_KITCHEN_TOKEN"),
        ({"PIZZA_SECRET": "s" * 40}, "PIZZA_SECRET: .*more than one"),
        ({**STRONG, **OPERATOR, "APP_API_TOKEN": "a" * 40}, "APP_API_TOKEN: has to be of more"),
        ({**STRONG, **OIDC, "PIZZA_OIDC_CLIENT_ID": ""}, "PIZZA_OIDC_ISSUER"),
        ({**STRONG, **OIDC, "PIZZA_OIDC_ISSUER": ""}, "PIZZA_OIDC_ISSUER"),
        ({**STRONG, **OIDC, "PIZZA_OIDC_ISSUER": "http://sign-in.example"}, "PIZZA_OIDC_ISSUER"),
        ({**STRONG, **OIDC, "PIZZA_OIDC_ISSUER": "sign-in.example"}, "PIZZA_OIDC_ISSUER"),
        ({"PIZZA_OIDC_CLIENT_SECRET": "hidden"}, "PIZZA_OIDC_CLIENT_SECRET"),
    ],
)
def test_a_service_too_open_is_refused_in_one_line_that_names_the_variable_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=named) as refused:
        settings_of("pizza-kitchen")
    told = str(refused.value)
    assert "\n" not in told
    hidden = {value for name, value in environment.items() if name.endswith(("TOKEN", "SECRET"))}
    assert not [value for value in hidden - {""} if value in told]


SECRETS = (
    "PIZZA_SECRET",
    "APP_API_TOKEN",
    "DAPR_API_TOKEN",
    "PIZZA_KITCHEN_TOKEN",
    "PIZZA_MANAGER_TOKEN",
    "PIZZA_OPERATOR_TOKEN",
)


@pytest.mark.parametrize(("one", "other"), [*combinations(SECRETS, 2)])
def test_two_secrets_that_are_the_same_are_both_named(
    monkeypatch: pytest.MonkeyPatch, one: str, other: str
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, f"of-its-own-{name}")
    assert settings_of("pizza-kitchen")
    monkeypatch.setenv(other, f"of-its-own-{one}")
    with pytest.raises(SettingsError, match=f"^{other}: has to be another than {one}$"):
        settings_of("pizza-kitchen")


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"PIZZA_HOST": "::1"},
        {"PIZZA_HOST": "localhost", "PIZZA_SECRET": STRONG["PIZZA_SECRET"]},
        {"PIZZA_HOST": "0.0.0.0", **STRONG, **OPERATOR},
        {"PIZZA_HOST": "0.0.0.0", **STRONG, **OIDC},
        {**STRONG, **OIDC, "PIZZA_OIDC_ISSUER": "http://127.0.0.1:9400"},
        {**STRONG, **OIDC, **OPERATOR, "PIZZA_OIDC_CLIENT_SECRET": "hidden"},
    ],
)
def test_what_is_closed_enough_is_started(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert settings_of("pizza-kitchen").pizza_host == environment.get("PIZZA_HOST", "127.0.0.1")


def test_secrets_are_not_shown_with_the_settings() -> None:
    names = [name for name in Settings.model_fields if name.endswith(("token", "secret"))]
    assert len(names) == 7
    shown = repr(Settings(**dict.fromkeys(names, "do-not-show-this")))
    assert "do-not-show-this" not in shown


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "[::1]", "localhost", "a.localhost."])
def test_loopback_is_known_by_name_and_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "*", "0.0.0.0", "::", "localhost.evil.example", "10.0.0.1"])
def test_all_else_is_beyond_it(host: str) -> None:
    assert not is_loopback(host)
