"""The control socket: real sockets, conversations that only note what they are asked."""

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from localdapr.control import SOCKET, ControlServer, ask_owner, open_line
from localdapr.errors import NobodyThereError, PortInUseError, RefusedError
from tests.unit.localdapr.recording_app import until


class Notes:
    """A conversation that answers with what it was asked, and refuses as told."""

    closed = 0

    def __init__(self, refusal: Exception | None = None) -> None:
        self._refusal = refusal

    async def answer(self, do: str, asked: dict[str, Any]) -> Any:
        if self._refusal:
            raise self._refusal
        return [do, asked]

    async def close(self) -> None:
        Notes.closed += 1


def play(folder: Path, story: Callable[[], Awaitable[None]], refusal: Exception | None = None):
    """Run a story beside a server of the folder."""

    async def run() -> None:
        Notes.closed = 0
        server = ControlServer(folder, lambda: Notes(refusal))
        await server.start()
        try:
            async with asyncio.timeout(30):
                await story()
        finally:
            await server.close()
            await server.close()

    asyncio.run(run())


def test_a_question_is_answered(tmp_path: Path) -> None:
    async def story() -> None:
        text = "ü" * 200_000  # more than one buffer
        assert await ask_owner(tmp_path, "greet", text=text) == ["greet", {"text": text}]

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("refusal", "seen"),
    [
        (RefusedError("not today"), RefusedError("not today")),
        (PortInUseError("port 1 is taken"), PortInUseError("port 1 is taken")),
        (KeyError("x"), RefusedError("it went wrong inside the other localdapr")),
    ],
)
def test_a_refusal_comes_with_its_words(tmp_path: Path, refusal: Exception, seen: Exception):
    async def story() -> None:
        for _ in range(2):  # the server goes on
            with pytest.raises(type(seen), match=str(seen)):
                await ask_owner(tmp_path, "greet")

    play(tmp_path, story, refusal)


def test_where_nobody_is_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NobodyThereError, match=r"start one with: localdapr run -f \."):
        asyncio.run(ask_owner(tmp_path, "greet"))


def test_only_its_user_may_open_the_socket_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    async def story() -> None:
        assert stat.S_IMODE((tmp_path / SOCKET).stat().st_mode) == 0o600

    play(tmp_path, story)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_long_path_has_its_socket_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    place = Path()

    async def story() -> None:
        nonlocal place
        place = (folder / SOCKET).resolve()
        assert await ask_owner(folder, "greet") == ["greet", {}]

    play(folder, story)
    assert not place.parent.exists()
    assert list(folder.iterdir()) == []


def test_the_socket_of_an_owner_that_was_killed_is_replaced(tmp_path: Path) -> None:
    (tmp_path / SOCKET).touch()

    async def story() -> None:
        assert await ask_owner(tmp_path, "greet") == ["greet", {}]

    play(tmp_path, story)


def test_a_conversation_ends_with_its_connection(tmp_path: Path) -> None:
    async def story() -> None:
        line = await open_line(tmp_path)
        await line.ask("greet")
        line.drop()
        await until(lambda: Notes.closed == 1)

    play(tmp_path, story)


def test_a_server_that_closes_ends_all_conversations_first(tmp_path: Path) -> None:
    async def run() -> None:
        Notes.closed = 0
        server = ControlServer(tmp_path, Notes)
        await server.start()
        line = await open_line(tmp_path)
        await line.ask("greet")
        await server.close()
        assert Notes.closed == 1
        line.drop()

    asyncio.run(run())


def test_the_end_of_the_owner_is_noticed(tmp_path: Path) -> None:
    async def run() -> None:
        server = ControlServer(tmp_path, Notes)
        await server.start()
        line = await open_line(tmp_path)
        await line.ask("greet")
        ended = asyncio.create_task(line.ended())
        await server.close()
        await ended
        with pytest.raises(NobodyThereError, match="ended before it answered"):
            await line.ask("greet")
        await line.close()
        await line.close()

    asyncio.run(run())
