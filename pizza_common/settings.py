"""The settings of a service: rows of name, default and help, read once from the environment."""

from collections.abc import Callable
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from pizza_common.access_settings import AccessSettings
from pizza_common.errors import SettingsError

# app port, sidecar's HTTP port, sidecar's gRPC port, as in dapr.yaml
PORTS = {
    "pizza-order": (8001, 3501, 4501),
    "pizza-storefront": (8002, 3502, 4502),
    "pizza-kitchen": (8003, 3503, 4503),
    "pizza-delivery": (8004, 3504, 4504),
    "pizza-workflow": (8005, 3505, 4505),
    "pizza-loyalty": (8006, 3506, 4506),
    "pizza-web": (8000, 3509, 4509),
}


_HOST = r"\s*\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\s*"
ALLOWED_HOSTS = rf"^({_HOST}(,{_HOST})*)?$"


class Settings(AccessSettings):
    """Each field is an environment variable of the same name in capitals."""

    app_port: int = Field(
        default=8001,
        ge=1,
        le=65535,
        description="Port the service listens on; each service has its own default",
    )
    dapr_http_port: int = Field(
        default=3501,
        ge=1,
        le=65535,
        description="HTTP port of the sidecar; each service has its own default",
    )
    dapr_grpc_port: int = Field(
        default=4501,
        ge=1,
        le=65535,
        description="gRPC port of the sidecar; each service has its own default",
    )
    pizza_allowed_hosts: str = Field(
        default="",
        pattern=ALLOWED_HOSTS,
        description="Host names, separated by commas, that clients may use besides loopback and"
        " `PIZZA_HOST`; `.example.com` allows all names that end so",
    )
    pizza_threads: int = Field(
        default=128,
        ge=1,
        le=1024,
        description="Number of requests that a service handles at the same time",
    )
    pizza_time_scale: float = Field(
        default=1.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="Factor by which the duration of every stage is multiplied; 0: stages "
        "take no time",
    )
    pizza_sidecar_timeout: float = Field(
        default=10.0,
        gt=0,
        le=300,
        description="Timeout in seconds for a state or publish call to the sidecar",
    )
    pizza_shutdown_seconds: float = Field(
        default=10.0,
        ge=0,
        le=300,
        description="Seconds that a stopping service gives to requests in flight",
    )
    pizza_max_body_bytes: int = Field(
        default=262_144,  # a hundred orders of twenty items
        ge=1024,
        description="Longest request body that is taken",
    )
    pizza_retention_days: float = Field(
        default=30.0,
        ge=0,
        le=36500,
        allow_inf_nan=False,
        description="Days after which an order that is over is forgotten; 0: all are kept for ever",
    )
    pizza_faults: bool = Field(
        default=False,
        description="Enables POST /faults, by which steps are made to fail or wait; for tests only",
    )
    pizza_log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged: debug, info, warning or error"
    )
    pizza_log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="json, console, or auto: console when the output ends on a terminal, else json",
    )
    otel_exporter_otlp_endpoint: str = Field(
        default="",
        description="URL to which traces are sent by OTLP over HTTP; empty: no tracing",
    )


AnySettings = TypeVar("AnySettings", bound=Settings)


def settings_of(service: str, kind: type[AnySettings] = Settings) -> AnySettings:  # type: ignore[assignment]
    """The environment's settings, with the service's own ports where it names none.

    Raises SettingsError, naming the variable.
    """
    try:
        settings = kind()
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error
    if misfit := settings.access_misfit():
        raise SettingsError(misfit)
    ports = dict(zip(("app_port", "dapr_http_port", "dapr_grpc_port"), PORTS[service], strict=True))
    unset = {name: port for name, port in ports.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=unset)


def settings_for(kind: type[AnySettings]) -> Callable[[str], AnySettings]:
    """`settings_of` for a service with rows of its own."""
    return lambda service: settings_of(service, kind)


def _explain(error: ValidationError) -> str:
    rows = ((str(row["loc"][0]).upper(), row["msg"]) for row in error.errors())
    return "; ".join(f"{name}: {message}" for name, message in rows)
