"""The timers that are armed, earliest first, and the one alarm that rings for the next of them.

Owns no durable state: timers live in the store and are given here by id.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable

A_DAY = 86_400.0


class TimerQueue:
    """Calls `ring(ids)` on the event loop when timers come due. Times are microseconds, UTC."""

    def __init__(self, now: Callable[[], int], ring: Callable[[list[int]], None]) -> None:
        self._now = now
        self._ring = ring
        self._heap: list[tuple[int, int]] = []
        self._dropped: set[int] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0

    def add(self, timers: Iterable[tuple[int, int]]) -> None:
        """Arm timers, each a pair of due time and id."""
        for timer in timers:
            heapq.heappush(self._heap, timer)
        self._set_alarm()

    def drop(self, timer_ids: Iterable[int]) -> None:
        """Forget timers that nobody waits for any more; the memory follows once it is worth it."""
        self._dropped.update(timer_ids)
        if 2 * len(self._dropped) > len(self._heap):
            self._heap = [timer for timer in self._heap if timer[1] not in self._dropped]
            heapq.heapify(self._heap)
            self._dropped.clear()

    def close(self) -> None:
        """Ring no more."""
        self._heap.clear()
        if self._alarm is not None:
            self._alarm.cancel()

    def _set_alarm(self) -> None:
        if not self._heap or (self._alarm is not None and self._alarm_at <= self._heap[0][0]):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = self._heap[0][0]
        delay = max(0.0, (self._alarm_at - self._now()) / 1_000_000)
        # Cut at a day: timers mean the wall clock, which may be set while the loop's goes on.
        self._alarm = asyncio.get_running_loop().call_later(min(delay, A_DAY), self._due)

    def _due(self) -> None:
        self._alarm = None
        due, now = [], self._now()
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[1])
        self._set_alarm()
        if due:
            self._ring(due)
