"""The token by which services know their sidecars, in the environment of both."""

import secrets
from collections.abc import Mapping

APP_TOKEN = "APP_API_TOKEN"  # noqa: S105 - the variable's name, not a secret


def new_app_token() -> str:
    """For one run, which gives it to all its processes."""
    return secrets.token_urlsafe()


def with_app_token(env: Mapping[str, str]) -> dict[str, str]:
    """The environment with a new token, unless it has one."""
    return {**env, APP_TOKEN: env.get(APP_TOKEN) or new_app_token()}
