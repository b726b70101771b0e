"""The roles that a person signs in for; a customer needs no more than the link to its order."""

from typing import Literal, get_args

StaffRole = Literal["kitchen", "manager", "operator"]
STAFF: tuple[StaffRole, ...] = get_args(StaffRole)
