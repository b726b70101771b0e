"""How long the steps take, how often they are tried again, and what is undone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pizza_common.metrics import Metrics
from steps import NonRetryableError, Step
from undo_activities import UNDOS

DONE, REFUSED, FAILED = "done", "refused", "failed"


class StepMeter:
    """Measures the runs of steps; a replay of the workflow is no run."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.seconds(
            "pizza_step_seconds",
            "Runs of steps, and their durations, by outcome: done; failed, so that the workflow "
            "tries again while its patience lasts; refused, which is final. "
            "A run that a crash repeats is counted again, one that it cut off is not.",
            "step",
            "outcome",
        )
        self._retries = metrics.counter(
            "pizza_step_retries_total",
            "Runs of steps that failed in a way that the workflow tries again; the last one of a "
            "step that gives up is among them.",
            "step",
        )
        self._compensations = metrics.counter(
            "pizza_compensations_total",
            "Undos of steps that were done, also of steps that had not come to do anything; one "
            "that a crash repeats is counted again.",
            "step",
        )

        for undo in UNDOS:
            self._compensations.labels(undo.__name__)

    def expect(self, step: Step) -> None:
        """Begin at zero: Prometheus sees no increase where there was no number."""
        self._retries.labels(step.__name__)

    @contextmanager
    def run(self, step: Step) -> Iterator[None]:
        """Measure the block as one run of a step."""
        began, outcome = time.perf_counter(), FAILED
        try:
            yield
            outcome = DONE
        except NonRetryableError:
            outcome = REFUSED
            raise
        finally:
            self._seconds.labels(step.__name__, outcome).observe(time.perf_counter() - began)
            self._count(step, outcome)

    def _count(self, step: Step, outcome: str) -> None:
        if outcome == FAILED:
            self._retries.labels(step.__name__).inc()
        if outcome == DONE and step in UNDOS:
            self._compensations.labels(step.__name__).inc()
