"""Components as the resource files describe them, with their secrets still unresolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from localdapr.spec import Spec, as_text

SECRET_TYPES = ("secretstores.local.file", "secretstores.local.env")
KEPT_IN_SQLITE = ("state", "pubsub")


@dataclass(frozen=True)
class SecretReference:
    """A metadata value that is kept elsewhere: in a secret store, or in the environment."""

    field: str
    secret: str
    key: str
    store: str = ""  # empty: `secret` is an environment variable


@dataclass(frozen=True)
class Component:
    """A component; metadata names are lower-cased, as Dapr does not tell their case apart."""

    name: str
    type: str
    version: str = "v1"
    metadata: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    references: tuple[SecretReference, ...] = ()

    @property
    def block(self) -> str:
        """The building block: `state`, `pubsub`, `secretstores`, ..."""
        return self.type.partition(".")[0]

    @property
    def supported(self) -> bool:
        return self.block in KEPT_IN_SQLITE or self.type in SECRET_TYPES

    def visible_to(self, app_id: str) -> bool:
        return not self.scopes or app_id in self.scopes


def read_component(document: Spec) -> Component:
    """Read a Component resource. Raises ValueError for what is missing or cannot be honoured."""
    spec = document.part("spec")
    entries = spec.parts("metadata")
    store = document.part("auth").text("secretStore", "")
    found = [_reference(entry, store) for entry in entries]
    component = Component(
        name=document.part("metadata").text("name"),
        type=spec.text("type"),
        version=spec.text("version", "v1"),
        metadata={
            entry.text("name").lower(): as_text(entry.fields["value"])
            for entry in entries
            if "value" in entry.fields
        },
        scopes=document.texts("scopes"),
        references=tuple(reference for reference in found if reference),
    )
    _refuse_outbox(component)
    return component


def _reference(entry: Spec, store: str) -> SecretReference | None:
    name = entry.text("name").lower()
    if "secretKeyRef" in entry.fields:
        reference = entry.part("secretKeyRef")
        secret = reference.text("name")
        return SecretReference(name, secret, reference.text("key", secret), store)
    if "envRef" in entry.fields:
        return SecretReference(name, entry.text("envRef"), "")
    return None


def _refuse_outbox(component: Component) -> None:
    if "outboxpublishpubsub" in component.metadata:
        raise ValueError(
            f"component {component.name}: localdapr does not do the transactional outbox "
            "(outboxPublishPubsub); remove it or use the real Dapr"
        )
