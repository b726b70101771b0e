"""The numbers of one service, as Prometheus reads them at /metrics.

They are kept in memory and counted by each replica for itself. Labels are of few values; never an
order's id. Without prometheus-client (the extra `metrics`) nothing is counted.
"""

from collections.abc import Callable
from typing import Protocol, Self

from pizza_common.errors import NotFound

try:
    import prometheus_client
except ModuleNotFoundError:
    prometheus_client = None  # type: ignore[assignment]

PAGE_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# A probe takes milliseconds, a step of the shop up to the seconds of its stages.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)


class Counter(Protocol):
    """`labels` gives the one with these label values."""

    def labels(self, *values: str) -> Self: ...

    def inc(self) -> None: ...


class Seconds(Protocol):
    """A histogram; `labels` gives the one with these label values."""

    def labels(self, *values: str) -> Self: ...

    def observe(self, amount: float) -> None: ...


class Metrics:
    """The counters and histograms of one app; each name is taken once."""

    def __init__(self) -> None:
        self._registry = prometheus_client.CollectorRegistry() if prometheus_client else None
        if prometheus_client:  # a second series for each counter is of no use here
            prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

    def counter(self, name: str, what: str, *labels: str) -> Counter:
        """Something that happened, counted since the process began; `name` ends in `_total`."""
        if self._registry is None:
            return _NotCounted()
        return prometheus_client.Counter(name, what, labels, registry=self._registry)

    def seconds(self, name: str, what: str, *labels: str) -> Seconds:
        """A histogram of durations; `name` ends in `_seconds`."""
        if self._registry is None:
            return _NotCounted()
        return prometheus_client.Histogram(
            name, what, labels, registry=self._registry, buckets=_SECONDS
        )

    def gauge(self, name: str, what: str, read: Callable[[], float]) -> None:
        """What is at the moment; `read` is called for each page."""
        if self._registry is not None:
            gauge = prometheus_client.Gauge(name, what, registry=self._registry)
            gauge.set_function(read)

    def page(self) -> bytes:
        """All numbers, in Prometheus' text format. Raises NotFound."""
        if self._registry is None:
            raise NotFound("There are no metrics: pip install '.[metrics]'")
        return prometheus_client.generate_latest(self._registry)


class _NotCounted:
    def labels(self, *_values: str) -> Self:
        return self

    def inc(self) -> None:
        pass

    def observe(self, amount: float) -> None:
        pass
