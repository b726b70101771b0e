"""Damage of any kind, anywhere: all that was acknowledged is there, or the data is refused."""

import asyncio
import functools
import itertools
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localdapr import checked_log, wal
from localdapr.check_file import CheckFile
from localdapr.errors import DatabaseError
from localdapr.store import FILE_NAME, Store
from tests.unit.localdapr import storing_process
from tests.unit.localdapr.storing_process import SCHEMA, word

LOG = f"{FILE_NAME}-wal"
CHECK = f"{FILE_NAME}-check"
FILED, LOGGED = 150, 12  # words in the file, and after them in the log


def store_words(folder: Path, first: int, count: int) -> None:
    """Have them acknowledged by a process that is then killed."""
    command = [sys.executable, storing_process.__file__, str(folder), str(first), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = list(itertools.takewhile(lambda line: line != "all\n", process.stdout))
        process.kill()
    assert [line.strip() for line in lines] == [
        str(number) for number in range(first, first + count)
    ]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with words in the file and in the log, as a kill has left it."""
    folder = tmp_path_factory.mktemp("killed")
    store_words(folder, 1, FILED)
    store_words(folder, FILED + 1, LOGGED)
    return folder


def words(folder: Path) -> dict[int, str] | None:
    """What is there; None when it is refused."""
    try:
        store = Store(folder, [SCHEMA])
    except DatabaseError:
        return None
    select = "SELECT number, word FROM words WHERE number > 0"
    try:
        return dict(asyncio.run(store.read(lambda db: db.execute(select).fetchall())))
    finally:
        store.close()


ALL = {number: word(number) for number in range(1, FILED + LOGGED + 1)}


def refused(folder: Path, damaged: Path, name: str, damage: Callable[[Path], None]) -> bool:
    """Whether a copy with this damage is refused; if not, nothing may be missing."""
    shutil.rmtree(damaged, ignore_errors=True)
    shutil.copytree(folder, damaged)
    damage(damaged / name)
    found = words(damaged)
    assert found in (None, ALL), f"{len(found or ())} of {len(ALL)} words are left"
    return found is None


def flip(place: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(place)
            (byte,) = file.read(1)
            file.seek(place)
            file.write(bytes([byte ^ 1 << place % 8]))

    return change


def cut(length: int) -> Callable[[Path], None]:
    return lambda path: os.truncate(path, length)


def acknowledged(folder: Path) -> int:
    """Frames of the log that the last commit ends; what follows is left from an earlier log."""
    return wal.scan((folder / LOG).read_bytes()).committed


def places_in_log(count: int) -> Iterator[int]:
    """Every field of the log's header and of some frames' headers, and bytes of their pages."""
    yield from range(0, wal.HEADER_SIZE, 2)
    for number in sorted({0, 1, count // 2, count - 2, count - 1}):
        begin = wal.offset(number)
        yield from range(begin, begin + wal.FRAME_HEADER_SIZE, 2)
        yield from (begin + wal.FRAME_HEADER_SIZE + at for at in (0, 7, 100, 2048, 4095))


def test_whole_data_is_opened_however_the_process_ended(killed: Path, tmp_path: Path) -> None:
    assert not refused(killed, tmp_path / "copy", FILE_NAME, lambda path: None)
    assert not (tmp_path / "copy" / LOG).exists()  # `words` has closed it
    assert words(tmp_path / "copy") == ALL


def test_each_flipped_bit_of_the_log_is_refused(killed: Path, tmp_path: Path) -> None:
    for place in places_in_log(acknowledged(killed)):
        assert refused(killed, tmp_path / "copy", LOG, flip(place)), place


def test_a_log_that_is_cut_anywhere_is_refused(killed: Path, tmp_path: Path) -> None:
    end = wal.offset(acknowledged(killed))
    for length in [0, 1, 31, 32, 33, *range(56, end, wal.FRAME_SIZE + 1000), end - 1]:
        assert refused(killed, tmp_path / "copy", LOG, cut(length)), length
    assert refused(killed, tmp_path / "copy", LOG, Path.unlink)


def test_what_follows_the_last_commit_in_the_log_is_nobodys(killed: Path, tmp_path: Path) -> None:
    begin, end = wal.offset(acknowledged(killed)), (killed / LOG).stat().st_size
    assert end > begin
    for place in range(begin, end, (end - begin) // 20 + 1):
        assert not refused(killed, tmp_path / "copy", LOG, flip(place)), place
        assert not refused(killed, tmp_path / "copy", LOG, cut(place)), place


def test_no_flipped_bit_of_the_file_loses_anything(killed: Path, tmp_path: Path) -> None:
    size = (killed / FILE_NAME).stat().st_size
    chance = random.Random(size)
    places = [*range(0, 100, 3), *(chance.randrange(size) for _ in range(150))]
    outcomes = [refused(killed, tmp_path / "copy", FILE_NAME, flip(place)) for place in places]
    assert outcomes.count(True) > len(places) / 2  # the others are of pages that the log has


def test_a_file_that_is_cut_anywhere_is_refused(killed: Path, tmp_path: Path) -> None:
    size = (killed / FILE_NAME).stat().st_size
    for length in [0, 1, 99, 4095, 4096, *range(5000, size, size // 20), size - 1]:
        assert refused(killed, tmp_path / "copy", FILE_NAME, cut(length)), length
    assert refused(killed, tmp_path / "copy", FILE_NAME, Path.unlink)


def test_a_check_file_that_is_damaged_or_gone_refuses_nobody(killed: Path, tmp_path: Path) -> None:
    size = (killed / CHECK).stat().st_size
    damages = [Path.unlink, *map(flip, range(0, size, size // 60)), *map(cut, (0, 20, 64, 99))]
    for damage in damages:
        assert not refused(killed, tmp_path / "copy", CHECK, damage)


def test_a_crash_between_any_two_writes_refuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, moments, acknowledged = tmp_path / "data", [], []
    write = CheckFile._write

    def write_in_halves(self: CheckFile, content: bytes, place: int) -> None:
        half = len(content) // 2
        for part, begin in ((content[:half], place), (content[half:], place + half)):
            write(self, part, begin)
            moments.append((tmp_path / str(len(moments)), len(acknowledged)))
            shutil.copytree(folder, moments[-1][0], ignore=lambda *_: ["lock"])

    monkeypatch.setattr(CheckFile, "_write", write_in_halves)
    monkeypatch.setattr(checked_log, "SHORTEST", 20)
    monkeypatch.setattr(checked_log, "LONGEST", 20)
    store = Store(folder, [SCHEMA])
    for number in range(1, 31):
        asyncio.run(store.write(functools.partial(storing_process.put, number=number)))
        acknowledged.append(number)
    store.close()
    monkeypatch.undo()
    for moment, count in moments:
        found = words(moment)
        assert found is not None, moment
        assert found.items() >= {number: word(number) for number in range(1, count + 1)}.items()


def test_a_stop_leaves_no_log_and_a_small_store_keeps_it_short(tmp_path: Path) -> None:
    store = Store(tmp_path, [SCHEMA])
    for number in range(1, 301):
        asyncio.run(store.write(functools.partial(storing_process.put, number=number)))
    assert (tmp_path / LOG).stat().st_size < wal.offset(2 * checked_log.SHORTEST)
    store.close()
    assert not (tmp_path / LOG).exists()
    assert words(tmp_path) is not None
