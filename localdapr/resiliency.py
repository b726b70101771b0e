"""Resiliency policies: how long an operation may take, and whether and when it is tried again.

Pure: reads specs, answers delays; sleeps and counts nothing itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass

from localdapr.breaker import COUNTS, DEFAULT_TRIP, Breaker
from localdapr.routing import Condition
from localdapr.yaml_file import Model, Text

T = TypeVar("T")
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
FIRST_INTERVAL = 0.5  # seconds; with GROWTH, Dapr's own exponential schedule without its jitter
GROWTH = 1.5


def seconds(text: str) -> float:
    """A Go duration such as `1h30m`, `500ms`; a bare number is seconds. Raises ValueError."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    pieces = DURATION.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 5s or 1h30m")
    return sum(float(number) * UNITS[unit] for number, unit in pieces)


def _statuses(matching: Any) -> Any:
    """`{httpStatusCodes: 429,500-503}` as ranges."""
    if not isinstance(matching, Mapping):
        return matching
    ranges = []
    pieces = str(matching.get("httpStatusCodes") or "").split(",")
    for piece in filter(None, (piece.strip() for piece in pieces)):
        low, _, high = piece.partition("-")
        if not low.isdigit() or not (high or low).isdigit():
            raise ValueError(f"{piece!r} is no status or range")
        ranges.append(range(int(low), int(high or low) + 1))
    return tuple(ranges)


Duration = Annotated[float, BeforeValidator(lambda text: seconds(str(text)))]
Statuses = Annotated[
    tuple[range, ...], BeforeValidator(_statuses), Field(validation_alias="matching")
]
Trip = Annotated[Condition, BeforeValidator(lambda rule: Condition(str(rule), COUNTS))]
CAMEL = ConfigDict(alias_generator=to_camel, populate_by_name=True, arbitrary_types_allowed=True)


@pydantic_dataclass(frozen=True, config=CAMEL)
class Retry:
    """When to try again. Seconds; `max_retries` -1 is for ever; no `statuses` is every failure."""

    policy: Literal["constant", "exponential"] = "constant"
    duration: Duration = 5.0
    max_interval: Duration = 60.0
    max_retries: int = -1
    statuses: Statuses = ()

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
    breaker: Breaker | None = None


NO_POLICY = Policy()


@dataclass(frozen=True)
class Resiliency:
    """One Resiliency resource, its names resolved. Components are keyed by (name, direction)."""

    scopes: tuple[str, ...] = ()
    apps: Mapping[str, Policy] = field(default_factory=dict)
    components: Mapping[tuple[str, str], Policy] = field(default_factory=dict)
    defaults: Mapping[str, Policy] = field(default_factory=dict)
    unused_breakers: tuple[str, ...] = ()  # those of components, which never trip here

    def for_app(self, app_id: str) -> Policy:
        return self.apps.get(app_id) or self._default("App", "")

    def for_inbound(self, component: str) -> Policy:
        """The policy of deliveries from a pub/sub component to an app."""
        found = self.components.get((component, "inbound"))
        default = self._default("PubsubComponentInbound", "ComponentInbound", "")
        return found or default

    def _default(self, *targets: str) -> Policy:
        return next((self.defaults[name] for name in targets if name in self.defaults), NO_POLICY)


class BreakerSpec(Model):
    """One of the `circuitBreakers`."""

    max_requests: int = 1
    interval: Duration = 0.0
    timeout: Duration = 60.0
    trip: Trip = Condition(DEFAULT_TRIP, COUNTS)

    def breaker(self) -> Breaker:
        return Breaker(self.max_requests or 1, self.interval, self.timeout or 60.0, self.trip)


class Target(Model):
    """The names of the policies for one target."""

    retry: str = ""
    timeout: str = ""
    circuit_breaker: str = ""


class Policies(Model):
    """Policies by name."""

    retries: dict[str, Retry] = Field(default_factory=dict)
    timeouts: dict[str, Duration] = Field(default_factory=dict)
    circuit_breakers: dict[str, BreakerSpec] = Field(default_factory=dict)

    def policy(self, target: Target) -> Policy:
        """Raises ValueError for a name that is not there."""
        breaker = _find(self.circuit_breakers, target.circuit_breaker)
        return Policy(
            _find(self.retries, target.retry),
            _find(self.timeouts, target.timeout),
            breaker.breaker() if breaker else None,
        )

    def defaults(self) -> dict[str, Policy]:
        """Policies with Dapr's reserved names, `Default<Target>RetryPolicy` and so on."""
        found = {}
        for target in ("", "App", "ComponentInbound", "PubsubComponentInbound"):
            retry = self.retries.get(f"Default{target}RetryPolicy")
            timeout = self.timeouts.get(f"Default{target}TimeoutPolicy")
            if retry or timeout is not None:
                found[target] = Policy(retry, timeout)
        return found


class Targets(Model):
    """Who gets which policies; components by direction, `inbound` or `outbound`."""

    apps: dict[str, Target] = Field(default_factory=dict)
    components: dict[str, dict[Literal["inbound", "outbound"], Target]] = Field(
        default_factory=dict
    )


class ResiliencySpec(Model):
    """The two halves of a resource."""

    policies: Policies = Policies()
    targets: Targets = Targets()

    @model_validator(mode="after")
    def _names_are_known(self) -> "ResiliencySpec":
        self.resiliency()
        return self

    def resiliency(self, scopes: tuple[str, ...] = ()) -> Resiliency:
        policies, targets = self.policies, self.targets
        components: dict[tuple[str, str], Policy] = {
            (name, direction): policies.policy(target)
            for name, directions in targets.components.items()
            for direction, target in directions.items()
        }
        return Resiliency(
            scopes=scopes,
            apps={name: policies.policy(target) for name, target in targets.apps.items()},
            components=components,
            defaults=policies.defaults(),
            unused_breakers=tuple(name for (name, _), part in components.items() if part.breaker),
        )


class ResiliencyResource(Model):
    """A Resiliency document."""

    spec: ResiliencySpec = ResiliencySpec()
    scopes: tuple[Text, ...] = ()


def _find(known: Mapping[str, T], name: str) -> T | None:
    if name and name not in known:
        raise ValueError(f"there is no policy named {name!r}")
    return known.get(name)
