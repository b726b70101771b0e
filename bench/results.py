"""What a run has measured, and the few numbers that speak for it.

A cell (shape and clients) is measured in each round on each engine. Throughput is the median of
the rounds; a latency percentile is taken over all workflows of all rounds.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.load import Sample

CellKey = tuple[str, int]  # shape, clients


@dataclass(frozen=True)
class Round:
    """One measurement of one cell on one engine. `processor`: seconds used, by part."""

    sample: Sample
    processor: Mapping[str, float]

    @property
    def throughput(self) -> float:
        """Workflows per second."""
        return len(self.sample.latencies) / self.sample.elapsed

    def cost(self, part: str) -> float:
        """Milliseconds of processor for each workflow."""
        return self.processor[part] * 1000 / max(1, len(self.sample.latencies))


class Measured:
    """All rounds of one cell on one engine."""

    def __init__(self, rounds: Sequence[Round]) -> None:
        self._rounds = rounds
        self._latencies = sorted(ms for round_ in rounds for ms in round_.sample.latencies)

    @property
    def throughput(self) -> float:
        return median(round_.throughput for round_ in self._rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """The slowest and the fastest round."""
        speeds = [round_.throughput for round_ in self._rounds]
        return min(speeds), max(speeds)

    @property
    def failures(self) -> list[str]:
        return [failure for round_ in self._rounds for failure in round_.sample.failures]

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        return percentile(self._latencies, share)

    def cost(self, part: str) -> float:
        return median(round_.cost(part) for round_ in self._rounds)


@dataclass
class Results:
    """Everything of one run. `calls` and `deliveries` are milliseconds, by name of the way."""

    rounds: dict[CellKey, dict[str, list[Round]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    calls: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    deliveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, cell: CellKey, engine: str, round_: Round) -> None:
        self.rounds[cell][engine].append(round_)

    def measured(self, cell: CellKey) -> dict[str, Measured]:
        """By engine."""
        return {name: Measured(rounds) for name, rounds in self.rounds[cell].items()}


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of numbers in ascending order; NaN when there are none."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
