"""Orders that are under way while something happens to the shop."""

import itertools
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from tests.fleet.customers import Customers
from tools.shop_client import SAMPLE_ORDER, Json
from tools.shop_engine import ShopError, until

PROGRESS_SECONDS = 120.0

_numbers = itertools.count(1)


def new_order() -> Json:
    """The sample order under an id of its own, for a customer who never came before."""
    number = next(_numbers)
    customer = {**SAMPLE_ORDER["customer"], "name": f"Customer {number}"}
    return {**SAMPLE_ORDER, "order_id": f"fleet-{number}", "customer": customer}


class InFlight:
    """Many orders at once, which are let be decided only after `decide`, or when the block ends."""

    def __init__(self, customers: Customers, count: int) -> None:
        self.orders = [new_order() for _ in range(count)]
        self._decide = threading.Event()
        self._cooked = threading.Semaphore(0)
        self._pool = ThreadPoolExecutor(count)
        self._runs = [
            self._pool.submit(customers.order, order, self._hold) for order in self.orders
        ]

    def __enter__(self) -> "InFlight":
        return self

    def __exit__(self, *_error: object) -> None:
        self._decide.set()
        self._pool.shutdown()

    def ended(self) -> int:
        """How many are at their end."""
        return sum(run.done() for run in self._runs)

    def wait_for_cooked(self, count: int) -> None:
        """Until so many orders wait for their decision; the rest are on their way to it."""
        for _ in range(count):
            if not self._cooked.acquire(timeout=PROGRESS_SECONDS):
                raise ShopError(f"not even {count} orders were cooked: {self._failed()}")

    def decide(self) -> None:
        """Have those that wait approved, and the others when they come to it."""
        self._decide.set()

    def ends(self) -> list[Json]:
        """The status of each at its end, waited for."""
        self._decide.set()
        return [run.result() for run in self._runs]

    def _hold(self) -> None:
        self._cooked.release()
        self._decide.wait()

    def _failed(self) -> list[BaseException | None]:
        return [run.exception() for run in self._runs if run.done()]


class SteadyLoad:
    """Clients of whom each gives one order after the other, for as long as the block lasts."""

    def __init__(self, customers: Customers, clients: int) -> None:
        self._customers = customers
        self._clients = clients
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self._runs: list[Future[list[tuple[Json, Json]]]] = []
        self._guard = threading.Lock()
        self._ended = 0

    def __enter__(self) -> "SteadyLoad":
        self._runs = [self._pool.submit(self._client) for _ in range(self._clients)]
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._pool.shutdown()

    def wait_for_more(self, count: int) -> None:
        """Until so many more orders have ended. Raises what went wrong with one."""
        wanted = self._ended + count
        for _ in until(PROGRESS_SECONDS, 0.1):
            for run in self._runs:
                if run.done():
                    run.result()
            if self._ended >= wanted:
                return
        raise ShopError(f"{self._ended} orders ended, not {wanted}: {self._customers.report()}")

    def orders_and_ends(self) -> list[tuple[Json, Json]]:
        """Each order with its status at its end, once the block is over."""
        return [pair for run in self._runs for pair in run.result()]

    def _client(self) -> list[tuple[Json, Json]]:
        done: list[tuple[Json, Json]] = []
        while not self._stop.is_set():
            order = new_order()
            done.append((order, self._customers.order(order)))
            with self._guard:
                self._ended += 1
        return done
