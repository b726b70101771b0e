"""Connections to a sidecar's HTTP port: how many, how long they may be silent, what is no HTTP."""

import asyncio
import gzip
import resource
import socket
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from localdapr import listener
from localdapr.listener import Listener, Room
from localdapr.ports import pick_port
from tests.unit.localdapr.localdapr_process import Localdapr, wait_until

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@asynccontextmanager
async def serving(seconds: float = 0.0, most: int = 10) -> AsyncIterator[int]:
    """A server that takes so long for an answer; gives its port."""

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.sleep(seconds)
        return web.Response(body=body)

    app, room, port = web.Application(), Room(), pick_port(21700, ())
    app.router.add_route("*", "/", answer)
    room.most = most
    served = Listener(app, room, grace=0.1)
    await served.start(port)
    try:
        yield port
    finally:
        await served.close()


async def first_line(port: int, sent: bytes) -> bytes:
    """What is answered on a connection of its own, b"" when it is closed without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.readline(), 20)
    finally:
        writer.close()


def test_a_connection_too_many_is_refused_until_another_ends() -> None:
    async def story() -> None:
        async with serving(most=1) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(ASK)
            assert b"200 OK" in await reader.readline()
            assert b"503 Service Unavailable" in await first_line(port, b"")
            writer.close()
            async with asyncio.timeout(20):
                while b"200 OK" not in await first_line(port, ASK):
                    await asyncio.sleep(0.02)

    asyncio.run(story())


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: loc"])
def test_who_begins_no_request_is_cut_off(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(listener, "SILENCE", 0.2)

    async def story() -> None:
        async with serving() as port:
            assert await first_line(port, sent) == b""

    asyncio.run(story())


def test_who_has_asked_waits_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "SILENCE", 1.0)

    async def story() -> None:
        async with serving(seconds=1.5) as port:
            assert b"200 OK" in await first_line(port, ASK)

    asyncio.run(story())


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02 a browser tries TLS\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_400_and_nothing_in_the_log(
    caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    async def story() -> None:
        async with serving() as port:
            assert b"400 Bad Request" in await first_line(port, sent)

    asyncio.run(story())
    assert caplog.records == []


def test_a_packed_body_is_passed_on_as_it_came() -> None:
    async def story() -> None:
        packed = gzip.compress(b"dough")
        async with serving() as port, ClientSession() as client:
            headers = {"Content-Encoding": "gzip"}
            async with client.post(
                f"http://127.0.0.1:{port}/", data=packed, headers=headers
            ) as answer:
                assert await answer.read() == packed

    asyncio.run(story())


def test_who_goes_away_leaves_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with serving() as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
            await writer.drain()
            assert b"200 OK" in await first_line(port, ASK)
            writer.close()
            await writer.wait_closed()
            assert b"200 OK" in await first_line(port, ASK)

    asyncio.run(story())
    assert caplog.records == []


def healthy(port: int) -> bool:
    url = f"http://127.0.0.1:{port}/v1.0/healthz/outbound"
    try:
        return urllib.request.urlopen(url, timeout=1).status == 204
    except OSError:
        return False


def connected(folder: Path, port: int | None) -> socket.socket:
    """To a port, without one to the control socket."""
    if port:
        return socket.create_connection(("127.0.0.1", port))
    control = socket.socket(socket.AF_UNIX)
    control.connect(str(folder / ".localdapr" / "control.sock"))
    return control


@pytest.mark.parametrize("kind", ["http", "grpc", "control"])
def test_a_run_without_file_descriptors_says_so_and_recovers(
    tmp_path: Path, started: list[Localdapr], kind: str
) -> None:
    http, grpc = pick_port(21710, ()), pick_port(21740, ())
    ports = ("-H", str(http), "-G", str(grpc))
    run = Localdapr(tmp_path, "run", "--app-id", "bare", *ports)
    started.append(run)
    run.wait_for("localdapr: ready")
    pid, begun = run.process.pid, time.monotonic()
    in_use = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (in_use + 6, in_use + 6))
    with ExitStack() as opened:
        for _ in range(40):
            opened.enter_context(connected(tmp_path, {"http": http, "grpc": grpc}.get(kind)))
        wait_until(lambda: not healthy(http), lambda: "no descriptor is left")
        wait_until(lambda: "Too many open files" in run.errors, lambda: run.errors)
    wait_until(lambda: healthy(http), lambda: "descriptors are there again")
    lines = [line for line in run.errors.splitlines() if "Too many open files" in line]
    assert len(lines) <= time.monotonic() - begun + 1
    assert "Traceback" not in run.errors
