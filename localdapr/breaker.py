"""Circuit breakers: an operation that only fails is refused at once for a while.

Pure: it is told what happened and when (seconds of any clock). States and counts are those of
gobreaker, which Dapr uses; as there, an answer of 400 or more counts as a failure.
"""

from collections import OrderedDict
from dataclasses import dataclass

from localdapr.routing import Condition, RuleError

COUNTS = (
    "requests",
    "totalSuccesses",
    "totalFailures",
    "consecutiveSuccesses",
    "consecutiveFailures",
)
DEFAULT_TRIP = "consecutiveFailures > 5"
REMEMBERED = 100  # endpoints per app


class BreakerOpenError(Exception):
    """The operation is refused without being tried; the text is Dapr's."""


@dataclass(frozen=True)
class Breaker:
    """A policy. Seconds; an `interval` of 0 never forgets while it is closed."""

    max_requests: int
    interval: float
    timeout: float
    trip: Condition


class Circuit:
    """The breaker of one endpoint."""

    def __init__(self, policy: Breaker) -> None:
        self._policy = policy
        self._period = 0
        self._enter("closed", 0.0)

    def begin(self, now: float) -> int:
        """Counts a request and gives what `end` asks for. Raises BreakerOpenError."""
        if self._ends and now >= self._ends:
            self._enter("half-open" if self._state == "open" else "closed", now)
        if self._state == "open":
            raise BreakerOpenError("circuit breaker is open")
        limit = self._policy.max_requests
        if self._state == "half-open" and self._counts["requests"] >= limit:
            raise BreakerOpenError("too many requests")
        self._counts["requests"] += 1
        return self._period

    def end(self, period: int, succeeded: bool, now: float) -> None:
        """What came of a request; one that began in an earlier period does not count."""
        if period != self._period:
            return
        self._count(succeeded)
        if self._state == "half-open" and not succeeded:
            self._enter("open", now)
        elif self._state == "half-open":
            if self._counts["consecutiveSuccesses"] >= self._policy.max_requests:
                self._enter("closed", now)
        elif not succeeded and self._trips():
            self._enter("open", now)

    def _count(self, succeeded: bool) -> None:
        done, undone = ("Successes", "Failures") if succeeded else ("Failures", "Successes")
        self._counts[f"total{done}"] += 1
        self._counts[f"consecutive{done}"] += 1
        self._counts[f"consecutive{undone}"] = 0

    def _trips(self) -> bool:
        try:
            return self._policy.trip.is_true(self._counts)
        except RuleError:
            return False

    def _enter(self, state: str, now: float) -> None:
        seconds = {"closed": self._policy.interval, "open": self._policy.timeout}.get(state, 0.0)
        self._state, self._counts = state, dict.fromkeys(COUNTS, 0)
        self._ends = now + seconds if seconds else 0.0
        self._period += 1


class Circuits:
    """The breakers of all endpoints that were called lately."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Circuit] = OrderedDict()

    def of(self, policy: Breaker, app_id: str, path: str) -> Circuit:
        key = (app_id, path)
        circuit = self._known.pop(key, None) or Circuit(policy)
        self._known[key] = circuit
        of_app = [known for known in self._known if known[0] == app_id]
        for old in of_app[:-REMEMBERED]:
            del self._known[old]
        return circuit
