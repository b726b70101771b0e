"""The border to the OpenID Connect provider: the only file of pizza-web that knows Authlib.

Authorization code with PKCE (S256), state and nonce; what belongs to a sign-in that was begun is
in the session until the provider answers.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.base_client.errors import (  # type: ignore[import-untyped]
    MismatchingStateError,
)
from authlib.integrations.flask_client import OAuth  # type: ignore[import-untyped]
from flask import Flask, redirect, session
from joserfc.errors import JoseError
from werkzeug import Response

from pizza_common.errors import BadInput, Forbidden, PeerUnavailable
from pizza_common.json_web_token import ALGORITHMS

_NAME = "oidc"
_STATE = f"_state_{_NAME}_"  # how Authlib names what it keeps in the session
_BEGUN_AT_MOST = 2
_NO_ANSWER = "The sign-in provider does not answer."
_SECONDS = 5.0

AWAY_SECONDS = 10.0
"""For which a provider that did not answer is not asked again: each wait for it holds a thread."""

log = structlog.get_logger()


class Provider:
    """One issuer; its metadata and keys are read when first needed, and then kept."""

    def __init__(self, app: Flask, issuer: str, client_id: str, client_secret: str) -> None:
        self.now: Callable[[], float] = time.monotonic
        self._away_until = float("-inf")
        self._issuer = issuer
        self.host = urlsplit(issuer).netloc
        self._client_id = client_id
        self._client = OAuth(app).register(
            _NAME,
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile",
                "code_challenge_method": "S256",
                "default_timeout": _SECONDS,
            },
        )

    def begin(self, callback: str) -> Response:
        """Send the browser to the provider, which sends it back to `callback`.

        Raises PeerUnavailable.
        """
        try:
            self._read_metadata()
            begun = self._client.create_authorization_url(callback)
        except requests.RequestException as error:
            raise self._away(error) from error
        url = begun.pop("url")
        _forget_abandoned()
        self._client.save_authorize_data(redirect_uri=callback, **begun)
        return redirect(url, 303)

    def finish(self) -> Mapping[str, Any]:
        """What the provider says of the person whose browser it sent back, verified.

        Raises BadInput for a sign-in that this browser did not begin, Forbidden when the provider
        refused or its token is wrong, PeerUnavailable.
        """
        try:
            self._read_metadata()
            token = self._client.authorize_access_token(claims_options=self._claims_options())
        except MismatchingStateError:
            raise BadInput("This browser began no such sign-in, or too long ago.") from None
        except AuthlibBaseError as error:
            log.warning("sign-in refused by the provider", error=str(error.error)[:100])
            raise Forbidden("The sign-in provider did not sign you in.") from error
        except JoseError as error:
            log.warning("token of the provider refused", error=str(error)[:200])
            raise Forbidden("The sign-in provider's answer cannot be trusted.") from error
        except requests.RequestException as error:
            raise self._away(error) from error
        claims: Mapping[str, Any] | None = token.get("userinfo")
        if not claims:
            raise Forbidden("The sign-in provider did not say who you are.")
        return claims

    def _claims_options(self) -> dict[str, Any]:
        return {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
        }

    def _read_metadata(self) -> None:
        """Once; of what the provider can sign with, no more is taken than services take."""
        if self.now() < self._away_until:
            raise PeerUnavailable(_NO_ANSWER)
        metadata = self._client.load_server_metadata()
        metadata["id_token_signing_alg_values_supported"] = list(ALGORITHMS)
        if metadata.get("issuer") != self._issuer:
            log.error("the provider is of another issuer", issuer=str(metadata.get("issuer"))[:200])
            metadata.clear()  # to be read again, once that is put right
            raise PeerUnavailable("The sign-in provider is not the one that is set.")

    def _away(self, error: requests.RequestException) -> PeerUnavailable:
        """An answer that tells of an error came at once, and may be about one person only."""
        log.warning("sign-in provider away", error=type(error).__name__)
        if not isinstance(error, requests.HTTPError):
            self._away_until = self.now() + AWAY_SECONDS
        return PeerUnavailable(_NO_ANSWER)


def _forget_abandoned() -> None:
    """Keep the newest, so that the cookie does not grow with each attempt."""
    begun = sorted((key for key in session if key.startswith(_STATE)), key=_expiry)
    for key in begun[: 1 - _BEGUN_AT_MOST]:
        del session[key]


def _expiry(key: str) -> float:
    expiry: float = session[key]["exp"]
    return expiry
