"""The settings that say who may do what, and when they leave a service too open to be started.

Without any, it is in development: all may do all, so it listens on loopback only.
"""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pizza_common.host_name import is_loopback
from pizza_common.principal import Role

STRONG_LENGTH = 16


def _strong(secret: str) -> str:
    """Nothing, or what is not guessed. Raises ValueError."""
    if secret and not re.fullmatch(rf"[!-~]{{{STRONG_LENGTH},}}", secret):
        raise ValueError(f"has to have {STRONG_LENGTH} characters or more, none of them a blank")
    if secret and len(set(secret)) == 1:
        raise ValueError("has to be of more than one character")
    return secret


Secret = Annotated[str, AfterValidator(_strong)]


def _role_token(role: Role) -> Any:
    return Field(
        default="",
        description=f"Bearer token of the role {role}, 16 characters or more; empty: it has none",
        repr=False,
    )


_TO_DIFFER = (
    "pizza_secret",
    "app_api_token",
    "dapr_api_token",
    "pizza_kitchen_token",
    "pizza_manager_token",
    "pizza_operator_token",
    "pizza_oidc_client_secret",
)


class AccessSettings(BaseSettings):
    """Each field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    pizza_host: str = Field(default="127.0.0.1", description="Address the service listens on")
    app_api_token: str = Field(
        default="",
        pattern=r"^[!-~]*$",
        description="Token that the sidecar sends with each event;"
        " empty: events are taken from any sender",
        repr=False,
    )
    dapr_api_token: str = Field(
        default="",
        description="Token that the service sends to its sidecar; empty: it sends none",
        repr=False,
    )
    pizza_secret: Secret = Field(
        default="",
        description="Secret of all services, 16 characters or more, with which they sign who asks"
        " and the keys of orders; empty: nothing is signed",
        repr=False,
    )
    pizza_kitchen_token: Secret = _role_token("kitchen")
    pizza_manager_token: Secret = _role_token("manager")
    pizza_operator_token: Secret = _role_token("operator")
    pizza_oidc_issuer: str = Field(
        default="",
        pattern=r"^(https?://[!-~]+)?$",
        description="URL of the OpenID Connect provider whose tokens are taken; https, but on"
        " loopback; empty: none are",
    )
    pizza_oidc_client_id: str = Field(
        default="", description="Client id of the shop at the provider, the audience of its tokens"
    )
    pizza_oidc_client_secret: str = Field(
        default="",
        description="Client secret of the shop at the provider, with which pizza-web signs in"
        " people; the other services do not need it",
        repr=False,
    )
    pizza_oidc_role_claim: str = Field(
        default="roles",
        min_length=1,
        description="Claim that holds the roles; `realm_access.roles` is one inside another",
    )

    @property
    def role_tokens(self) -> dict[Role, str]:
        """The token of each role that has one."""
        tokens: dict[Role, str] = {
            "kitchen": self.pizza_kitchen_token,
            "manager": self.pizza_manager_token,
            "operator": self.pizza_operator_token,
        }
        return {role: token for role, token in tokens.items() if token}

    @property
    def asks_who(self) -> bool:
        """Whether callers have to say who they are: by token, by OIDC, or either."""
        return bool(self.role_tokens or self.pizza_oidc_issuer)

    def access_misfit(self) -> str | None:
        """Why a service must not be started so; None when it may."""
        return next(self._misfits(), None)

    def _misfits(self) -> Iterator[str]:
        if not self.asks_who and not is_loopback(self.pizza_host):
            yield (
                "PIZZA_HOST: beyond loopback a service has to ask who calls;"
                " set PIZZA_OPERATOR_TOKEN, or PIZZA_OIDC_ISSUER"
            )
        yield from self._same_secrets()
        if bool(self.pizza_oidc_issuer) != bool(self.pizza_oidc_client_id):
            yield "PIZZA_OIDC_ISSUER: needs PIZZA_OIDC_CLIENT_ID, and the other way round"
        if self.pizza_oidc_client_secret and not self.pizza_oidc_issuer:
            yield "PIZZA_OIDC_CLIENT_SECRET: needs PIZZA_OIDC_ISSUER"
        if self.pizza_oidc_issuer and not is_safe(self.pizza_oidc_issuer):
            yield "PIZZA_OIDC_ISSUER: beyond loopback it has to be https"
        for name in ("APP_API_TOKEN", "PIZZA_SECRET"):
            if self.asks_who and len(getattr(self, name.lower())) < STRONG_LENGTH:
                yield f"{name}: where a service asks who calls, {STRONG_LENGTH} characters or more"
            elif self.asks_who and len(set(getattr(self, name.lower()))) == 1:
                yield f"{name}: has to be of more than one character"

    def _same_secrets(self) -> Iterator[str]:
        """Who holds one of them must not have another with it."""
        for one, other in combinations(_TO_DIFFER, 2):
            if (secret := getattr(self, one)) and secret == getattr(self, other):
                yield f"{other.upper()}: has to be another than {one.upper()}"


def is_safe(url: str) -> bool:
    """Whether nobody on the way can answer in its place."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")
