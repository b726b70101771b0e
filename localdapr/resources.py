"""The resources folders and the configuration file, read once at start and never changed.

A file that cannot be used stops the start with a ManifestError that begins with its path;
a resource that localdapr does not act on is noted in `summary()`, never skipped in silence.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field

from localdapr.components import KEPT_IN_SQLITE, Component, ComponentResource, Entry, SecretKeyRef
from localdapr.errors import ManifestError
from localdapr.manifest import ResourcesPath
from localdapr.resiliency import NO_POLICY, Policy, Resiliency, ResiliencyResource
from localdapr.retention import FOR_EVER, Retention, RetentionPolicy
from localdapr.secret_stores import read_secrets
from localdapr.subscriptions import Subscription, SubscriptionResource
from localdapr.yaml_file import Document, Model, read_documents

NOUNS = {"state": "state store", "pubsub": "pub/sub", "secretstores": "secret store"}
NOT_ENFORCED = ("publishingscopes", "subscriptionscopes", "allowedtopics", "protectedtopics")
ENVIRONMENT = Component("", "secretstores.local.env")
OUTBOX = "outboxpublishpubsub"
NOBODY = ("",)  # no app has this id
# What the Dapr CLI's own installation has for apps that name no resources.
DEFAULTS = (Component("statestore", "state.redis"), Component("pubsub", "pubsub.redis"))
R = TypeVar("R", "ComponentResource", "SubscriptionResource", "ResiliencyResource")


@dataclass(frozen=True)
class Configuration:
    """What localdapr reads of a Configuration.

    The share of traces that are sampled, 0 to 1, and how long finished workflows are kept.
    """

    sampling_rate: float = 0.0
    retention: Retention = FOR_EVER


@dataclass(frozen=True)
class Resources:
    """Everything declared; look-ups take the app id and apply its scopes."""

    components: tuple[Component, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    resiliencies: tuple[Resiliency, ...] = ()
    configuration: Configuration = Configuration()
    notes: tuple[str, ...] = ()

    def components_of(self, app_id: str) -> tuple[Component, ...]:
        return tuple(part for part in self.components if _holds_for(part.scopes, app_id))

    def find(self, block: str, name: str, app_id: str) -> Component | None:
        """The component of a building block (`state`, `pubsub`) that this app may use."""
        visible = self.components_of(app_id)
        return next((part for part in visible if (part.block, part.name) == (block, name)), None)

    def declared_for(self, app_id: str) -> tuple[Subscription, ...]:
        return tuple(wish for wish in self.subscriptions if _holds_for(wish.scopes, app_id))

    def invocation_policy(self, caller: str, target: str) -> Policy:
        return self._first(caller, lambda resiliency: resiliency.for_app(target))

    def delivery_policy(self, app_id: str, pubsub: str) -> Policy:
        return self._first(app_id, lambda resiliency: resiliency.for_inbound(pubsub))

    def summary(self) -> list[str]:
        """One line for each thing the user should know at start."""
        return [*(_describe(component) for component in self.components), *self.notes]

    def _first(self, app_id: str, choose: Callable[[Resiliency], Policy]) -> Policy:
        chosen = (choose(part) for part in self.resiliencies if _holds_for(part.scopes, app_id))
        return next((policy for policy in chosen if policy != NO_POLICY), NO_POLICY)


class Kind(Model):
    """What every resource says of itself."""

    kind: str


class Tracing(Model):
    """Which share of traces is sampled."""

    sampling_rate: Annotated[float, Field(ge=0, le=1)] = 0.0


class WorkflowSpec(Model):
    """How long finished workflows are kept."""

    state_retention_policy: RetentionPolicy = RetentionPolicy()


class ConfigurationSpec(Model):
    """Of a Configuration what localdapr acts on."""

    tracing: Tracing = Tracing()
    workflow: WorkflowSpec = WorkflowSpec()


class ConfigurationResource(Model):
    """A Configuration document."""

    spec: ConfigurationSpec = ConfigurationSpec()


def load_resources(paths: Sequence[ResourcesPath], config_path: Path | None) -> Resources:
    """Read every YAML file of the folders. Raises ManifestError("path: what is wrong")."""
    declared: list[ComponentResource] = []
    wishes: list[SubscriptionResource] = []
    policies: list[ResiliencyResource] = []
    notes: list[str] = []
    documents = [(part.apps, document) for part in paths for document in _documents(part.path)]
    for apps, document in documents:
        match document.read(Kind).kind:
            case "Component":
                declared.append(_limited(document.read(ComponentResource), apps))
            case "Subscription":
                wishes.append(_limited(document.read(SubscriptionResource), apps))
            case "Resiliency":
                policies.append(_limited(document.read(ResiliencyResource), apps))
            case kind:
                notes.append(f"{document.path}: {kind} is not used by localdapr")
    components = _components(declared) if paths else DEFAULTS
    resiliencies = tuple(each.spec.resiliency(each.scopes) for each in policies)
    return Resources(
        components=components,
        subscriptions=tuple(wish.spec.subscription("DECLARATIVE", wish.scopes) for wish in wishes),
        resiliencies=resiliencies,
        configuration=_configuration(config_path),
        notes=(*notes, *_breaker_notes(resiliencies), *_scope_notes(components)),
    )


def _limited(resource: R, apps: Sequence[str]) -> R:
    """A resource of a folder that is for some apps only is within the scopes of these."""
    if not apps:
        return resource
    scopes = tuple(app for app in apps if _holds_for(resource.scopes, app))
    return resource.model_copy(update={"scopes": scopes or NOBODY})


def _holds_for(scopes: Sequence[str], app_id: str) -> bool:
    return not scopes or app_id in scopes


def _documents(folder: Path) -> Iterator[Document]:
    if not folder.exists():
        raise ManifestError(f"{folder}: there is no such resources folder")
    files = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    for path in files:
        if path == folder or path.suffix in (".yaml", ".yml"):
            yield from read_documents(path)


def _configuration(path: Path | None) -> Configuration:
    documents = read_documents(path) if path else iter(())
    read = (document.read(ConfigurationResource).spec for document in documents)
    spec = next(read, ConfigurationSpec())
    kept = spec.workflow.state_retention_policy.retention()
    return Configuration(spec.tracing.sampling_rate, kept)


def _components(resources: Sequence[ComponentResource]) -> tuple[Component, ...]:
    """The components with their secret references filled in."""
    plain = [resource.component() for resource in resources]
    stores = {part.name: part for part in plain if part.block == "secretstores"}
    for number, component in enumerate(plain):
        _check(component, plain[:number])
    return tuple(
        replace(component, metadata={**component.metadata, **_secrets(resource, stores)})
        for component, resource in zip(plain, resources, strict=True)
    )


def _check(component: Component, earlier: Iterable[Component]) -> None:
    if OUTBOX in component.metadata:
        raise ManifestError(
            f"component {component.name}: localdapr does not do the transactional outbox "
            "(outboxPublishPubsub); remove it or use the real Dapr"
        )
    scopes = set(component.scopes)
    for other in earlier:
        shared = not scopes or not other.scopes or scopes & set(other.scopes)
        if component.name == other.name and shared:
            raise ManifestError(f"component {component.name}: is declared twice for the same app")


def _secrets(resource: ComponentResource, stores: Mapping[str, Component]) -> dict[str, str]:
    """The metadata values that are kept elsewhere. Raises ManifestError."""
    name = resource.metadata.name
    try:
        return {
            entry.name.lower(): _secret(entry, resource.auth.secret_store, stores)
            for entry in resource.spec.metadata
            if entry.secret_key_ref or entry.env_ref
        }
    except (OSError, ValueError) as cause:
        raise ManifestError(f"component {name}: {cause}") from cause


def _secret(entry: Entry, store: str, stores: Mapping[str, Component]) -> str:
    reference = entry.secret_key_ref or SecretKeyRef(name=entry.env_ref)
    named = store if entry.secret_key_ref else ""
    if named and named not in stores:
        raise ValueError(f"no secret store {named}")
    secrets = read_secrets(stores[named] if named else ENVIRONMENT)
    return secrets.get(reference.name, {}).get(reference.key or reference.name, "")


def _describe(component: Component) -> str:
    noun = NOUNS.get(component.block, "component")
    who = f"{noun} {component.name} ({component.type})"
    if component.block in KEPT_IN_SQLITE:
        return f"{who} is kept in SQLite"
    if component.supported:
        return f"{who} is read as Dapr reads it"
    return f"{who} is not supported by localdapr: calls to it are refused"


def _breaker_notes(resiliencies: Sequence[Resiliency]) -> list[str]:
    names = [name for part in resiliencies for name in part.unused_breakers]
    return [f"the circuit breaker of component {name} never trips in localdapr" for name in names]


def _scope_notes(components: Sequence[Component]) -> list[str]:
    return [
        f"pub/sub {component.name}: {name} is not enforced by localdapr"
        for component in components
        for name in NOT_ENFORCED
        if component.block == "pubsub" and component.metadata.get(name)
    ]
