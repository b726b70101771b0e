"""The control socket of a data folder: how the run that keeps the data serves the other runs.

Lines of JSON over a unix domain socket that only its user can open: {"do": NAME, ...} is
answered by {"ok": VALUE} or {"error": TEXT, "kind": CLASS}, in order. A run is served for as
long as the connection over which it has registered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localdapr.errors import (
    DatabaseError,
    LocalDaprError,
    NobodyThereError,
    PortInUseError,
    RefusedError,
)
from localdapr.private import SOCKET
from localdapr.race import end_tasks
from localdapr.run import Run

if TYPE_CHECKING:
    from localdapr.host import Host

LONGEST_LINE = 256 * 1024 * 1024  # bytes
ERRORS = {"PortInUseError": PortInUseError}  # by the kind of a refusal; others: RefusedError
log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def serve_control(folder: Path, host: Host) -> AsyncIterator[None]:
    """The owner's end, nobody else's. At last it ends all conversations. Raises DatabaseError."""
    talks: set[asyncio.Task[None]] = set()

    def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(talk := asyncio.create_task(_talk(host, reader, writer)))
        talk.add_done_callback(talks.discard)

    try:
        (folder / SOCKET).unlink(missing_ok=True)  # of an owner that was killed
        with _place(folder) as place:
            server = await asyncio.start_unix_server(
                greet, place, limit=LONGEST_LINE, start_serving=False
            )
            os.chmod(place, 0o600)
    except OSError as cause:
        raise DatabaseError(
            f"{folder / SOCKET} cannot be opened ({cause.strerror or cause}); "
            "remove it or name another --data-dir"
        ) from cause
    await server.start_serving()
    try:
        yield
    finally:
        server.close()
        (folder / SOCKET).unlink(missing_ok=True)
        await end_tasks(*talks)


async def _talk(host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    registered: list[Run] = []
    try:
        while line := await reader.readline():
            writer.write(_encoded(await _answer(host, json.loads(line), registered)))
            await writer.drain()
    except (ConnectionError, ValueError):  # gone, or a line that is no request
        return
    finally:
        await asyncio.gather(*map(host.remove, registered))
        writer.close()


async def _answer(host: Host, asked: dict[str, Any], registered: list[Run]) -> dict[str, Any]:
    try:
        return {"ok": await _do(host, asked, registered)}
    except (LocalDaprError, sqlite3.Error, OSError) as refusal:
        return {"error": str(refusal), "kind": type(refusal).__name__}
    # The edge to another process: what goes wrong here must not end the owner's other work.
    except Exception:
        log.exception("a request over the control socket went wrong")
        return {"error": "it went wrong inside the other localdapr, whose output says how"}


async def _do(host: Host, asked: dict[str, Any], registered: list[Run]) -> Any:
    do = asked["do"]
    if do == "list":
        return [run.row(app) for app, run in host.served()]
    if do == "app_started":
        return await host.app_started(asked["app_id"])
    if do == "app_stopped":
        return await host.app_stopped(asked["app_id"])
    from localdapr.resources import load_resources  # what commands need not wait for

    run = Run.from_json(asked["run"])
    await host.add(run, load_resources(run.resources_paths, run.config_path))
    registered.append(run)
    return os.getpid()


class Line:
    """A connection to the owner. Made by `open_line`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, do: str, **asked: Any) -> Any:
        """The owner's answer.

        Raises NobodyThereError when it ends before, what it refuses with as one of ERRORS.
        """
        try:
            self._writer.write(_encoded({"do": do, **asked}))
            await self._writer.drain()
            answer = json.loads(await self._reader.readline())
        except (ConnectionError, ValueError) as cause:
            text = "the localdapr that keeps the data ended before it answered"
            raise NobodyThereError(text) from cause
        if "error" in answer:
            raise ERRORS.get(answer.get("kind"), RefusedError)(answer["error"])
        return answer["ok"]

    async def ended(self) -> None:
        """Returns when the owner is gone; nothing may be asked meanwhile."""
        with contextlib.suppress(ConnectionError):
            await self._reader.read()

    async def close(self) -> None:
        """Returns when the owner has ended the conversation too. May be called twice."""
        if not self._writer.is_closing() and self._writer.can_write_eof():
            with contextlib.suppress(OSError):
                self._writer.write_eof()
                await self.ended()
        self.drop()

    def drop(self) -> None:
        """Ends the conversation from this side."""
        self._writer.close()


async def open_line(folder: Path) -> Line:
    """Raises NobodyThereError, which says what to do."""
    try:
        with _place(folder) as place:
            return Line(*await asyncio.open_unix_connection(place, limit=LONGEST_LINE))
    except OSError as cause:
        raise NobodyThereError(
            f"no localdapr runs on {folder}; start one with: localdapr run -f ., "
            "or name another --data-dir"
        ) from cause


async def ask_owner(folder: Path, do: str, *, within: float | None = None, **asked: Any) -> Any:
    """One question on a connection of its own. Raises as `open_line` and `Line.ask` do.

    And RefusedError, when there is no answer `within` so many seconds.
    """
    line = await open_line(folder)
    try:
        async with asyncio.timeout(within):
            return await line.ask(do, **asked)
    except TimeoutError as cause:
        raise RefusedError(
            f"the localdapr that keeps {folder} does not answer within {within:g} s; "
            "let it go on if it was stopped, or end it"
        ) from cause
    finally:
        line.drop()


@contextlib.contextmanager
def _place(folder: Path) -> Iterator[str]:
    """The socket's path; where the system has one a short one, as it takes about 100 bytes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        short = Path(f"/proc/self/fd/{handle}")
        yield str((short if short.exists() else folder) / SOCKET)
    finally:
        os.close(handle)


def _encoded(message: dict[str, Any]) -> bytes:
    return json.dumps(message, default=str).encode() + b"\n"
