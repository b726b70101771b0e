"""Subscriptions: who wants which topic, and to which path of the app an event goes.

Reads all three forms: v1alpha1 and v2alpha1 resources, and an app's answer to /dapr/subscribe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localdapr.routing import Condition
from localdapr.spec import Spec


@dataclass(frozen=True)
class Rule:
    """Events for which `condition` holds go to `path`; no condition is the default route."""

    path: str
    condition: Condition | None = None


@dataclass(frozen=True)
class Bulk:
    """Several events in one request, at most `max_messages`."""

    max_messages: int = 100


@dataclass(frozen=True)
class Subscription:
    """One app's (or, unscoped, every app's) wish to get the events of a topic."""

    pubsub: str
    topic: str
    rules: tuple[Rule, ...]
    dead_letter_topic: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    bulk: Bulk | None = None
    scopes: tuple[str, ...] = ()
    kind: str = "DECLARATIVE"

    @property
    def raw(self) -> bool:
        """The app wants the payload as it was published, without a CloudEvent around it."""
        return self.metadata.get("rawPayload", "").lower() == "true"

    def wanted_by(self, app_id: str) -> bool:
        return not self.scopes or app_id in self.scopes

    def route(self, event: Mapping[str, Any]) -> str | None:
        """The path of the first rule that holds, None without one. Raises RuleError."""
        for rule in self.rules:
            if rule.condition is None or rule.condition.holds(event):
                return rule.path
        return None

    def as_metadata(self) -> dict[str, Any]:
        """As GET /v1.0/metadata shows it."""
        rules = [
            {"match": rule.condition.text, "path": rule.path}
            if rule.condition
            else {"path": rule.path}
            for rule in self.rules
        ]
        shown: dict[str, Any] = {"pubsubname": self.pubsub, "topic": self.topic}
        if self.metadata:
            shown["metadata"] = dict(self.metadata)
        return shown | {
            "rules": rules,
            "deadLetterTopic": self.dead_letter_topic,
            "type": self.kind,
        }


def read_declared(document: Spec) -> Subscription:
    """Read a Subscription resource of either version. Raises ValueError."""
    return read_subscription(document.part("spec"), document.texts("scopes"), "DECLARATIVE")


def read_subscription(
    spec: Spec, scopes: tuple[str, ...] = (), kind: str = "PROGRAMMATIC"
) -> Subscription:
    """Read the fields that all forms share. Raises ValueError for missing fields and bad rules."""
    bulk = spec.part("bulkSubscribe")
    return Subscription(
        pubsub=spec.text("pubsubname"),
        topic=spec.text("topic"),
        rules=_rules(spec),
        dead_letter_topic=spec.text("deadLetterTopic", ""),
        metadata=spec.table("metadata"),
        bulk=Bulk(bulk.integer("maxMessagesCount", 100)) if bulk.flag("enabled") else None,
        scopes=scopes,
        kind=kind,
    )


def _rules(spec: Spec) -> tuple[Rule, ...]:
    routes = spec.part("routes")
    rules = [_rule(entry) for entry in routes.parts("rules")]
    default = routes.text("default", "") or spec.text("route", "")
    if default:
        rules.append(Rule(_rooted(default)))
    if not rules:
        raise ValueError(f"{spec.at('routes')}: a route, a default or a rule is needed")
    return tuple(rules)


def _rule(entry: Spec) -> Rule:
    match = entry.text("match", "")
    return Rule(_rooted(entry.text("path")), Condition(match) if match else None)


def _rooted(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"
