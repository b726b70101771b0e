"""Parts that the tests of all services share."""

from collections.abc import Callable
from typing import Any

import dapr.conf
import hypothesis
import pytest
import structlog
from flask.testing import FlaskClient

from delivery_settings import DeliverySettings
from kitchen_settings import KitchenSettings
from pizza_common.settings import Settings
from storefront_settings import StorefrontSettings
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.services import FakePace, app_module
from web_settings import WebSettings

# A busy machine is no failure.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

Clients = Callable[..., FlaskClient]


@pytest.fixture(autouse=True)
def _nothing_bound_to_the_logs():
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True)
def _the_sdk_as_it_was(monkeypatch: pytest.MonkeyPatch):
    """Clients of the services set these for the whole process, in which other tests run too."""
    sdk = dapr.conf.settings
    for name in ("DAPR_HTTP_PORT", "DAPR_HEALTH_TIMEOUT", "DAPR_API_TIMEOUT_SECONDS"):
        monkeypatch.setattr(sdk, name, getattr(sdk, name))


@pytest.fixture
def sidecar() -> FakeSidecar:
    return FakeSidecar()


@pytest.fixture
def pace() -> FakePace:
    return FakePace()


@pytest.fixture
def client_of(sidecar: FakeSidecar, pace: FakePace) -> Clients:
    """Makes a test client of a new app of a service, on the fake parts; `rows` are settings."""

    def make(service: str, **rows: Any) -> FlaskClient:
        paced = service in ("pizza-storefront", "pizza-kitchen", "pizza-delivery")
        parts: dict[str, Any] = {"pace": pace} if paced else {}
        kind = {
            "pizza-kitchen": KitchenSettings,
            "pizza-delivery": DeliverySettings,
            "pizza-storefront": StorefrontSettings,
            "pizza-web": WebSettings,
        }
        settings = kind.get(service, Settings)(**rows)
        return app_module(service).create_app(settings, sidecar, **parts).test_client()

    return make
