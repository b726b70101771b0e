"""The armed timers: they ring once, when due, unless they were dropped."""

import asyncio

from localdapr.timer_queue import TimerQueue


def test_a_timer_that_was_dropped_neither_rings_nor_stays_in_memory() -> None:
    async def ring() -> tuple[list[int], int]:
        rung: list[int] = []
        timers = TimerQueue(lambda: 100, rung.extend)
        timers.add([(50, 1), (60, 2), (10**15, 3), (10**15, 4), (10**15, 5)])
        timers.drop([2, 4, 5])
        await asyncio.sleep(0.01)
        held = len(timers._heap)
        timers.close()
        return rung, held

    assert asyncio.run(ring()) == ([1], 1)
