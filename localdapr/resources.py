"""The resources folders and the configuration file, read once at start and never changed.

A file that cannot be used stops the start with a ManifestError that begins with its path;
a resource that localdapr does not act on is noted in `summary()`, never skipped in silence.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from localdapr.components import KEPT_IN_SQLITE, Component, read_component
from localdapr.errors import ManifestError
from localdapr.resiliency import NO_POLICY, Policy, Resiliency, read_resiliency
from localdapr.retention import FOR_EVER, Retention, read_retention
from localdapr.secret_stores import read_secrets
from localdapr.spec import Spec
from localdapr.subscriptions import Subscription, read_declared

NOUNS = {"state": "state store", "pubsub": "pub/sub", "secretstores": "secret store"}
KINDS: dict[str, Callable[[Spec], Any]] = {
    "Component": read_component,
    "Subscription": read_declared,
    "Resiliency": read_resiliency,
}


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
        return tuple(part for part in self.components if part.visible_to(app_id))

    def find(self, block: str, name: str, app_id: str) -> Component | None:
        """The component of a building block (`state`, `pubsub`) that this app may use."""
        visible = self.components_of(app_id)
        return next((part for part in visible if (part.block, part.name) == (block, name)), None)

    def declared_for(self, app_id: str) -> tuple[Subscription, ...]:
        return tuple(wish for wish in self.subscriptions if wish.wanted_by(app_id))

    def invocation_policy(self, caller: str, target: str) -> Policy:
        return self._first(caller, lambda resiliency: resiliency.for_app(target))

    def delivery_policy(self, app_id: str, pubsub: str) -> Policy:
        return self._first(app_id, lambda resiliency: resiliency.for_inbound(pubsub))

    def summary(self) -> list[str]:
        """One line for each thing the user should know at start."""
        return [*(_describe(component) for component in self.components), *self.notes]

    def _first(self, app_id: str, choose: Callable[[Resiliency], Policy]) -> Policy:
        chosen = (
            choose(part) for part in self.resiliencies if not part.scopes or app_id in part.scopes
        )
        return next((policy for policy in chosen if policy != NO_POLICY), NO_POLICY)


def load_resources(paths: Sequence[Path], config_path: Path | None) -> Resources:
    """Read every YAML file of the folders. Raises ManifestError("path: what is wrong")."""
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    notes: list[str] = []
    for path in (path for folder in paths for path in _files(folder)):
        for document in _documents(path):
            kind, resource = _at(path, _read, document)
            if kind in found:
                found[kind].append(resource)
            else:
                notes.append(f"{path}: {kind} is not used by localdapr")
    components = _resolved(found["Component"])
    _refuse_doubles(components)
    return Resources(
        components=components,
        subscriptions=tuple(found["Subscription"]),
        resiliencies=tuple(found["Resiliency"]),
        configuration=_configuration(config_path),
        notes=(*notes, *_breaker_notes(found["Resiliency"]), *_scope_notes(components)),
    )


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise ManifestError(f"{folder}: there is no such resources folder")
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))


def _documents(path: Path) -> Iterator[Any]:
    try:
        text = path.read_text(encoding="utf-8")
        yield from (document for document in yaml.safe_load_all(text) if document is not None)
    except (OSError, UnicodeDecodeError) as cause:
        raise ManifestError(f"{path}: cannot be read: {cause}") from cause
    except yaml.YAMLError as cause:
        raise ManifestError(f"{path}: is not YAML: {' '.join(str(cause).split())}") from cause


def _at(path: Path, read: Callable[[Any], Any], document: Any) -> Any:
    try:
        return read(document)
    except ValueError as cause:
        raise ManifestError(f"{path}: {cause}") from cause


def _read(document: Any) -> tuple[str, Any]:
    spec = Spec(document)
    kind = spec.text("kind")
    return kind, KINDS[kind](spec) if kind in KINDS else None


def _configuration(path: Path | None) -> Configuration:
    if path is None:
        return Configuration()
    for document in _documents(path):
        return Configuration(
            _at(path, _sampling_rate, document), _at(path, read_retention, Spec(document))
        )
    return Configuration()


def _sampling_rate(document: Any) -> float:
    text = Spec(document).part("spec").part("tracing").text("samplingRate", "0") or "0"
    try:
        rate = float(text)
    except ValueError:
        raise ValueError(f"spec.tracing.samplingRate: {text!r} is not a number") from None
    if not 0 <= rate <= 1:
        raise ValueError(f"spec.tracing.samplingRate: {text} is not between 0 and 1")
    return rate


def _resolved(components: Sequence[Component]) -> tuple[Component, ...]:
    """The components with their secret references filled in."""
    stores = {part.name: part for part in components if part.block == "secretstores"}
    return tuple(_with_secrets(component, stores) for component in components)


def _with_secrets(component: Component, stores: dict[str, Component]) -> Component:
    metadata = dict(component.metadata)
    for reference in component.references:
        if reference.store and reference.store not in stores:
            raise ManifestError(f"component {component.name}: no secret store {reference.store}")
        store = stores.get(reference.store, Component("", "secretstores.local.env"))
        try:
            values = read_secrets(store).get(reference.secret, {})
        except (OSError, ValueError) as cause:
            raise ManifestError(f"component {component.name}: {cause}") from cause
        metadata[reference.field] = values.get(reference.key or reference.secret, "")
    return replace(component, metadata=metadata)


def _refuse_doubles(components: Sequence[Component]) -> None:
    for index, one in enumerate(components):
        for other in components[:index]:
            shared = not one.scopes or not other.scopes or set(one.scopes) & set(other.scopes)
            if one.name == other.name and shared:
                raise ManifestError(f"component {one.name}: is declared twice for the same app")


def _describe(component: Component) -> str:
    noun = NOUNS.get(component.block, "component")
    who = f"{noun} {component.name} ({component.type})"
    if component.block in KEPT_IN_SQLITE:
        return f"{who} is kept in SQLite"
    if component.supported:
        return f"{who} is read as Dapr reads it"
    return f"{who} is not supported by localdapr: calls to it are refused"


def _breaker_notes(resiliencies: Sequence[Resiliency]) -> list[str]:
    names = [name for part in resiliencies for name in part.circuit_breakers]
    return [f"circuit breaker {name} is read but never trips in localdapr" for name in names]


def _scope_notes(components: Sequence[Component]) -> list[str]:
    topics = ("publishingscopes", "subscriptionscopes", "allowedtopics", "protectedtopics")
    return [
        f"pub/sub {component.name}: {name} is not enforced by localdapr"
        for component in components
        for name in topics
        if component.block == "pubsub" and component.metadata.get(name)
    ]
