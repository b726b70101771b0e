"""Tokens of an OpenID Connect provider: who they are about, and whether they are true."""

import json
from base64 import urlsafe_b64decode

from joserfc import jwt
from joserfc.errors import JoseError

from pizza_common.access_settings import AccessSettings
from pizza_common.claims import principal_of
from pizza_common.errors import Unauthenticated
from pizza_common.issuer_keys import IssuerKeys
from pizza_common.principal import Principal

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""With a public key; never `none`, nor one where who verifies could sign, too."""

SKEW_SECONDS = 30
"""By which the provider's clock may differ."""

HEAD_LENGTH = 1024
"""Of a token's first part; real ones have an algorithm, a type and the id of a key."""


class TokenReader:
    """Reads the tokens that one provider gives to one client."""

    def __init__(self, settings: AccessSettings, keys: IssuerKeys | None = None) -> None:
        self._keys = keys or IssuerKeys(settings.pizza_oidc_issuer)
        self._role_claim = settings.pizza_oidc_role_claim
        self._claims = jwt.JWTClaimsRegistry(
            leeway=SKEW_SECONDS,
            iss={"essential": True, "value": settings.pizza_oidc_issuer},
            aud={"essential": True, "value": settings.pizza_oidc_client_id},
            exp={"essential": True},
            sub={"essential": True},
        )

    def principal(self, token: str) -> Principal:
        """Who it is about. Raises Unauthenticated, or Unavailable when no keys can be had."""
        keys = self._keys.with_key(_key_id(token))
        try:
            claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            # TypeError: a `crit` that is no list of texts is looked at as if it were one.
            raise Unauthenticated(f"The token is not taken: {error}") from error
        return principal_of(claims, self._role_claim)

    def close(self) -> None:
        """Let go of the connections."""
        self._keys.close()


def _key_id(token: str) -> str | None:
    """The key that it says it is signed with. Raises Unauthenticated for what is no token."""
    try:
        head = token.split(".", 1)[0]
        if len(head) > HEAD_LENGTH:
            raise ValueError("too long")
        told = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        found = told.get("kid")
    except (ValueError, AttributeError, RecursionError):
        raise Unauthenticated("The token is none that this shop gives.") from None
    return found if isinstance(found, str) else None
