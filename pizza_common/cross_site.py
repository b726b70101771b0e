"""Keeps web pages of other origins from using a service through the browser of its user.

The rules are those of Go's http.CrossOriginProtection: no token, no cookie, and clients that are
no browser notice nothing.
"""

from flask import Flask, request
from werkzeug.datastructures import Headers

from pizza_common.errors import BadInput, Forbidden, Misdirected
from pizza_common.hosts import Hosts
from pizza_common.settings import Settings

_READS = frozenset(("GET", "HEAD", "OPTIONS"))
# `same-site` is not enough: another port of localhost is of the same site. `none` is what the user
# does by hand; no page can bring that about.
_OWN = frozenset(("same-origin", "none"))
_BROWSERS_HEADERS = ("Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode")


def install_cross_site_checks(app: Flask, settings: Settings) -> None:
    """Check every request of this app, before its route is looked at."""
    hosts = Hosts.of(settings)

    def check() -> None:
        _check_host(hosts)
        if request.method not in _READS:
            _check_origin(request.headers)

    app.before_request(check)


def is_of_browser(headers: Headers) -> bool:
    """Whether the request has what a browser adds to it and a page cannot take away."""
    return any(name in headers for name in _BROWSERS_HEADERS)


def _check_host(hosts: Hosts) -> None:
    """Raises Misdirected, or BadInput where HTTP/1.1 demands a Host and there is none."""
    host = request.headers.get("Host")
    if host is None:
        if request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
            raise BadInput("A request of HTTP/1.1 needs the header Host.")
        return
    if not hosts.allow(host):
        raise Misdirected("This service has no such host name; see PIZZA_ALLOWED_HOSTS.")


def _check_origin(headers: Headers) -> None:
    """Raises Forbidden for what a page of another origin sends."""
    site = headers.get("Sec-Fetch-Site", "same-origin")
    # Without the scheme: behind a proxy that ends TLS, the service does not know its own.
    origin = headers.get("Origin")
    own = origin is None or origin.partition("://")[2].lower() == headers.get("Host", "").lower()
    if site not in _OWN or not own:
        raise Forbidden("A page of another origin may not do this.")
