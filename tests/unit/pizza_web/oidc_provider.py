"""An OpenID Connect provider as a process of its own, and a person who signs in there."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import requests

from tests.unit.pizza_common.service_process import free_port, wait_until

_PEOPLE: tuple[dict[str, Any], ...] = (
    {"sub": "mia", "name": "Mia", "roles": ["manager", "owner"]},
    {"sub": "otto", "preferred_username": "otto", "roles": "operator kitchen"},
    {"sub": "gast", "name": "Guest"},
    {"sub": "mole", "name": "Mole", "roles": ["service", "customer"]},
)


class OidcProvider:
    """Knows some people by their `sub`."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"

    def sign_in(self, url: str, sub: str) -> str:
        """What the person does at the provider; gives the URL to which it sends the browser."""
        answer = requests.post(url, data={"sub": sub}, allow_redirects=False, timeout=30)
        return answer.headers["Location"]

    def is_up(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.issuer}/jwks", timeout=5).ok
        return False


@contextlib.contextmanager
def running_provider() -> Iterator[OidcProvider]:
    """Its warnings would fail the tests if it ran in their process."""
    port = free_port()
    people = [f"--user-claims={json.dumps(each)}" for each in _PEOPLE]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *people]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONWARNINGS": "ignore"}, stderr=subprocess.DEVNULL
    )
    provider = OidcProvider(port)
    try:
        wait_until(provider.is_up, "the provider answers")
        yield provider
    finally:
        process.terminate()
        process.wait()
