"""A live region: one fragment of HTML for all the streams that show it.

It is rendered when something changed, by one of the streams that wait for it, and once for all.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from pizza_common.errors import Unavailable

SETTLE_SECONDS = 0.05
"""Events of the same moment make one fragment; the services that keep them write meanwhile."""

PAUSE_SECONDS = 0.1
"""Between two fragments of a region, however often it changes, unless it has a pause of its own."""

REST = 4.0
"""So many times as long as a rendering took, the next one waits: what takes long is seldom done."""

LATER_SECONDS = 1.0
"""After the last change it is looked at once more: who keeps what changed may have been late."""

RETRY_SECONDS = 2.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Fragment:
    """What a region shows; `id` is the same for the same text."""

    text: str
    id: str
    version: int

    @classmethod
    def of(cls, text: str, version: int) -> "Fragment":
        return cls(text, hashlib.sha256(text.encode()).hexdigest()[:16], version)


Render = Callable[[], str]


class Region:
    """May be used from any thread; `every` seconds it is rendered without a change, too."""

    def __init__(self, every: float | None = None, pause: float | None = None) -> None:
        self._turn = threading.Condition()
        self._every = every
        self._pause = PAUSE_SECONDS if pause is None else pause
        self._wanted = 1
        self._due = 0.0
        self._later: float | None = None
        self._rendering = False
        self._stopped = False
        self._fragment: Fragment | None = None
        self.streams = 0
        self.failing = False
        """Whether what it shows may be old, because it could not be rendered the last time."""

    def wake(self) -> None:
        """Something changed."""
        now = time.monotonic()
        with self._turn:
            self._want(now + SETTLE_SECONDS)
            self._later = now + LATER_SECONDS
            self._turn.notify()

    def stop(self) -> None:
        """End the waiting of all."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()

    @property
    def stopped(self) -> bool:
        return self._stopped

    def after(self, version: int, render: Render, seconds: float) -> Fragment | None:
        """The first fragment that is newer; None when there is none after so many seconds.

        The caller may be the one that has to render it. Raises what `render` raises, except
        Unavailable: then it is tried again.
        """
        deadline = time.monotonic() + seconds
        with self._turn:
            while True:
                now = time.monotonic()
                self._look_again(now)
                if self._stopped or now >= deadline:
                    self._turn.notify()  # another one sees to what is due
                    return None
                if self._fragment is not None and self._fragment.version > version:
                    return self._fragment
                if self._is_mine(now):
                    break
                self._turn.wait(self._next_look(now, deadline) - now)
            wanted, self._rendering = self._wanted, True
        return self._render(render, wanted)

    def _render(self, render: Render, version: int) -> Fragment | None:
        fragment, began = None, time.monotonic()
        try:
            fragment = Fragment.of(render(), version)
        except Unavailable as error:
            log.warning("a region cannot be shown", error=error.title, detail=error.detail)
        finally:
            self._rendered(fragment, began)
        return fragment

    def _rendered(self, fragment: Fragment | None, began: float) -> None:
        now = time.monotonic()
        pause = max(self._pause, REST * (now - began))
        with self._turn:
            self._rendering = False
            self.failing = fragment is None
            if fragment is None:
                self._due = now + RETRY_SECONDS
            else:
                self._fragment, self._due = fragment, max(self._due, now + pause)
                if self._every is not None and self._later is None:
                    self._later = now + self._every
            self._turn.notify_all()

    def _want(self, due: float) -> None:
        if not self._is_behind():
            self._wanted += 1
            self._due = max(self._due, due)
        elif self._rendering:
            self._wanted += 1

    def _is_behind(self) -> bool:
        return self._fragment is None or self._fragment.version < self._wanted

    def _look_again(self, now: float) -> None:
        if self._later is not None and now >= self._later:
            self._later = None
            self._want(now)

    def _is_mine(self, now: float) -> bool:
        return self._is_behind() and not self._rendering and now >= self._due

    def _next_look(self, now: float, deadline: float) -> float:
        looks = [deadline]
        if self._is_behind() and not self._rendering:
            looks.append(self._due)
        if self._later is not None:
            looks.append(self._later)
        return max(min(looks), now)
