"""The header by which services tell each other who asks, so that nobody else can say it.

pizza-web signs who its person is, and every service that it is itself. A signature is valid for a
minute.
"""

import time
from typing import Any

from itsdangerous import BadSignature
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pizza_common.errors import Unauthenticated
from pizza_common.order import OrderId
from pizza_common.principal import Principal, Role
from pizza_common.signing import timed

HEADER = "Pizza-Identity"

_VALID_SECONDS = 60
_SKEW_SECONDS = 10  # by which the clock of who signed may be ahead


class _Signed(BaseModel):
    """What is signed."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100)
    roles: frozenset[Role]
    order_id: OrderId | None = None


def sign_identity(secret: str, who: Principal) -> str:
    """The header's value."""
    told: dict[str, Any] = {"name": who.name[:100], "roles": sorted(who.roles)}
    if who.order_id is not None:
        told["order_id"] = who.order_id
    signed = timed(secret, "identity").dumps(told)
    return signed if isinstance(signed, str) else signed.decode("ascii")


def read_identity(secret: str, header: str) -> Principal:
    """Who it names. Raises Unauthenticated for what this secret did not sign, or not lately."""
    if not secret:
        raise Unauthenticated(f"This service takes no {HEADER}: it has no PIZZA_SECRET.")
    try:
        told, signed_at = timed(secret, "identity").loads(header, return_timestamp=True)
        age = time.time() - signed_at.timestamp()
        found = _Signed.model_validate(told)
    except (BadSignature, ValidationError):
        raise Unauthenticated(f"The {HEADER} is not signed by this shop.") from None
    if not -_SKEW_SECONDS <= age <= _VALID_SECONDS:
        raise Unauthenticated(f"The {HEADER} is not of this minute.")
    return Principal(found.name, found.roles, found.order_id)
