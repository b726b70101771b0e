"""How often one shared document can be changed on the real runtime: the stock is one, so are the
drivers. All changes of it go one after the other, each with its round trips to the state store.

    DAPR_BIN=FOLDER python -m bench.hot_documents

A writer is what one replica of a service is: a ledger with its own lock and its own sidecar.
Several writers meet by ETag, and the one that comes second reads and writes again.
"""

import argparse
import contextlib
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.redis_info import Redis
from pizza_common.errors import EtagMismatch
from pizza_common.ledger import Content, Ledger, Value
from pizza_common.settings import Settings
from pizza_common.sidecar import Sidecar
from tools.dapr_shop import DaprShop

INGREDIENTS = 16
AT_ONCE = 8  # threads of each writer
APP = "pizza-kitchen"
POLICIES = ("always", "everysec")  # when Redis writes to disk: before it answers, or each second

_numbers = itertools.count(1)


def main() -> None:
    asked = arguments()
    with open_shop(max(asked.writers)) as (shop, sidecars):
        for policy in POLICIES:
            with contextlib.closing(Redis(shop.runtime_ports.redis)) as redis:
                redis.ask("CONFIG", "SET", "appendfsync", policy)
            print(f"\nappendfsync {policy}")
            show_latency(sidecars[0], asked.seconds)
            show_ceilings(sidecars, asked)


def show_ceilings(sidecars: Sequence[Sidecar], asked: argparse.Namespace) -> None:
    """Changes a second by so many writers at once."""
    print("writers  changes/s  given up after ten tries")
    for count in asked.writers:
        runs = [contend(sidecars[:count], asked.seconds) for _ in range(asked.rounds)]
        rates, lost = zip(*runs, strict=True)
        print(f"{count:7}  {statistics.median(rates):9.0f}  {sum(lost)}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.hot_documents", description=__doc__)
    parser.add_argument("--writers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


@contextlib.contextmanager
def open_shop(count: int) -> Iterator[tuple[DaprShop, list[Sidecar]]]:
    """A shop that nobody uses, and that many sidecars of its kitchen."""
    with (
        tempfile.TemporaryDirectory(prefix="pizza-hot-") as folder,
        DaprShop(Path(folder), time_scale=0, PIZZA_MONITOR_SECONDS="0") as shop,
    ):
        names = [APP, *(shop.add_replica(APP) for _ in range(count - 1))]
        sidecars = [sidecar_at(shop, name) for name in names]
        yield shop, sidecars
        for sidecar in sidecars:
            sidecar.close()


def sidecar_at(shop: DaprShop, name: str) -> Sidecar:
    ports = shop.port_of(name)
    return Sidecar(Settings(dapr_http_port=ports.http, dapr_grpc_port=ports.grpc))


def show_latency(sidecar: Sidecar, seconds: float) -> None:
    """The medians of one read, of one write, and of both, one at a time."""
    value = first_content()
    key = f"bench-latency-{next(_numbers)}"
    sidecar.save_state(key, value)

    def write() -> None:
        sidecar.save_state(key, value, sidecar.get_state(key)[1])

    read = median_of(lambda: sidecar.get_state(key), seconds)
    both = median_of(write, seconds)
    print(f"one read {read * 1000:.2f} ms, a read and a write {both * 1000:.2f} ms")


def median_of(act: Callable[[], object], seconds: float) -> float:
    took = []
    deadline = time.perf_counter() + seconds
    while (began := time.perf_counter()) < deadline:
        act()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def contend(sidecars: Sequence[Sidecar], seconds: float) -> tuple[float, int]:
    """Changes a second of one document by all writers, and how many gave up."""
    key = f"bench-stock-{next(_numbers)}"
    ledgers = [Ledger(sidecar, key, first_content) for sidecar in sidecars]
    stop = threading.Event()
    threads = [ledger for ledger in ledgers for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(len(threads)) as pool:
        runs = [pool.submit(change_until, ledger, stop) for ledger in threads]
        stop.wait(seconds)
        stop.set()
    done, lost = zip(*(run.result() for run in runs), strict=True)
    return sum(done) / seconds, sum(lost)


def change_until(ledger: Ledger, stop: threading.Event) -> tuple[int, int]:
    """Change it for one new order after the other: how many times, and how many gave up."""
    done = lost = 0
    while not stop.is_set():
        try:
            ledger.change(f"bench-member-{next(_numbers)}", use_one)
            done += 1
        except EtagMismatch:
            lost += 1
    return done, lost


def first_content() -> Content:
    """As large as the stock."""
    level = {"available": 10_000_000, "reserved": 0, "used": 0, "bought": 10_000_000}
    return {f"ingredient-{number}": level for number in range(INGREDIENTS)}


def use_one(content: Content, _own: Value | None) -> tuple[Content, Value]:
    level = content["ingredient-0"]
    used = {**level, "available": level["available"] - 1, "used": level["used"] + 1}
    return {**content, "ingredient-0": used}, {"status": "reserved", "used": {}}


if __name__ == "__main__":
    main()
