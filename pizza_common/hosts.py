"""The names and addresses under which a service may be asked.

A DNS server can give the name of a foreign page the address of this machine (DNS rebinding). To
the browser the service is then of that page's own origin, and only the Host header tells.
"""

import re
from dataclasses import dataclass
from typing import Self

from pizza_common.host_name import address_of, plain
from pizza_common.settings import Settings

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_EVERYWHERE = ("0.0.0.0", "::", "*")  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True)
class Hosts:
    """What a Host header may name, with any port: a tunnel or a published port has its own.

    Loopback always. A literal address where the service listens on every address, because
    rebinding needs a name.
    """

    names: frozenset[str]
    suffixes: tuple[str, ...] = ()
    any_address: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the service is bound to, and what the setting PIZZA_ALLOWED_HOSTS adds."""
        added = [plain(each.strip()) for each in settings.pizza_allowed_hosts.split(",")]
        names = {"localhost", plain(settings.pizza_host), *added}
        suffixes = {".localhost", *(each for each in added if each.startswith("."))}
        return cls(frozenset(names), tuple(suffixes), settings.pizza_host in _EVERYWHERE)

    def allow(self, host: str) -> bool:
        """Whether this Host header is of this service."""
        found = _AUTHORITY.fullmatch(host)
        if found is None:
            return False
        name = plain(found[1])
        address = address_of(name)
        if address is not None and (self.any_address or address.is_loopback):
            return True
        return name in self.names or name.endswith(self.suffixes)
