"""What the user asks for by signals: Ctrl-C, SIGTERM and a closed terminal stop a run.

The first asks for an orderly end, a second Ctrl-C for an immediate one.
"""

from __future__ import annotations

import asyncio
import signal
from types import TracebackType

from localdapr.console import Console

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """A context in which signals set `stop` and `kill` instead of ending the process."""

    def __init__(self, console: Console) -> None:
        self.stop = asyncio.Event()
        self.kill = asyncio.Event()
        self._console = console
        self._handled: list[signal.Signals] = []

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            # nohup's way to say that a closed terminal is no reason to stop
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, self._ask, number)
                self._handled.append(number)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        while self._handled:
            loop.remove_signal_handler(self._handled.pop())

    def _ask(self, number: signal.Signals) -> None:
        if not self.stop.is_set():
            self._console.say("stopping; Ctrl-C again ends everything at once")
            self.stop.set()
        elif number == signal.SIGINT:
            self.kill.set()
