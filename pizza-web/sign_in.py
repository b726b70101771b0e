"""How people sign in: with a role's token, at a provider, or, in development, by a link."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask

from person import person, sign_in, take_role
from pizza_common.claims import principal_of
from pizza_common.errors import Forbidden, NotFound, SettingsError
from pizza_common.principal import Principal
from pizza_common.sidecar import Sidecar
from pizza_common.sign_in_link import read_ticket, sign_in_path, use_up
from pizza_common.staff import STAFF, StaffRole
from session_cookie import install_session
from web_settings import WebSettings
from wrong_attempts import WrongAttempts

if TYPE_CHECKING:  # loaded where a provider is set
    from sign_in_provider import Provider

CALLED_AT_MOST = 40

log = structlog.get_logger()


class SignIn:
    """One per process; what it does to the session is in person.py."""

    def __init__(self, app: Flask, settings: WebSettings, secret: str, sidecar: Sidecar) -> None:
        self._settings = settings
        self._secret = secret
        self.web_url = settings.pizza_web_url
        self._sidecar = sidecar
        self._tokens = {role: token.encode() for role, token in settings.role_tokens.items()}
        self.attempts = WrongAttempts()
        self.provider = _provider(app, settings) if settings.pizza_oidc_issuer else None

    @property
    def by_token(self) -> bool:
        """Whether a role's token signs in."""
        return bool(self._tokens)

    @property
    def by_link(self) -> bool:
        """Whether a link of the log does, which is so where nothing else is set."""
        return not self._tokens and self.provider is None

    def with_link(self, text: str) -> StaffRole:
        """Take the role of a link; who has it already needs no ticket, as when a page is restored.

        Raises NotFound, Gone, SidecarUnavailable.
        """
        if not self.by_link:
            raise NotFound("Nobody signs in by links here.")
        ticket = read_ticket(self._secret, text)
        if not person().has(ticket.role):
            use_up(self._sidecar, ticket)
            _note(take_role(ticket.role), by="link")
        return ticket.role

    def with_token(self, token: str, called: str) -> StaffRole | None:
        """Take the role whose token it is; None for a wrong one."""
        # All are compared, and in constant time: how long it takes tells nothing.
        given = token.encode()
        right = [role for role in STAFF if hmac.compare_digest(self._tokens.get(role, b""), given)]
        if not given or not right:
            return None
        _note(take_role(right[0], called), by="token")
        return right[0]

    def with_claims(self, claims: Mapping[str, Any]) -> Principal:
        """Become who the provider says. Raises Forbidden for whom it gives no role of the shop."""
        who = principal_of(claims, self._settings.pizza_oidc_role_claim)
        if not who.roles:
            log.warning("signed in without a role", name=who.name)
            raise Forbidden(f"The sign-in provider gives {who.name or 'you'} no role of this shop.")
        sign_in(who)
        _note(who, by="provider")
        return who

    def log_links(self) -> None:
        """Write a new link for each role to the log, which the developer reads."""
        base = self.web_url or f"http://127.0.0.1:{self._settings.app_port}"
        for role in STAFF:
            log.info("sign-in link", role=role, url=base + sign_in_path(self._secret, role))


def install_sign_in(app: Flask, settings: WebSettings, secret: str, sidecar: Sidecar) -> None:
    """Give this app its session, and what the pages of signing in need."""
    install_session(app, settings, secret)
    sign_in = app.extensions["sign_in"] = SignIn(app, settings, secret, sidecar)
    if sign_in.by_link and not settings.pizza_secret:  # who sets it makes links, as `make run` does
        app.extensions["hooks"].started.append(sign_in.log_links)


def _provider(app: Flask, settings: WebSettings) -> Provider:
    if not settings.pizza_oidc_client_secret:
        raise SettingsError("PIZZA_OIDC_CLIENT_SECRET: needed where people sign in")
    from sign_in_provider import Provider

    return Provider(
        app,
        settings.pizza_oidc_issuer,
        settings.pizza_oidc_client_id,
        settings.pizza_oidc_client_secret,
    )


def _note(who: Principal, by: str) -> None:
    log.info("signed in", name=who.name, roles=sorted(who.roles), by=by)


def one_line(text: str) -> str:
    """What is printable of a name, and not too much of it."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.split())[:CALLED_AT_MOST].strip()
