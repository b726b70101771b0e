"""What an OpenID Connect provider claims of a person: a name, and roles."""

from collections.abc import Mapping
from typing import Any

from pizza_common.principal import Principal
from pizza_common.staff import STAFF

_NAMES = ("name", "preferred_username", "email", "sub")
_NAME_LENGTH = 100


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
