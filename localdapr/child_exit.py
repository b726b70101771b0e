"""The end of a child process, awaitable. A thread waits, so that the child is reaped at once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import threading


class ChildExit:
    """`code` is None while the child runs, then its exit code, or the negated signal number."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.code: int | None = None
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        name = f"wait-for-{child.pid}"
        threading.Thread(target=self._wait, args=(child,), name=name, daemon=True).start()

    async def wait(self) -> int:
        await self._ended.wait()
        return self.code or 0

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        code = child.wait()
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._set, code)

    def _set(self, code: int) -> None:
        self.code = code
        self._ended.set()


def describe_exit(code: int) -> str:
    """In words: "ended with exit code 1" or "was ended by SIGKILL"."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
