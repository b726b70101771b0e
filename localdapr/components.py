"""Components as the resource files describe them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from localdapr.yaml_file import Model, Text

SECRET_TYPES = ("secretstores.local.file", "secretstores.local.env")
KEPT_IN_SQLITE = ("state", "pubsub")


@dataclass(frozen=True)
class Component:
    """A component; metadata names are lower-cased, as Dapr does not tell their case apart."""

    name: str
    type: str
    version: str = "v1"
    metadata: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()

    @property
    def block(self) -> str:
        """The building block: `state`, `pubsub`, `secretstores`, ..."""
        return self.type.partition(".")[0]

    @property
    def supported(self) -> bool:
        return self.block in KEPT_IN_SQLITE or self.type in SECRET_TYPES


class SecretKeyRef(Model):
    """A secret of the component's secret store."""

    name: str
    key: str = ""


class Entry(Model):
    """A metadata value, or where it is kept: in a secret store, or in the environment."""

    name: str
    value: Text = ""
    secret_key_ref: SecretKeyRef | None = None
    env_ref: str = ""


class Auth(Model):
    """Names a secret store; without one, secrets are environment variables."""

    secret_store: str = ""


class Named(Model):
    """The metadata of a resource."""

    name: str


class ComponentSpec(Model):
    """What kind of component it is."""

    type: str
    version: Text = "v1"
    metadata: tuple[Entry, ...] = ()


class ComponentResource(Model):
    """A Component document."""

    metadata: Named
    spec: ComponentSpec
    scopes: tuple[Text, ...] = ()
    auth: Auth = Auth()

    def component(self) -> Component:
        """Without the values that are kept elsewhere."""
        given = {part.name.lower(): part.value for part in self.spec.metadata}
        return Component(self.metadata.name, self.spec.type, self.spec.version, given, self.scopes)
