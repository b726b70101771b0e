"""The tables of `bench.replicas`."""

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.redis_info import calls_between

if TYPE_CHECKING:
    from bench.replicas import Run

WORKFLOWS_PER_ORDER = 3  # the story, its cooking round, and the one pizza
# Said by a script that Redis runs for one call of a client, or part of the bench itself.
_NOT_COUNTED = {"info", "xread", "xlen", "ping", "hello", "client", "command"}


def show(runs: Sequence["Run"]) -> None:
    """Throughput, processor time, Redis."""
    counts = sorted({run.replicas for run in runs})
    of = {count: [run for run in runs if run.replicas == count] for count in counts}
    _show_rates(of)
    _show_processor(of)
    _show_redis(runs)


def _show_rates(of: dict[int, list["Run"]]) -> None:
    print("\nreplicas  orders/s (slowest, fastest)  workflows/s  p50 ms  p95 ms  CPU ms per order")
    for count, runs in of.items():
        rates = [run.rate for run in runs]
        seen = [seconds * 1000 for run in runs for seconds in run.latencies]
        rate, p95 = statistics.median(rates), statistics.quantiles(seen, n=20)[-1]
        cpu = statistics.median(1000 * sum(run.processor.values()) / run.orders for run in runs)
        print(
            f"{count:8}  {rate:8.1f} ({min(rates):.1f}, {max(rates):.1f})"
            f"  {rate * WORKFLOWS_PER_ORDER:11.1f}  {statistics.median(seen):6.0f}  {p95:6.0f}"
            f"  {cpu:16.0f}"
        )


def _show_processor(of: dict[int, list["Run"]]) -> None:
    print(f"\nCPU ms per order{'':19}" + "".join(f"{count:>9}" for count in of))
    kinds = sorted({kind for runs in of.values() for run in runs for kind in run.processor})
    for kind in kinds:
        cells = (
            statistics.median(1000 * run.processor.get(kind, 0) / run.orders for run in runs)
            for runs in of.values()
        )
        print(f"{kind:35}" + "".join(f"{cell:9.1f}" for cell in cells))


def _show_redis(runs: Sequence["Run"]) -> None:
    orders = sum(run.orders for run in runs)
    calls: Counter[str] = Counter()
    for run in runs:
        calls.update(calls_between(run.before.redis, run.after.redis))
    print("\nof Redis, for each order")
    for name, count in calls.most_common():
        if name not in _NOT_COUNTED:
            print(f"{name:35}{count / orders:9.1f}")
    reminders = [run.after.reminders - run.before.reminders for run in runs]
    _show_growth("reminders of the scheduler", reminders, orders)
    _show_growth("events", [run.after.events - run.before.events for run in runs], orders)
    _show_growth("keys", [run.after.redis.keys - run.before.redis.keys for run in runs], orders)
    for what in ("data_bytes", "file_bytes"):
        grown = [getattr(run.after.redis, what) - getattr(run.before.redis, what) for run in runs]
        _show_growth(what, grown, orders)


def show_bytes(kept: dict[str, int], orders: int) -> None:
    """What Redis keeps of an order, by whose it is."""
    print("\nbytes that are kept of each order")
    for kind, taken in sorted(kept.items(), key=lambda pair: -pair[1]):
        print(f"{kind:35}{taken / orders:9.0f}")


def _show_growth(what: str, grown: Sequence[int], orders: int) -> None:
    print(f"{what:35}{sum(grown) / orders:9.1f}")
