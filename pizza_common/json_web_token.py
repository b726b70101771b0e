"""Tokens of an OpenID Connect provider: who they are about, and whether they are true."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from pizza_common.access_settings import AccessSettings
from pizza_common.errors import Unauthenticated
from pizza_common.issuer_keys import IssuerKeys
from pizza_common.principal import Principal
from pizza_common.staff import STAFF

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""With a public key; never `none`, nor one where who verifies could sign, too."""

SKEW_SECONDS = 30
"""By which the provider's clock may differ."""

HEAD_LENGTH = 1024
"""Of a token's first part; real ones have an algorithm, a type and the id of a key."""

_NAMES = ("name", "preferred_username", "email", "sub")
_NAME_LENGTH = 100


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


def principal_of(claims: Mapping[str, Any], role_claim: str) -> Principal:
    """Who these claims are about; roles that the shop does not give out are passed over."""
    told = _claim(claims, role_claim)
    roles = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
    return Principal(_name(claims), frozenset(role for role in STAFF if role in roles))


def _name(claims: Mapping[str, Any]) -> str:
    """The first claim with something to read in it; never empty, for who signed in is known."""
    shown = filter(None, (_readable(claims.get(name)) for name in _NAMES))
    return next(shown, None) or ascii(claims.get("sub"))[:_NAME_LENGTH]


def _readable(found: Any) -> str:
    """What a timeline shows of a claim; empty for one that shows nothing."""
    told = found if isinstance(found, str) else ""
    return "".join(filter(str.isprintable, told)).strip()[:_NAME_LENGTH].strip()


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of that name, or else what its parts between dots lead to."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


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
