"""The keys by which an OpenID Connect provider signs its tokens: fetched when needed, and kept.

Nothing is fetched before the first token comes, and not more often than a provider can bear,
whatever tokens are sent.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import requests
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests.adapters import HTTPAdapter

from pizza_common.access_settings import is_safe
from pizza_common.errors import Unavailable

PAUSE_SECONDS = 10.0
"""Between two fetches, however they ended."""

FRESH_SECONDS = 3600.0
"""After which keys are fetched anew, so that one that was withdrawn is not taken for ever."""

LASTING_SECONDS = 24 * 3600.0
"""How long keys are used when they cannot be fetched anew."""

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 256 * 1024

log = structlog.get_logger()


class IssuerKeys:
    """One per process; its methods may be called from any thread."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer.rstrip("/")
        self._clock = clock
        self._session = requests.Session()
        self._session.mount("https://", HTTPAdapter(pool_maxsize=1))
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")

    def with_key(self, key_id: str | None) -> KeySet:
        """The provider's keys, fetched anew if they may lack this one. Raises Unavailable.

        Only without any do all wait for the fetch, so that a provider that hangs and tokens that
        name unknown keys do not take up a service's threads.
        """
        usable = self._are_usable()
        if not (usable and _has(self._keys, key_id)) or self._age() >= FRESH_SECONDS:
            self._fetch_unless_tried(wait=not usable)
        if self._keys is None or not self._are_usable():
            raise Unavailable("The sign-in provider does not answer.")
        return self._keys

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _are_usable(self) -> bool:
        return self._keys is not None and self._age() < LASTING_SECONDS

    def _fetch_unless_tried(self, *, wait: bool) -> None:
        """By one thread at a time; others `wait` for it, or go on with the keys that there are."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            if self._clock() - self._tried_at >= PAUSE_SECONDS:
                self._fetch()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        """Replace the keys; what fails leaves those from before."""
        try:
            told = self._get(f"{self._issuer}/.well-known/openid-configuration")
            if str(told.get("issuer")).rstrip("/") != self._issuer:
                raise ValueError(f"it says that it is {told.get('issuer')}")
            self._keys = KeySet.import_key_set(self._get(str(told.get("jwks_uri"))))  # type: ignore[arg-type]
            self._fetched_at = self._clock()
        except (requests.RequestException, JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("no keys of the sign-in provider", issuer=self._issuer, error=str(error))
        finally:
            self._tried_at = self._clock()

    def _get(self, url: str) -> dict[str, Any]:
        """The JSON object at a URL. Raises RequestException, ValueError."""
        if not is_safe(url):
            raise ValueError(f"{url} is not https")
        with self._session.get(
            url, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True
        ) as answer:
            answer.raise_for_status()
            body = answer.raw.read(_MOST_BYTES + 1, decode_content=True)
        if len(body) > _MOST_BYTES:
            raise ValueError(f"{url} answers too much")
        found: dict[str, Any] = json.loads(body)
        return found


def _has(keys: KeySet | None, key_id: str | None) -> bool:
    return key_id is None or any(key.kid == key_id for key in keys or ())
