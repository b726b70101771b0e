"""The control socket: real sockets, a host that only notes what it is asked."""

import asyncio
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from localdapr.control import SOCKET, Line, ask_owner, open_line, serve_control
from localdapr.errors import DatabaseError, NobodyThereError, PortInUseError, RefusedError
from localdapr.manifest import App
from localdapr.run import Run
from tests.unit.localdapr.recording_app import until

RUN = Run((App("shop", 3501, 4501, command=("ü" * 200_000,)),))  # more than one buffer


class NotingHost:
    """Sidecars that only note what becomes of runs, and refuse a run as told."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.runs: list[Run] = []
        self.told: list[str] = []
        self._refusal = refusal

    def served(self) -> list[tuple[App, Run]]:
        return [(app, run) for run in self.runs for app in run.apps]

    async def add(self, run: Run, _resources: object) -> None:
        if self._refusal:
            raise self._refusal
        self.runs.append(run)

    async def remove(self, run: Run) -> None:
        self.runs.remove(run)

    async def app_started(self, app_id: str) -> None:
        self.told.append(f"started {app_id}")

    async def app_stopped(self, app_id: str) -> None:
        self.told.append(f"stopped {app_id}")


Story = Callable[[NotingHost], Awaitable[None]]


def play(folder: Path, story: Story, refusal: Exception | None = None) -> None:
    """Run a story beside a server of the folder."""

    async def run() -> None:
        host = NotingHost(refusal)
        async with asyncio.timeout(30), serve_control(folder, host):  # type: ignore[arg-type]
            await story(host)

    asyncio.run(run())


async def register(folder: Path) -> Line:
    line = await open_line(folder)
    assert await line.ask("register", run=RUN.to_json()) == os.getpid()
    return line


def test_a_run_is_served_as_long_as_its_connection_lasts(tmp_path: Path) -> None:
    async def story(host: NotingHost) -> None:
        line = await register(tmp_path)
        assert host.runs[0].apps[0].command == RUN.apps[0].command
        await line.close()
        assert host.runs == []
        (await register(tmp_path)).drop()
        await until(lambda: host.runs == [])

    play(tmp_path, story)


def test_everybody_may_ask_what_runs_and_tell_of_an_app(tmp_path: Path) -> None:
    async def story(host: NotingHost) -> None:
        line = await register(tmp_path)
        (row,) = await ask_owner(tmp_path, "list")
        assert (row["appId"], row["httpPort"], row["cliPid"]) == ("shop", 3501, os.getpid())
        await ask_owner(tmp_path, "app_started", app_id="shop")
        await ask_owner(tmp_path, "app_stopped", app_id="shop")
        assert host.told == ["started shop", "stopped shop"]
        await line.close()

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
    async def story(_host: NotingHost) -> None:
        for _ in range(2):  # the server goes on
            with pytest.raises(type(seen), match=str(seen)):
                await ask_owner(tmp_path, "register", run=RUN.to_json())

    play(tmp_path, story, refusal)


def test_where_nobody_is_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NobodyThereError, match=r"start one with: localdapr run -f \."):
        asyncio.run(ask_owner(tmp_path, "list"))


def test_only_its_user_may_open_the_socket_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    async def story(_host: NotingHost) -> None:
        assert stat.S_IMODE((tmp_path / SOCKET).stat().st_mode) == 0o600

    play(tmp_path, story)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_long_path_has_its_socket_too(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()

    async def story(_host: NotingHost) -> None:
        assert await ask_owner(folder, "list") == []

    play(folder, story)
    assert list(folder.iterdir()) == []


def test_the_socket_of_an_owner_that_was_killed_is_replaced(tmp_path: Path) -> None:
    (tmp_path / SOCKET).touch()

    async def story(_host: NotingHost) -> None:
        assert await ask_owner(tmp_path, "list") == []

    play(tmp_path, story)


def test_what_is_no_socket_stays_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / SOCKET).mkdir()

    async def story(_host: NotingHost) -> None:
        raise AssertionError("served")

    with pytest.raises(DatabaseError, match="remove it or name another --data-dir"):
        play(tmp_path, story)
    assert (tmp_path / SOCKET).is_dir()


def test_an_owner_that_does_not_answer_is_not_waited_for_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short

    async def run() -> None:
        async with asyncio.timeout(30):
            await ask_owner(tmp_path, "list", within=0.1)

    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(SOCKET)
        silent.listen()
        with pytest.raises(RefusedError, match=r"does not answer within 0\.1 s; let it go on"):
            asyncio.run(run())


def test_a_server_that_closes_removes_all_runs_first(tmp_path: Path) -> None:
    async def run() -> None:
        host = NotingHost()
        async with serve_control(tmp_path, host):  # type: ignore[arg-type]
            line = await register(tmp_path)
        assert host.runs == []
        line.drop()

    asyncio.run(run())


def test_the_end_of_the_owner_is_noticed(tmp_path: Path) -> None:
    async def run() -> None:
        async with serve_control(tmp_path, NotingHost()):  # type: ignore[arg-type]
            line = await register(tmp_path)
            ended = asyncio.create_task(line.ended())
        await ended
        with pytest.raises(NobodyThereError, match="ended before it answered"):
            await line.ask("list")
        await line.close()
        await line.close()

    asyncio.run(run())
