"""What a request brings to say who it is from: a signed identity, or a bearer token."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from werkzeug.datastructures import Headers

from pizza_common.access_settings import AccessSettings
from pizza_common.errors import Unauthenticated
from pizza_common.identity import HEADER, read_identity
from pizza_common.order_key import order_of_key
from pizza_common.principal import EVERY_ROLE, NOBODY, Principal, Role

if TYPE_CHECKING:  # where no provider is set, its libraries are not loaded: 9 MB in each service
    from pizza_common.json_web_token import TokenReader

_AUTHORIZATION = "Authorization"
_CUSTOMER: frozenset[Role] = frozenset({"customer"})


class Credentials:
    """Reads those that these settings provide for."""

    def __init__(self, settings: AccessSettings, reader: TokenReader | None = None) -> None:
        self._settings = settings
        self._tokens = settings.role_tokens
        self._reader = reader
        if reader is None and settings.pizza_oidc_issuer:
            from pizza_common.json_web_token import TokenReader

            self._reader = TokenReader(settings)

    def principal(self, headers: Headers) -> Principal:
        """Who a request with these headers is from.

        Raises Unauthenticated for what is wrong or too old, Unavailable when that cannot be told.
        """
        if HEADER in headers:
            return read_identity(self._settings.pizza_secret, headers[HEADER])
        if not self._settings.asks_who:
            return EVERY_ROLE
        if _AUTHORIZATION not in headers:
            return NOBODY
        scheme, _, token = headers[_AUTHORIZATION].partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Send the token as: Authorization: Bearer <token>.")
        return self._bearer(token.strip())

    def close(self) -> None:
        """Let go of what the reading of tokens holds."""
        if self._reader is not None:
            self._reader.close()

    def _bearer(self, token: str) -> Principal:
        given = token.encode("utf-8", "surrogateescape")
        same = [  # all are compared, so that time tells nothing
            role for role, kept in self._tokens.items() if hmac.compare_digest(given, kept.encode())
        ]
        if same:
            return Principal(same[0], frozenset(same))
        if order_id := order_of_key(self._settings.pizza_secret, token):
            return Principal("customer", _CUSTOMER, order_id)
        if self._reader is None:
            raise Unauthenticated("The token is none that this shop gives.")
        return self._reader.principal(token)
