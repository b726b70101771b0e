"""Parts that the tests of all services share."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from pizza_common.settings import Settings
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.services import FakePace, app_module

Clients = Callable[..., FlaskClient]


@pytest.fixture
def sidecar() -> FakeSidecar:
    return FakeSidecar()


@pytest.fixture
def pace() -> FakePace:
    return FakePace()


@pytest.fixture
def client_of(sidecar: FakeSidecar, pace: FakePace) -> Clients:
    """Makes a test client of a new app of a service, on the fake parts."""

    def make(service: str) -> FlaskClient:
        parts: dict[str, Any] = {} if service == "pizza-order" else {"pace": pace}
        return app_module(service).create_app(Settings(), sidecar, **parts).test_client()

    return make
