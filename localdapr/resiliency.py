"""Resiliency policies: how often and after which pause an operation is tried again.

Pure: reads specs, answers delays; sleeps and counts nothing itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import BeforeValidator

from localdapr.spec import Spec

T = TypeVar("T")
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
FIRST_INTERVAL = 0.5  # seconds; with GROWTH, Dapr's own exponential schedule without its jitter
GROWTH = 1.5


@dataclass(frozen=True)
class Retry:
    """When to try again. Seconds; `max_retries` -1 is for ever; no `statuses` is every failure."""

    policy: str = "constant"
    duration: float = 5.0
    max_interval: float = 60.0
    max_retries: int = -1
    statuses: tuple[range, ...] = ()

    def delay(self, failures: int) -> float | None:
        """Seconds to wait after the nth failure (from 1); None when it was the last try."""
        if 0 <= self.max_retries < failures:
            return None
        if self.policy == "constant":
            return self.duration
        return min(FIRST_INTERVAL * GROWTH ** min(failures - 1, 50), self.max_interval)

    def covers(self, status: int) -> bool:
        """Whether an answer with this HTTP status is one to try again."""
        if 200 <= status < 400:
            return False
        return not self.statuses or any(status in codes for codes in self.statuses)


@dataclass(frozen=True)
class Policy:
    """What applies to one target; `timeout` in seconds."""

    retry: Retry | None = None
    timeout: float | None = None


NO_POLICY = Policy()


@dataclass(frozen=True)
class Resiliency:
    """One Resiliency resource, its names resolved. Components are keyed by (name, direction)."""

    scopes: tuple[str, ...] = ()
    apps: Mapping[str, Policy] = field(default_factory=dict)
    components: Mapping[tuple[str, str], Policy] = field(default_factory=dict)
    defaults: Mapping[str, Policy] = field(default_factory=dict)
    circuit_breakers: tuple[str, ...] = ()

    def for_app(self, app_id: str) -> Policy:
        return self.apps.get(app_id) or self._default("App", "")

    def for_inbound(self, component: str) -> Policy:
        """The policy of deliveries from a pub/sub component to an app."""
        found = self.components.get((component, "inbound"))
        default = self._default("PubsubComponentInbound", "ComponentInbound", "")
        return found or default

    def _default(self, *targets: str) -> Policy:
        return next((self.defaults[name] for name in targets if name in self.defaults), NO_POLICY)


def read_resiliency(document: Spec) -> Resiliency:
    """Read a Resiliency resource. Raises ValueError for unknown names and bad durations."""
    spec = document.part("spec")
    policies, targets = spec.part("policies"), spec.part("targets")
    retries = {name: _retry(part) for name, part in policies.named_parts("retries").items()}
    timeouts = {
        name: seconds(text, policies.at(f"timeouts.{name}"))
        for name, text in policies.table("timeouts").items()
    }
    breakers = policies.named_parts("circuitBreakers")

    def resolve(target: Spec) -> Policy:
        if breaker := target.text("circuitBreaker", ""):
            _find(breakers, breaker, target.at("circuitBreaker"))
        return Policy(
            _find(retries, target.text("retry", ""), target.at("retry")),
            _find(timeouts, target.text("timeout", ""), target.at("timeout")),
        )

    return Resiliency(
        scopes=document.texts("scopes"),
        apps={name: resolve(part) for name, part in targets.named_parts("apps").items()},
        components={
            (name, direction): resolve(part.part(direction))
            for name, part in targets.named_parts("components").items()
            for direction in ("inbound", "outbound")
            if direction in part.fields
        },
        defaults=_defaults(retries, timeouts),
        circuit_breakers=tuple(breakers),
    )


def seconds(text: str, where: str = "duration") -> float:
    """A Go duration such as `1h30m`, `500ms`; a bare number is seconds. Raises ValueError."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    pieces = DURATION.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        raise ValueError(f"{where}: {text!r} is not a duration such as 500ms, 5s or 1h30m")
    return sum(float(number) * UNITS[unit] for number, unit in pieces)


Duration = Annotated[float, BeforeValidator(lambda text: seconds(str(text)))]


def _retry(spec: Spec) -> Retry:
    policy = spec.text("policy", "constant")
    if policy not in ("constant", "exponential"):
        raise ValueError(f"{spec.at('policy')} must be constant or exponential, not {policy!r}")
    return Retry(
        policy=policy,
        duration=seconds(spec.text("duration", "5s"), spec.at("duration")),
        max_interval=seconds(spec.text("maxInterval", "60s"), spec.at("maxInterval")),
        max_retries=spec.integer("maxRetries", -1),
        statuses=_statuses(spec.part("matching")),
    )


def _statuses(matching: Spec) -> tuple[range, ...]:
    """`429,500-503` as ranges."""
    text = matching.text("httpStatusCodes", "")
    ranges = []
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        low, _, high = piece.partition("-")
        if not low.isdigit() or not (high or low).isdigit():
            raise ValueError(f"{matching.at('httpStatusCodes')}: {piece!r} is no status or range")
        ranges.append(range(int(low), int(high or low) + 1))
    return tuple(ranges)


def _find(known: Mapping[str, T], name: str, where: str) -> T | None:
    if name and name not in known:
        raise ValueError(f"{where}: there is no policy named {name!r}")
    return known.get(name)


def _defaults(retries: Mapping[str, Retry], timeouts: Mapping[str, float]) -> dict[str, Policy]:
    """Policies with Dapr's reserved names, `Default<Target>RetryPolicy` and so on."""
    targets = ("", "App", "ComponentInbound", "PubsubComponentInbound")
    found = {
        target: Policy(
            retries.get(f"Default{target}RetryPolicy"),
            timeouts.get(f"Default{target}TimeoutPolicy"),
        )
        for target in targets
    }
    return {target: policy for target, policy in found.items() if policy != NO_POLICY}
