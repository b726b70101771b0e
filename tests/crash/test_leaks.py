"""A host that was closed leaves nothing behind in its process."""

import asyncio
import os
import threading
from pathlib import Path

from localdapr.host import open_host
from localdapr.manifest import App
from localdapr.resources import Resources
from localdapr.run import Run

CYCLES = 50


async def open_and_close(folder: Path) -> None:
    async with open_host(folder, Run((App("hub", 25980, 25981),)), Resources()):
        pass


def counted() -> tuple[int, int]:
    """Open file descriptors and threads."""
    return len(os.listdir("/proc/self/fd")), threading.active_count()


def test_fifty_hosts_leak_no_files_and_no_threads(tmp_path: Path) -> None:
    async def cycle(times: int) -> tuple[int, int]:
        for _ in range(times):
            await open_and_close(tmp_path)
        return counted()

    async def both() -> tuple[tuple[int, int], tuple[int, int]]:
        return await cycle(2), await cycle(CYCLES)

    before, after = asyncio.run(both())
    assert all(now <= then for now, then in zip(after, before, strict=True)), (before, after)
