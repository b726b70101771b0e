"""The log's format, compared with what SQLite writes and recovers."""

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from localdapr import wal


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(tmp_path / "db", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size={wal.PAGE}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE words (word)")
        yield connection


def fill(db: sqlite3.Connection, commits: int) -> None:
    for number in range(commits):
        db.execute("INSERT INTO words VALUES (?)", (f"{number}" * 2000,))


def log_of(db: sqlite3.Connection) -> Path:
    return Path(db.execute("PRAGMA database_list").fetchone()[2] + "-wal")


def recovered(db: sqlite3.Connection, log: bytes, folder: Path) -> int:
    """How many frames SQLite recovers from a log."""
    folder.mkdir(exist_ok=True)
    shutil.copyfile(log_of(db).with_name("db"), folder / "db")
    (folder / "db-wal").write_bytes(log)
    with contextlib.closing(sqlite3.connect(folder / "db")) as opened:
        opened.execute("SELECT count(*) FROM sqlite_master")
        return int(opened.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])


def test_a_log_is_recovered_as_far_as_sqlite_recovers_it(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    fill(db, 12)
    log, chance = log_of(db).read_bytes(), random.Random(1)
    assert wal.is_log(log)
    for place in [*range(32), *(chance.randrange(len(log)) for _ in range(60))]:
        damaged = bytearray(log)
        damaged[place] ^= 1 << chance.randrange(8)
        for content in (bytes(damaged), log[:place]):
            expected = recovered(db, content, tmp_path / "copy")
            assert wal.scan(content).committed == expected, place


def test_a_broken_commit_is_damage_when_a_later_transaction_goes_on_from_one(
    db: sqlite3.Connection,
) -> None:
    fill(db, 6)
    log = bytearray(log_of(db).read_bytes())
    ends = [number for number, frame in enumerate(wal.frames(log)) if frame.commit]
    assert not wal.scan(log).damaged
    log[wal.offset(ends[1]) + 500] ^= 1
    assert wal.scan(log) == (ends[0] + 1, True)
    assert wal.scan(log[: wal.offset(ends[1] + 1)]) == (ends[0] + 1, False)  # a torn end


def test_frames_of_a_rolled_back_transaction_are_not_damage(db: sqlite3.Connection) -> None:
    fill(db, 2)
    db.execute("PRAGMA cache_size=5")
    db.execute("BEGIN")
    fill(db, 50)  # some are written to the log before the end
    db.execute("ROLLBACK")
    spilled = wal.scan(log_of(db).read_bytes())
    fill(db, 1)
    later = wal.scan(log_of(db).read_bytes())
    assert len(list(wal.frames(log_of(db).read_bytes()))) > later.committed > spilled.committed
    assert not spilled.damaged
    assert not later.damaged


def test_frames_of_an_earlier_log_are_not_damage(db: sqlite3.Connection) -> None:
    fill(db, 20)
    db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    fill(db, 1)
    log = log_of(db).read_bytes()
    found = wal.scan(log)
    assert 0 < found.committed < len(list(wal.frames(log)))
    assert not found.damaged
    pages, ended = wal.next_commit(log[wal.HEADER_SIZE :], log[wal.SALTS])
    assert (len(pages), ended) == (found.committed, True)
