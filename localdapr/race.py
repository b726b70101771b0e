"""Waiting for whichever comes first, with nothing left running behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def race(
    step: Coroutine[Any, Any, Any], *against: Coroutine[Any, Any, Any], timeout: float | None = None
) -> bool:
    """Whether `step` ended before any of `against` and within `timeout` seconds.

    An error of `step` is raised. What has not ended is cancelled and waited for.
    """
    tasks = [asyncio.create_task(each) for each in (step, *against)]
    try:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
        return tasks[0].done()
    finally:
        await end_tasks(*tasks)


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and waits until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
