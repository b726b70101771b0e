"""What a running shop can do whatever it runs on: tests and tools use only this of an engine."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from tools.shop_ports import AppPorts

READY_SECONDS = 90.0
MARK = "PIZZA_SHOP_RUN"  # an environment variable by which its processes can be told
_LOOK_SECONDS = 0.02


class ShopError(Exception):
    """The shop did not do what was waited for; the text has its last lines of output."""


class ShopEngine(ABC):
    """A shop may be started again after it ended: ports, data and logs stay the same."""

    folder: Path
    apps: tuple[AppPorts, ...]
    app_token: str  # by which the services know their sidecars
    secret: str  # with which the shop signs sessions, links and who a person is

    @abstractmethod
    def __init__(
        self, folder: Path, *, time_scale: float, offset: int | None = None, **settings: str
    ) -> None:
        """`settings` are environment variables for all services."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def urls(self) -> dict[str, str]:
        """The address of each service."""
        return {app.app_id: app.url for app in self.apps}

    @abstractmethod
    def start(self) -> None:
        """Start everything and wait until it listens. Raises ShopError when a part ends before."""

    @abstractmethod
    def stop(self) -> None:
        """End everything as an operator does. Raises ShopError when that goes wrong."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL for the engine, as when the machine loses its power."""

    @abstractmethod
    def kill_app(self, app_id: str) -> None:
        """SIGKILL for one service; returns when it runs again. Raises ShopError."""

    @abstractmethod
    def close(self) -> None:
        """End everything, gently if it can be done; may be called twice."""

    @abstractmethod
    def check_alive(self) -> None:
        """Raises ShopError when the engine has ended."""

    @abstractmethod
    def tail(self) -> str:
        """The last lines that were printed."""

    def wait(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until it is so. Raises ShopError when it takes longer, or the engine ends."""
        for _ in until(seconds):
            if done():
                return
            self.check_alive()
        raise ShopError(f"waited {seconds:g} s for the shop {what}:\n{self.tail()}")


def until(seconds: float, pause: float = _LOOK_SECONDS) -> Iterator[None]:
    """Goes round, with a pause after each, until the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(pause)
