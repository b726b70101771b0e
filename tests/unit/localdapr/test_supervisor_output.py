"""How the apps' output is cut into lines, and how the console shows it."""

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localdapr.app_output import AppOutput, LineSplitter
from localdapr.app_process import describe_exit
from localdapr.console import Console

CHUNKS = st.lists(st.binary(max_size=40))


def pieces(splitter: LineSplitter, chunks: list[bytes]) -> list[str]:
    shown = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    return shown + splitter.finish()


@given(CHUNKS)
def test_lines_are_the_same_however_the_stream_is_cut(chunks: list[bytes]) -> None:
    assert pieces(LineSplitter(), chunks) == pieces(LineSplitter(), [b"".join(chunks)])


@given(CHUNKS)
def test_no_piece_is_longer_than_allowed_and_nothing_is_lost(chunks: list[bytes]) -> None:
    ascii_only = [bytes(byte & 0x7F for byte in chunk) for chunk in chunks]
    shown = pieces(LineSplitter(longest=5), ascii_only)
    kept = b"".join(ascii_only).replace(b"\n", b"").replace(b"\r", b"")
    assert all(len(piece) <= 5 for piece in shown)
    assert "".join(shown).replace("\r", "") == kept.decode()


def test_a_line_end_of_windows_and_a_missing_last_one_are_understood() -> None:
    assert pieces(LineSplitter(), [b"a\r\n\nb"]) == ["a", "", "b"]


def test_bytes_that_are_no_utf8_are_shown_all_the_same() -> None:
    assert pieces(LineSplitter(), [b"caf\xe9\n"]) == ["caf\ufffd"]


async def shown(console: Console, *lines: tuple[str, str]) -> None:
    for app_id, line in lines:
        await console.app_lines(app_id, [line])
    console.say("ready")
    console.close()


def test_each_line_bears_the_name_of_its_app(capfd: pytest.CaptureFixture[str]) -> None:
    asyncio.run(shown(Console(), ("kitchen", "hot"), ("delivery", "gone")))
    expected = "== APP - kitchen == hot\n== APP - delivery == gone\nlocaldapr: ready\n"
    assert capfd.readouterr().out == expected


def test_each_app_has_a_colour_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    asyncio.run(shown(Console(color=True), ("a", "1"), ("b", "2"), ("a", "3")))
    first, second, third, _ = capfd.readouterr().out.splitlines()
    assert first.split("==")[0] == third.split("==")[0] == "\x1b[36m"
    assert second.split("==")[0] == "\x1b[32m"


async def lines_kept(written: bytes) -> list[str]:
    read_end, write_end = os.pipe()
    output = AppOutput("kitchen", read_end, Console(app_log=False))
    os.write(write_end, written)
    os.close(write_end)
    await output.close(10.0)
    return list(output.tail)


def test_the_last_lines_are_kept_when_none_are_shown() -> None:
    written = b"".join(b"line %d\n" % number for number in range(50))
    assert asyncio.run(lines_kept(written)) == [f"line {number}" for number in range(30, 50)]


async def lines_while_nobody_reads(console: Console) -> bool:
    """Whether the loop runs on while a console that is full holds up an app's lines."""
    writing = asyncio.create_task(console.app_lines("kitchen", ["x" * 1_000_000]))
    console.say("still here")
    done, _ = await asyncio.wait({writing}, timeout=0.1)
    writing.cancel()
    return not done


def test_a_terminal_that_takes_no_output_does_not_stop_the_loop() -> None:
    read_end, write_end = os.pipe()
    console = Console(write_end)
    assert asyncio.run(lines_while_nobody_reads(console))
    os.close(read_end)  # now the writing thread meets a closed pipe and drops the rest
    console.close()
    os.close(write_end)


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended with exit code 0"), (-9, "was ended by SIGKILL"), (-99, "was ended by signal 99")],
)
def test_the_end_of_a_process_is_told_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
