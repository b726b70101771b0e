"""Parts that several tests of localdapr share."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.localdapr.localdapr_process import Localdapr
from tests.unit.localdapr.running_dispatcher import Story, running


@pytest.fixture
def started() -> Iterator[list[Localdapr]]:
    """Processes to be ended with the test."""
    processes: list[Localdapr] = []
    yield processes
    for each in reversed(processes):
        each.process.terminate()
    for each in processes:
        each.wait()


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Story], None]:
    """Runs a story against a dispatcher on a new data folder."""

    async def run(story: Story) -> None:
        async with asyncio.timeout(30), running(tmp_path) as parts:
            await story(*parts)

    return lambda story: asyncio.run(run(story))
