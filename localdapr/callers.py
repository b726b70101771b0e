"""Who may call a sidecar over HTTP: programs, and the web pages that its user allows.

Every page that is open in a browser of this machine can send requests to a sidecar's port, and a
page whose name leads here (DNS rebinding) can read the answers, too. A browser tells both in the
headers Host, Origin and Sec-Fetch-Site. Pure, and light: every command imports it.
"""

import functools
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from localdapr.errors import ApiError

ANY = "*"
READING = ("GET", "HEAD", "OPTIONS")
OF_NO_OTHER_PAGE = (None, "none", "same-origin")  # values of Sec-Fetch-Site
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:@/\[\]]+)(:\d+)?")


@dataclass(frozen=True)
class Callers:
    """What the user of `localdapr run` allows beyond the programs of this machine."""

    hosts: tuple[str, ...] = ()  # names under which the sidecars are called
    origins: tuple[str, ...] = ()  # of pages, such as http://localhost:5173; "*" is any

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may do and read everything."""
        return ANY in self.origins or origin in self.origins

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Raise ApiError 403 for a request that a foreign page has sent."""
        host = headers.get("Host", "")
        named = HOST.fullmatch(host.lower())
        if not named or not (_is_local(named[1]) or named[1] in self.hosts):
            message = f"host {host!r} is not allowed; localdapr run --allowed-hosts allows it"
            raise ApiError(403, "ERR_HOST_NOT_ALLOWED", message)
        if method not in READING and (page := self._foreign_page(host, headers)):
            message = f"a page of another origin ({page}) may not do this; "
            message += "localdapr run --allowed-origins allows it"
            raise ApiError(403, "ERR_ORIGIN_NOT_ALLOWED", message)

    def _foreign_page(self, host: str, headers: Mapping[str, str]) -> str:
        """Where the request comes from, empty when that is no page or one that is allowed.

        Pages of the sidecar's own origin are those that apps answer with.
        """
        site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
        if origin is not None and self.allows(origin):
            return ""
        if site in OF_NO_OTHER_PAGE and origin in (None, f"http://{host}"):
            return ""
        return origin or site or ""


@functools.lru_cache(64)
def _is_local(name: str) -> bool:
    """Whether no name server decides where this name leads."""
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
