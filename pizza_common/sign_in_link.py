"""Sign-in links of development: a ticket for one role, signed, used once, soon too old."""

import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, SignatureExpired
from pydantic import TypeAdapter, ValidationError

from pizza_common.errors import EtagMismatch, Gone, NotFound
from pizza_common.principal import Role
from pizza_common.sidecar import Sidecar
from pizza_common.signing import timed
from pizza_common.staff import STAFF, StaffRole

LINK_SECONDS = 15 * 60

_KEPT_SECONDS = LINK_SECONDS + 60  # a used ticket is remembered until it would be too old anyway
_USED = "Somebody has signed in with this link already; it works once."
_TOO_OLD = f"This link is older than {LINK_SECONDS // 60} minutes."
_TICKET = TypeAdapter(tuple[StaffRole, str])


@dataclass(frozen=True)
class Ticket:
    """What a link is good for; the id tells it from other links of that role."""

    role: StaffRole
    id: str


def sign_in_path(secret: str, role: Role) -> str:
    """The path of a new link at pizza-web."""
    if role not in STAFF:
        raise ValueError(f"nobody signs in as {role}")
    ticket = timed(secret, "sign-in-link").dumps([role, secrets.token_urlsafe(12)])
    return f"/sign-in/{ticket if isinstance(ticket, str) else ticket.decode('ascii')}"


def read_ticket(secret: str, text: str) -> Ticket:
    """What the last part of the path says. Raises NotFound, and Gone when it is too old."""
    try:
        role, number = _TICKET.validate_python(
            timed(secret, "sign-in-link").loads(text, max_age=LINK_SECONDS)
        )
    except SignatureExpired:
        raise Gone(_TOO_OLD) from None
    except (BadSignature, ValidationError):
        raise NotFound("This is no sign-in link of this shop.") from None
    return Ticket(role, number)


def use_up(sidecar: Sidecar, ticket: Ticket) -> None:
    """Take the ticket, at any replica, once. Raises Gone, SidecarUnavailable."""
    try:
        sidecar.save_state(f"sign_in_{ticket.id}", {"role": ticket.role}, ttl=_KEPT_SECONDS)
    except EtagMismatch:
        raise Gone(_USED) from None
