"""What an operator does when a Dapr runtime that lost a process stands still: docs/dapr.md."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.system.shop import Shop
from tools.dapr_shop import DaprShop

STILL_SECONDS = 60.0


@contextmanager
def curing(shop: Shop, progress: Callable[[], object]) -> Iterator[None]:
    """Inside, pizza-workflow and its sidecar are started again when nothing gets on any more.

    daprd 1.18 may let a parent and its child wait for each other after a crash, for ever. On
    localdapr nothing is done.
    """
    with restarting_when_still(lambda: shop.kill("pizza-workflow"), progress, on=shop.process):
        yield


@contextmanager
def restarting_when_still(
    restart: Callable[[], None], progress: Callable[[], object], on: object
) -> Iterator[None]:
    """Calls `restart` whenever `progress` gave the same for a minute; what it raises is raised."""
    if not isinstance(on, DaprShop):
        yield
        return
    done = threading.Event()

    def watch() -> None:
        seen = progress()
        while not done.wait(STILL_SECONDS):
            last, seen = seen, progress()
            if seen == last:
                restart()

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            yield
        finally:
            done.set()
    watching.result()
