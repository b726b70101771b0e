"""The cookie of the session: signed, out of reach of scripts, and sent with links but no posts.

It is signed with a key that changes with how people sign in, so that a token that is replaced ends
the sessions that it began.
"""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from pizza_common.signing import derived_key
from web_settings import WebSettings

NAME = "pizza_session"
LIFETIME = timedelta(days=30)  # of a customer's orders in it; who signed in is signed out sooner


def install_session(app: Flask, settings: WebSettings, secret: str) -> None:
    """Give this app its session."""
    app.secret_key = _key(settings, secret)
    is_secure = settings.is_secure
    app.config |= {
        "SESSION_COOKIE_NAME": f"__Host-{NAME}" if is_secure else NAME,
        "SESSION_COOKIE_SECURE": is_secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": LIFETIME,
    }
    app.session_interface = _Sessions()


class _Sessions(SecureCookieSessionInterface):
    """Flask's own, with SHA-256 in place of SHA-1, that outlives the browser's window."""

    digest_method = staticmethod(hashlib.sha256)

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime:
        """Of every session, though none is permanent to Flask: it sends those with each answer,
        and an answer that began before a sign-out, as a stream's, would undo that.
        """
        del session
        return datetime.now(UTC) + app.permanent_session_lifetime


def _key(settings: WebSettings, secret: str) -> bytes:
    ways = [
        *settings.role_tokens.items(),
        settings.pizza_oidc_issuer,
        settings.pizza_oidc_client_id,
        settings.pizza_oidc_role_claim,
    ]
    return hmac.digest(derived_key(secret, "session"), json.dumps(ways).encode(), "sha256")
