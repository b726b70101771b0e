"""The keys of a multi-app run template (dapr.yaml), as the Dapr CLI knows them."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from localdapr.yaml_file import Model, Text

PORTS = range(1, 65536)
# Known to the Dapr CLI and without a meaning here: named in one note, not refused.
IGNORED = frozenset(
    """
    apiListenAddresses appHealthCheckPath appHealthProbeInterval appHealthProbeTimeout
    appHealthThreshold appLogDestination appMaxConcurrency appSSL containerImage
    containerImagePullPolicy createService daprInternalGRPCPort daprdLogDestination
    enableApiLogging enableAppHealthCheck enableProfiling logLevel maxBodySize metricsPort
    placementHostAddress profilePort readBufferSize runtimePath schedulerHostAddress
    unixDomainSocket
    """.split()  # noqa: SIM905 - as a list it would be a page
)


def _port(value: object, info: ValidationInfo) -> int:
    """The port with the offset that the whole template gets."""
    if not isinstance(value, str) or not value.isdecimal() or int(value) not in PORTS:
        raise ValueError(f"must be a whole number from 1 to {PORTS[-1]}, not {value!r}")
    offset: int = info.context["port_offset"] if info.context else 0
    port = int(value) + offset
    if port not in PORTS:
        raise ValueError(f"{value} and the port offset give {port}; the last port is {PORTS[-1]}")
    return port


def only(*known: str) -> Callable[[str], str]:
    """What lets these values pass and raises ValueError for others."""

    def check(value: str) -> str:
        if value in known:
            return value
        raise ValueError(
            f"{value} is not supported by localdapr, only {known[0]}; "
            "run this app with the Dapr CLI"
        )

    return check


Port = Annotated[int, BeforeValidator(_port)]
Texts = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
]


class Common(Model, extra="forbid"):
    """What `common` gives to every app."""

    resources_path: Texts = ()
    resources_paths: Texts = ()
    config_file_path: Annotated[Texts, Field(max_length=1)] = ()
    app_protocol: Annotated[str, AfterValidator(only("http"))] = "http"
    env: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _without_ignored(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: part for key, part in value.items() if key not in IGNORED}


class Section(Common):
    """One of the `apps`."""

    app_id: str = Field("", alias="appID")
    app_dir_path: str
    app_port: Port | None = None
    dapr_http_port: Port = Field(0, alias="daprHTTPPort")
    dapr_grpc_port: Port = Field(0, alias="daprGRPCPort")
    app_channel_address: Annotated[str, AfterValidator(only("127.0.0.1", "localhost"))] = ""
    command: tuple[str, ...] = ()


class Template(Model, extra="forbid"):
    """A whole file."""

    version: Literal["1"]
    name: str = ""
    common: Common = Common()
    apps: tuple[Section, ...] = Field(min_length=1)


KEYS = frozenset(
    str(key.alias) for model in (Template, Section) for key in model.model_fields.values()
)
