import pytest

from pizza_common.errors import SettingsError
from pizza_common.settings import PORTS, Settings, settings_of


@pytest.fixture(autouse=True)
def _an_empty_environment(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("service", PORTS)
def test_a_service_has_its_own_ports_by_default(service):
    settings = settings_of(service)
    assert (settings.app_port, settings.dapr_http_port, settings.dapr_grpc_port) == PORTS[service]


def test_the_environment_wins(monkeypatch):
    monkeypatch.setenv("APP_PORT", "9003")
    monkeypatch.setenv("PIZZA_TIME_SCALE", "0.5")
    settings = settings_of("pizza-kitchen")
    assert (settings.app_port, settings.dapr_http_port) == (9003, 3503)
    assert settings.pizza_time_scale == 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_PORT", "http"),
        ("APP_PORT", "70000"),
        ("PIZZA_TIME_SCALE", "-1"),
        ("PIZZA_TIME_SCALE", "nan"),
        ("PIZZA_THREADS", "0"),
        ("PIZZA_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        settings_of("pizza-kitchen")


def test_every_setting_explains_itself():
    assert all(field.description for field in Settings.model_fields.values())
