"""Subscriptions: who wants which topic, and to which path of the app an event goes.

Reads all three forms: v1alpha1 and v2alpha1 resources, and an app's answer to /dapr/subscribe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, model_validator

from localdapr.routing import Condition
from localdapr.yaml_file import Model, Text


@dataclass(frozen=True)
class Rule:
    """Events for which `condition` holds go to `path`; no condition is the default route."""

    path: str
    condition: Condition | None = None


@dataclass(frozen=True)
class Subscription:
    """One app's (or, unscoped, every app's) wish to get the events of a topic."""

    pubsub: str
    topic: str
    rules: tuple[Rule, ...]
    dead_letter_topic: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    bulk: int = 0  # at most so many events in one bulk request; 0: one event, not in bulk
    scopes: tuple[str, ...] = ()
    kind: str = "DECLARATIVE"

    @property
    def raw(self) -> bool:
        """The app wants the payload as it was published, without a CloudEvent around it."""
        return self.metadata.get("rawPayload", "").lower() == "true"

    def route(self, event: Mapping[str, Any]) -> str | None:
        """The path of the first rule that holds, None without one. Raises RuleError."""
        for rule in self.rules:
            if rule.condition is None or rule.condition.holds(event):
                return rule.path
        return None

    def as_metadata(self) -> dict[str, Any]:
        """As GET /v1.0/metadata shows it."""
        rules = [
            ({"match": rule.condition.text} if rule.condition else {}) | {"path": rule.path}
            for rule in self.rules
        ]
        shown: dict[str, Any] = {"pubsubname": self.pubsub, "topic": self.topic}
        shown |= {"metadata": dict(self.metadata)} if self.metadata else {}
        return shown | {
            "rules": rules,
            "deadLetterTopic": self.dead_letter_topic,
            "type": self.kind,
        }


AppPath = Annotated[str, AfterValidator(lambda path: path if path[:1] == "/" else f"/{path}")]
Match = Annotated[Condition | None, BeforeValidator(lambda rule: Condition(str(rule)))]


class RuleSpec(Model):
    """One of the rules of `routes`."""

    path: AppPath
    match: Match = None


class Routes(Model):
    """The routes of v2alpha1."""

    rules: tuple[RuleSpec, ...] = ()
    default: AppPath = ""


class BulkSubscribe(Model):
    """Whether and how many events go into one request."""

    enabled: bool = False
    max_messages_count: int = 100


class SubscriptionSpec(Model):
    """What all forms share."""

    pubsubname: str
    topic: str
    route: AppPath = ""
    routes: Routes = Routes()
    dead_letter_topic: str = ""
    metadata: dict[str, Text] = {}  # noqa: RUF012 - a model is frozen, its defaults are copied
    bulk_subscribe: BulkSubscribe = BulkSubscribe()

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "SubscriptionSpec":
        if not (self.routes.rules or self.routes.default or self.route):
            raise ValueError("a route, a default or a rule is needed")
        return self

    def subscription(self, kind: str, scopes: tuple[str, ...] = ()) -> Subscription:
        default = self.routes.default or self.route
        bulk = self.bulk_subscribe
        return Subscription(
            pubsub=self.pubsubname,
            topic=self.topic,
            rules=(
                *(Rule(rule.path, rule.match) for rule in self.routes.rules),
                *([Rule(default)] if default else []),
            ),
            dead_letter_topic=self.dead_letter_topic,
            metadata=self.metadata,
            bulk=max(bulk.max_messages_count, 1) if bulk.enabled else 0,
            scopes=scopes,
            kind=kind,
        )


class SubscriptionResource(Model):
    """A Subscription document of either version."""

    spec: SubscriptionSpec
    scopes: tuple[Text, ...] = ()
