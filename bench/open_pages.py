"""Order pages that are open, as a browser has them: the page is fetched, its stream is read."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape

import aiohttp

OPEN_SECONDS = 120.0
_STREAM = re.compile(r'hx-sse:connect="([^"]+)"')
_SAID = re.compile(r"<strong>([^<]+)</strong>")
_LONGEST_LINE = 2**20


@dataclass
class OpenPage:
    """The page of one order. `seen`: when it first showed each status, in the page's words."""

    order_id: str
    path: str
    opened: float = float("inf")
    seen: dict[str, float] = field(default_factory=dict)
    bytes_read: int = 0

    def show(self, text: str) -> None:
        """A piece of the page arrives."""
        now = time.time()
        for words in _SAID.findall(text):
            self.seen.setdefault(words, now)

    def delays(self, events: Mapping[str, datetime]) -> list[float | None]:
        """Of each event, by its status, that came while the page was open; None: never shown."""
        came = {name: at.timestamp() for name, at in events.items() if at.timestamp() > self.opened}
        shown = {name: self.seen.get(in_words(name)) for name in came}
        return [None if at is None else at - came[name] for name, at in shown.items()]


def in_words(status: str) -> str:
    """As pages show it."""
    return status.replace("_", " ").capitalize()


class Viewers:
    """Keep the pages open, on an event loop in a thread of its own."""

    def __init__(self, url: str, pages: Sequence[OpenPage]) -> None:
        self._url = url
        self._pages = pages
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._left = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Open all. Raises TimeoutError when they are not open soon."""
        self._thread.start()
        for _ in self._pages:
            if not self._left.acquire(timeout=OPEN_SECONDS):
                raise TimeoutError("the pages did not open")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._view_all())

    async def _view_all(self) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_read=None)
        async with aiohttp.ClientSession(
            self._url,
            connector=aiohttp.TCPConnector(limit=0),
            timeout=timeout,
            read_bufsize=_LONGEST_LINE,
        ) as session:
            views = [asyncio.create_task(self._view(session, page)) for page in self._pages]
            await self._stop.wait()
            for view in views:
                view.cancel()
            await asyncio.gather(*views, return_exceptions=True)

    async def _view(self, session: aiohttp.ClientSession, page: OpenPage) -> None:
        async with session.get(page.path) as answer:
            answer.raise_for_status()
            text = await answer.text()
        page.show(text)
        stream = _STREAM.search(text)
        if stream is None:
            raise ValueError(f"{page.path} has no stream")
        path, last_id = unescape(stream[1]), ""
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                last_id = await self._read(session, page, path, last_id)
            await asyncio.sleep(0.5)  # as hx-sse does at first

    async def _read(
        self, session: aiohttp.ClientSession, page: OpenPage, path: str, last_id: str
    ) -> str:
        """Read the stream until it ends; the id of its last event."""
        headers = {"Accept": "text/html, text/event-stream", "HX-Request": "true"}
        headers |= {"Last-Event-ID": last_id} if last_id else {}
        async with session.get(path, headers=headers) as answer:
            answer.raise_for_status()
            if page.opened == float("inf"):
                page.opened = time.time()
                self._left.release()
            async for line in answer.content:
                page.bytes_read += len(line)
                if line.startswith(b"id:"):
                    last_id = line[3:].decode().strip()
                page.show(line.decode())
        return last_id
