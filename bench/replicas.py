"""Orders per second on the real runtime against replicas of pizza-workflow, and what each costs.

    DAPR_BIN=FOLDER python -m bench.replicas

A shop of its own at time scale 0: an order takes only what the machine needs for it. The numbers
of replicas take turns, and every other round goes through them backwards, so that whatever else
the machine does, and the growth of Redis, falls on all alike. Nothing polls: what an order reached
is read from the topic.
"""

import argparse
import contextlib
import itertools
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from bench.order_events import STREAM, OrderEvents
from bench.processor_time import by_kind, seconds_of
from bench.redis_info import Redis, RedisInfo, bytes_by_kind, look
from bench.replica_report import show, show_bytes
from tools.dapr_runtime import status_of
from tools.dapr_shop import DaprShop, sidecar_of
from tools.shop_client import SAMPLE_ORDER, ShopAwayError, ShopClient
from tools.shop_engine import until

WORKFLOW = "pizza-workflow"
RUN = uuid.uuid4().hex[:8]
REMINDERS = "dapr_scheduler_jobs_created_total"
WARM_UP = 8
READY_SECONDS = 90.0
ORDER_SECONDS = 180.0
QUIET_SECONDS = 3.0  # until the last events were noted

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Usage:
    """What was used so far: seconds by process, Redis, events, and the scheduler's reminders."""

    processor: dict[str, float]
    redis: RedisInfo
    events: int
    reminders: int


@dataclass(frozen=True)
class Run:
    """One load on so many replicas."""

    replicas: int
    orders: int
    seconds: float
    latencies: list[float]
    before: Usage
    after: Usage

    @property
    def rate(self) -> float:
        return self.orders / self.seconds

    @property
    def processor(self) -> dict[str, float]:
        return by_kind(self.before.processor, self.after.processor)


class Bench:
    """A shop, the replicas of its workflow service, and what is said on its topic."""

    def __init__(self, shop: DaprShop, replicas: int) -> None:
        self.shop = shop
        self.names = [WORKFLOW, *(shop.add_replica(WORKFLOW) for _ in range(replicas - 1))]
        self.redis = Redis(shop.runtime_ports.redis)
        self.events = OrderEvents(shop.runtime_ports.redis)

    def close(self) -> None:
        self.events.close()
        self.redis.close()

    def run(self, replicas: int, clients: int, orders: int) -> Run:
        """The same load on the first so many replicas; the others are stopped."""
        self._set_replicas(replicas)
        self._load(replicas, WARM_UP, WARM_UP)
        time.sleep(QUIET_SECONDS)
        before, began = self.usage(), time.perf_counter()
        latencies = self._load(replicas, clients, orders)
        seconds = time.perf_counter() - began
        time.sleep(QUIET_SECONDS)
        return Run(replicas, orders, seconds, latencies, before, self.usage())

    def usage(self) -> Usage:
        parts = self.shop.parts
        pids = {name: parts.pid(name) for name in parts.running()}
        events = int(self.redis.ask("XLEN", STREAM))
        reminders = counted(self.shop.runtime_ports.scheduler_metrics, REMINDERS)
        return Usage(seconds_of(pids), look(self.redis), events, reminders)

    def _load(self, replicas: int, clients: int, orders: int) -> list[float]:
        """The seconds of each order; the clients take the replicas in turns."""
        doors = [
            ShopClient({WORKFLOW: self.shop.port_of(name).url}) for name in self.names[:replicas]
        ]
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(self._order, itertools.islice(itertools.cycle(doors), orders)))

    def _order(self, door: ShopClient) -> float:
        """From the start of an order until it is delivered and paid for."""
        order_id = f"bench-{RUN}-{next(_numbers)}"
        customer = {**SAMPLE_ORDER["customer"], "name": order_id}  # so that none comes again
        began = time.perf_counter()
        order = {**SAMPLE_ORDER, "order_id": order_id, "customer": customer}
        until_answered(lambda: door.start(order))
        self.events.wait_for(order_id, "waiting_for_validation", ORDER_SECONDS)
        until_answered(lambda: door.wait_for_place(order_id, "waiting_for_validation"))
        until_answered(lambda: door.approve(order_id))
        self.events.wait_for(order_id, "payment_captured", ORDER_SECONDS)
        return time.perf_counter() - began

    def _set_replicas(self, count: int) -> None:
        for name in self.names[count:]:
            self.shop.stop_parts(name, sidecar_of(name))
        for name in self.names[:count]:
            if name not in self.shop.parts.running():
                self.shop.start_parts(name, sidecar_of(name))
        for name in self.shop.members():
            if name in self.shop.parts.running():
                self._wait_until_ready(name)

    def _wait_until_ready(self, name: str) -> None:
        port = self.shop.port_of(name).app
        what = f"to be ready: {name}"
        self.shop.wait(lambda: status_of(port, "/readyz") == 200, what, READY_SECONDS)


def counted(port: int, name: str) -> int:
    """A counter of Prometheus, over all its labels."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in lines if line.startswith(name))


def until_answered(ask: Callable[[], object]) -> None:
    """Repeat what got a 503: the engine may keep a start waiting while a replica joins."""
    for _ in until(ORDER_SECONDS):
        with contextlib.suppress(ShopAwayError):
            ask()
            return
    raise TimeoutError("never answered")


def main() -> None:
    asked = arguments()
    runs: list[Run] = []
    with open_bench(max(asked.replicas)) as bench:
        for count in turns(asked.replicas, asked.rounds):
            runs.append(bench.run(count, asked.clients, asked.orders))
            cpu = 1000 * sum(runs[-1].processor.values()) / asked.orders
            print(f"{count} replicas: {runs[-1].rate:.1f} orders/s, {cpu:.0f} ms", flush=True)
        kept = bytes_by_kind(bench.redis)
    show(runs)
    show_bytes(kept, (asked.orders + WARM_UP) * len(runs))


@contextlib.contextmanager
def open_bench(replicas: int) -> Iterator[Bench]:
    """A shop of its own, for as long as the block lasts."""
    with (
        tempfile.TemporaryDirectory(prefix="pizza-replicas-") as folder,
        DaprShop(
            Path(folder), time_scale=0, PIZZA_MONITOR_SECONDS="0", PIZZA_STOCK="10000000"
        ) as shop,
        contextlib.closing(Bench(shop, replicas)) as bench,
    ):
        yield bench


def turns(replicas: Sequence[int], rounds: int) -> Iterator[int]:
    """Each round forwards, then backwards, ..."""
    for number in range(rounds):
        yield from replicas if number % 2 == 0 else reversed(replicas)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.replicas", description=__doc__)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--orders", type=int, default=150, help="orders of each run")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
