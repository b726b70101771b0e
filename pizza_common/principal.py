"""Who asks: a name for the timeline, and the roles that a route may name."""

from dataclasses import dataclass
from typing import Literal, get_args

from flask import g

Role = Literal["customer", "kitchen", "manager", "operator", "service"]
ROLES: frozenset[Role] = frozenset(get_args(Role))


@dataclass(frozen=True)
class Principal:
    """Who a request is from; a customer with an order's key sees and cancels that order only."""

    name: str
    roles: frozenset[Role]
    order_id: str | None = None

    @property
    def by(self) -> str | None:
        """What the timeline says of who did it; None where nobody said who they are."""
        return self.name or None

    def has(self, *roles: Role) -> bool:
        """Whether it has one of these roles."""
        return not self.roles.isdisjoint(roles)


NOBODY = Principal("", frozenset())
EVERY_ROLE = Principal("", ROLES)
"""In development, where a request says nothing of who it is from."""


def principal() -> Principal:
    """Who the request in flight is from; set before its route runs."""
    found: Principal = g.principal
    return found
