"""The delivery loop of one app: wakes when something is due, never polls.

The table is the truth: the courier only picks rows and settles them after the app answered, so
whatever dies in between is delivered again. At most IN_FLIGHT requests run at once.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from localdapr.deliveries import Due, next_due

if TYPE_CHECKING:
    from localdapr.store import Store

IN_FLIGHT = 16
READ_AHEAD = 128  # rows looked at in one pass: enough to fill a bulk request
DISK_PAUSE = 1.0  # seconds after the data file could not be used

log = logging.getLogger(__name__)

Handle = Callable[[Sequence[int]], Awaitable[None]]  # delivers these rows and settles them
Batch = Callable[[Due], int]  # how many rows like this one may go in one request


class Courier:
    """Runs from `start` to `stop`; may be started again."""

    def __init__(self, store: "Store", app_id: str, handle: Handle, batch: Batch) -> None:
        self._store = store
        self._app_id = app_id
        self._handle = handle
        self._batch = batch
        self._woken = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._requests: set[asyncio.Task[None]] = set()
        self._busy: set[int] = set()  # rows in a request now
        self._settled: set[int] = set()  # rows settled since the last read began

    def start(self) -> None:
        if self._loop is None:
            self._loop = asyncio.create_task(self._run(), name=f"courier-{self._app_id}")

    async def stop(self) -> None:
        """Break off; what was under way stays in the table. May be called twice."""
        tasks = [*self._requests, *([self._loop] if self._loop else [])]
        self._loop = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._busy.clear()

    def wake(self) -> None:
        """Something may be due."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                pause = await self._send_due()
            except sqlite3.Error as cause:
                log.warning("deliveries to %s wait, the data file fails: %s", self._app_id, cause)
                pause = DISK_PAUSE
            await self._sleep(pause)

    async def _send_due(self) -> float | None:
        """Begin what is due; answers seconds until the next row, None to wait for a wake."""
        self._settled.clear()
        limit = READ_AHEAD + len(self._busy)
        rows = await self._store.read(lambda connection: next_due(connection, self._app_id, limit))
        # A row that was settled during the read may still stand in what was read.
        taken = self._busy | self._settled
        waiting = [due for due in rows if due.row not in taken]
        now = time.time()
        for group in _grouped((due for due in waiting if due.due_at <= now), self._batch):
            if len(self._requests) >= IN_FLIGHT:
                return None
            self._begin([due.row for due in group])
        later = next((due.due_at for due in waiting if due.due_at > now), None)
        return None if later is None else later - now

    def _begin(self, rows: Sequence[int]) -> None:
        self._busy.update(rows)
        request = asyncio.create_task(self._attend(rows))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)

    async def _attend(self, rows: Sequence[int]) -> None:
        try:
            await self._handle(rows)
        except sqlite3.Error as cause:
            log.warning("%s will get an event twice, the data file fails: %s", self._app_id, cause)
            await asyncio.sleep(DISK_PAUSE)
        # The edge of the delivery loop: one bad event must not end the app's deliveries.
        except Exception:
            log.exception("delivery to %s went wrong inside localdapr; tried again", self._app_id)
            await asyncio.sleep(DISK_PAUSE)
        finally:
            self._busy.difference_update(rows)
            self._settled.update(rows)
            # Woken once this task is out of the set of requests, so that its place is free.
            asyncio.get_running_loop().call_soon(self._woken.set)

    async def _sleep(self, pause: float | None) -> None:
        try:
            async with asyncio.timeout(pause):
                await self._woken.wait()
        except TimeoutError:
            return


def _grouped(dues: Iterable[Due], batch: Batch) -> list[list[Due]]:
    """Single rows, and for bulk subscriptions lists of rows of one topic."""
    groups: list[list[Due]] = []
    open_groups: dict[tuple[str, str], list[Due]] = {}
    for due in dues:
        key = (due.pubsub, due.topic)
        group = open_groups.get(key)
        if group is not None and len(group) < batch(due):
            group.append(due)
            continue
        open_groups[key] = [due]
        groups.append(open_groups[key])
    return groups
