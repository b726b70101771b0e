"""Order pages that are open, as a browser has them: the page is fetched, its stream is read."""

import asyncio
import contextlib
import importlib
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape

import aiohttp

from tools.shop_engine import until
from tools.shop_ports import REPO

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
    last_id: str = ""
    retry_seconds: float = 0.5  # what hx-sse waits where the stream says nothing else

    def read(self, line: str) -> None:
        """A line of the stream arrives."""
        self.bytes_read += len(line)
        name, _, value = line.partition(":")
        if name == "id":
            self.last_id = value.strip()
        elif name == "retry":
            self.retry_seconds = int(value) / 1000
        elif name == "data":
            self.show(value)

    def show(self, text: str) -> None:
        """A piece of the page arrives."""
        now = time.time()
        for words in _SAID.findall(text):
            self.seen.setdefault(unescape(words), now)

    def delays(self, events: Mapping[str, datetime]) -> list[float | None]:
        """Of each event, by its status, that came while the page was open; None: never shown."""
        came = {name: at.timestamp() for name, at in events.items() if at.timestamp() > self.opened}
        phrase = phrases()
        shown = {name: self.seen.get(phrase(name)) for name in came}
        return [None if at is None else at - came[name] for name, at in shown.items()]


def phrases() -> Callable[[str], str]:
    """What the pages say for a status."""
    folder = str(REPO / "pizza-web")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    found: Callable[[str], str] = importlib.import_module("status_words").phrase
    return found


class Viewers:
    """Keep the pages open, on an event loop in a thread of its own."""

    def __init__(self, url: str, pages: Sequence[OpenPage]) -> None:
        self._url = url
        self._pages = pages
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._opened = threading.Semaphore(0)
        self._thread = ThreadPoolExecutor(1)
        self._work: Future[None] | None = None

    def start(self) -> None:
        """Open all. Raises what keeps one from opening, or TimeoutError."""
        self._work = self._thread.submit(self._run)
        left = len(self._pages)
        for _ in until(OPEN_SECONDS, 0):
            if self._work.done():
                self._work.result()
            left -= self._opened.acquire(timeout=0.5)
            if not left:
                return
        raise TimeoutError(f"{left} pages did not open")

    def stop(self) -> None:
        """Close all. Raises what a page failed by meanwhile."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.shutdown()
        if self._work is not None:
            self._work.result()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._view_all())

    async def _view_all(self) -> None:
        async with aiohttp.ClientSession(
            self._url,
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=_LONGEST_LINE,
        ) as session:
            stop = asyncio.create_task(self._stop.wait())
            views = [asyncio.create_task(self._view(session, page)) for page in self._pages]
            ended, _ = await asyncio.wait({stop, *views}, return_when=asyncio.FIRST_COMPLETED)
            for view in views:
                view.cancel()
            await asyncio.gather(*views, return_exceptions=True)
            for task in ended:
                task.result()  # a view ends only by an error

    async def _view(self, session: aiohttp.ClientSession, page: OpenPage) -> None:
        text = await self._first_view(session, page.path)
        page.show(text)
        stream = _STREAM.search(text)
        if stream is None:
            raise ValueError(f"{page.path} has no stream")
        while True:
            with contextlib.suppress(aiohttp.ClientError):  # then it is asked for again
                await self._read(session, page, unescape(stream[1]))
            await asyncio.sleep(page.retry_seconds)

    async def _first_view(self, session: aiohttp.ClientSession, path: str) -> str:
        """The page; one that says that it will ask again, as with 503, is asked for again."""
        while True:
            async with session.get(path) as answer:
                if "Refresh" not in answer.headers:
                    answer.raise_for_status()
                    return await answer.text()
            await asyncio.sleep(float(answer.headers["Refresh"]))

    async def _read(self, session: aiohttp.ClientSession, page: OpenPage, path: str) -> None:
        """Read the stream until it ends."""
        headers = {"Accept": "text/html, text/event-stream", "HX-Request": "true"}
        headers |= {"Last-Event-ID": page.last_id} if page.last_id else {}
        async with session.get(path, headers=headers) as answer:
            answer.raise_for_status()
            if page.opened == float("inf"):
                page.opened = time.time()
                self._opened.release()
            async for line in answer.content:
                page.read(line.decode())
