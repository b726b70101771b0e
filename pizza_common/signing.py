"""What is derived from PIZZA_SECRET, with a key of its own for each purpose.

So a link to an order is no session, and a session is no identity.
"""

import hashlib
from functools import cache
from typing import Literal

from itsdangerous import Signer, TimestampSigner
from itsdangerous.url_safe import URLSafeTimedSerializer

Purpose = Literal["identity", "order-key", "session", "sign-in-link"]

_SIGNED_WITH = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


@cache
def timed(secret: str, purpose: Purpose) -> URLSafeTimedSerializer:
    """Signs JSON together with the time; `loads(text, max_age=seconds)` raises BadSignature."""
    return URLSafeTimedSerializer(
        secret, salt=_salt(purpose), signer=TimestampSigner, signer_kwargs=_SIGNED_WITH
    )


@cache
def untimed(secret: str, purpose: Purpose) -> Signer:
    """Signs a text; the same text is always signed alike."""
    return Signer(secret, salt=_salt(purpose), key_derivation="hmac", digest_method=hashlib.sha256)


def derived_key(secret: str, purpose: Purpose) -> bytes:
    """A key for a library that signs by itself, as Flask does its sessions."""
    return untimed(secret, purpose).derive_key()


def _salt(purpose: Purpose) -> str:
    return f"pizza.{purpose}"
