"""What an app writes: read until its end, cut into lines, handed to the console.

It holds at most one piece of an unfinished line, however long that line becomes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections import deque

from localdapr.console import Console

CHUNK = 65536  # bytes per read
LONGEST = 16384  # bytes of a line that are shown in one piece
TAIL = 20  # lines kept for an app that fails


class LineSplitter:
    """Cuts a byte stream into lines; one longer than LONGEST comes in several pieces."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._piece = re.compile(rb"[^\n]{0,%d}\n|[^\n]{%d}(?=[^\n])" % (longest, longest))
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete now."""
        self._rest += data
        pieces = self._piece.findall(self._rest)
        self._rest = self._rest[sum(map(len, pieces)) :]
        return [piece.rstrip(b"\r\n").decode("utf-8", "replace") for piece in pieces]

    def finish(self) -> list[str]:
        """The last line, when the stream ended without a line end."""
        return self.feed(b"\n") if self._rest else []


class AppOutput:
    """Reads `read_end`, which it owns, in a task of its own."""

    def __init__(self, app_id: str, read_end: int, console: Console) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL)
        self._app_id = app_id
        self._console = console
        self._task = asyncio.create_task(self._relay(read_end))

    async def close(self, timeout: float) -> None:
        """Waits for the rest, `timeout` seconds at most; may be called twice."""
        await asyncio.wait({self._task}, timeout=timeout)
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _relay(self, read_end: int) -> None:
        reader, splitter = asyncio.StreamReader(limit=CHUNK), LineSplitter()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
        )
        with contextlib.closing(transport):
            while chunk := await reader.read(CHUNK):
                await self._show(splitter.feed(chunk))
            await self._show(splitter.finish())

    async def _show(self, lines: list[str]) -> None:
        self.tail.extend(lines)
        if self._console.app_log:
            await self._console.app_lines(self._app_id, lines)
