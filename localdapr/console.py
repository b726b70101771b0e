"""Everything a run prints: localdapr's own lines and those of the apps, each with its name.

One thread writes, so that a terminal that does not take output holds up the apps that write it,
never the sidecars. It interprets nothing. When nobody reads any more, output is dropped.
"""

from __future__ import annotations

import asyncio
import os
import queue
import select
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from localdapr.manifest import App

COLORS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)  # ANSI foregrounds, one per app in turn
CLOSE_TIMEOUT = 1.0


class Console:
    """Writes to the descriptor `fd`, a `terminal` or not; without `app_log` no app lines.

    The names before the apps' lines are padded to `width`, so that the lines are aligned.
    """

    def __init__(
        self,
        fd: int = 1,
        *,
        terminal: bool = False,
        color: bool = False,
        app_log: bool = True,
        width: int = 0,
    ) -> None:
        self.terminal = terminal
        self.color = color
        self._width = width
        self.app_log = app_log
        self._fd = fd
        self._colors: dict[str, int] = {}
        self._jobs: queue.SimpleQueue[tuple[bytes, Future[None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._broken = False

    def say(self, text: str) -> None:
        """One line of localdapr's own; returns at once."""
        self.show(f"localdapr: {text}\n")

    def show(self, text: str) -> Future[None]:
        """The text as it is; returns at once, with what is done when the text is written."""
        return self._put(text)

    async def app_lines(self, app_id: str, lines: Sequence[str]) -> None:
        """Lines of an app; returns when they are written, which is what slows a loud app down."""
        prefix = self._prefix(app_id)
        if lines:
            await asyncio.wrap_future(self._put("".join(f"{prefix} {line}\n" for line in lines)))

    def close(self) -> None:
        """Writes what is left, for a second at most; may be called twice."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(CLOSE_TIMEOUT)
            self._thread = None

    def _prefix(self, app_id: str) -> str:
        plain = f"== APP - {app_id:{self._width}} =="
        if not self.color:
            return plain
        color = self._colors.setdefault(app_id, COLORS[len(self._colors) % len(COLORS)])
        return f"\x1b[{color}m{plain}\x1b[0m"

    def _put(self, text: str) -> Future[None]:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="console", daemon=True)
            self._thread.start()
        written: Future[None] = Future()
        self._jobs.put((text.encode("utf-8", "replace"), written))
        return written

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            data, written = job
            self._write(data)
            if written.set_running_or_notify_cancel():  # else nobody waits any more
                written.set_result(None)

    def _write(self, data: bytes) -> None:
        """os.write, not a stream: a stream's lock held by this thread would stop the exit."""
        while data and not self._broken:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                select.select([], [self._fd], [], 1.0)
            except OSError:  # a closed pipe or a terminal that is gone
                self._broken = True


def overview(apps: Sequence[App], pids: Mapping[str, int]) -> str:
    """Where each app is and which process it is; an app that its user starts is in no `pids`."""
    widest = max(len(app.app_id) for app in apps)
    line = f"{{:{widest}}}  {{:22}}  {{:<9}}  {{:<9}}  {{}}\n".format
    shown = line("app", "address", "Dapr HTTP", "Dapr gRPC", "process")
    for app in apps:
        address = f"http://127.0.0.1:{app.app_port}" if app.app_port else "-"
        pid = pids.get(app.app_id, "-")
        shown += line(app.app_id, address, app.http_port, app.grpc_port, pid)
    return shown
