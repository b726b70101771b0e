"""The control socket of a data folder: how its owner is asked by other runs and by commands.

Lines of JSON over a unix domain socket that only its user can open: {"do": NAME, ...} is
answered by {"ok": VALUE} or {"error": TEXT}, in order. What is done is the conversation's
business; a conversation ends with its connection.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from localdapr.errors import (
    DatabaseError,
    LocalDaprError,
    NobodyThereError,
    PortInUseError,
    RefusedError,
)
from localdapr.race import end_tasks

SOCKET = "control.sock"
LONGEST_PATH = 100  # bytes of a socket's path; the system's limit is 104 or 108
LONGEST_LINE = 256 * 1024 * 1024  # bytes
ERRORS = {"PortInUseError": PortInUseError}  # by the kind of a refusal; others: RefusedError
log = logging.getLogger(__name__)


class Conversation(Protocol):
    """One connection, as the owner sees it."""

    async def answer(self, do: str, asked: dict[str, Any]) -> Any:
        """A value that JSON can show. Raises LocalDaprError."""

    async def close(self) -> None:
        """The other side is gone."""


class ControlServer:
    """Holds a conversation with everybody who connects; only the folder's owner may start it."""

    def __init__(self, folder: Path, begin: Callable[[], Conversation]) -> None:
        self._link = folder / SOCKET
        self._begin = begin
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Raises DatabaseError when there can be no socket."""
        try:
            self._remove()  # of an owner that was killed
            listening = _listen(self._link)
        except OSError as cause:
            raise DatabaseError(f"{self._link} cannot be opened: {cause.strerror}") from cause
        self._server = await asyncio.start_unix_server(
            self._greet, sock=listening, limit=LONGEST_LINE
        )

    async def close(self) -> None:
        """Ends all conversations. May be called twice."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._remove()
        await end_tasks(*self._talks)

    def _remove(self) -> None:
        place = self._link.resolve()
        place.unlink(missing_ok=True)
        if self._link.is_symlink():
            self._link.unlink()
            with contextlib.suppress(OSError):
                place.parent.rmdir()

    def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = self._begin()
        try:
            while line := await reader.readline():
                writer.write(_encoded(await _answer(conversation, line)))
                await writer.drain()
        except (ConnectionError, ValueError):  # gone, or a line that is no request
            return
        finally:
            await conversation.close()
            writer.close()


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
            answer = json.loads(await self._reader.readline() or b"{}")
        except (ConnectionError, ValueError) as cause:
            raise _ended() from cause
        if "error" in answer:
            raise ERRORS.get(answer.get("kind"), RefusedError)(answer["error"])
        if "ok" not in answer:
            raise _ended()
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
        place = str((folder / SOCKET).resolve())
        return Line(*await asyncio.open_unix_connection(place, limit=LONGEST_LINE))
    except OSError as cause:
        raise NobodyThereError(
            f"no localdapr runs on {folder}; start one with: localdapr run -f ."
        ) from cause


async def ask_owner(folder: Path, do: str, **asked: Any) -> Any:
    """One question on a connection of its own. Raises as `open_line` and `Line.ask` do."""
    line = await open_line(folder)
    try:
        return await line.ask(do, **asked)
    finally:
        line.drop()


def _listen(link: Path) -> socket.socket:
    """A socket at `link`; where its path is too long, at a short one to which `link` leads."""
    place = link.resolve()
    if len(os.fsencode(place)) > LONGEST_PATH:
        place = Path(tempfile.mkdtemp(prefix="localdapr-")) / SOCKET
        link.symlink_to(place)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(place))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def _encoded(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


async def _answer(conversation: Conversation, line: bytes) -> dict[str, Any]:
    asked = json.loads(line)
    try:
        return {"ok": await conversation.answer(asked.pop("do"), asked)}
    except (LocalDaprError, sqlite3.Error, OSError) as refusal:
        return {"error": str(refusal), "kind": type(refusal).__name__}
    # The edge to another process: what goes wrong here must not end the owner's other work.
    except Exception:
        log.exception("a request over the control socket went wrong")
        return {"error": "it went wrong inside the other localdapr, whose output says how"}


def _ended() -> NobodyThereError:
    return NobodyThereError("the localdapr that keeps the data ended before it answered")
