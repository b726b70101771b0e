"""A data file that cannot be used is refused by `localdapr run` with one line."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from localdapr import rows
from localdapr.store import FILE_NAME, Store

ROOM = 64 * 4096


def noise(path: Path) -> None:
    path.write_bytes(os.urandom(ROOM))


def foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")


def ours(path: Path) -> None:
    store = Store(path.parent, [rows.SCHEMA])
    store._db.execute("CREATE TABLE filler (x)")
    store._db.execute("INSERT INTO filler VALUES (randomblob(?))", (ROOM,))
    store.close()


def of_a_later_format(path: Path) -> None:
    ours(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")


def cut_short(path: Path) -> None:
    ours(path)
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    ours(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(ROOM))


MADE = {
    noise: "not a database",
    foreign: "another program",
    of_a_later_format: "format 99",
    cut_short: "(it is cut or missing); localdapr recover",
    overwritten: "is damaged); localdapr recover",
}


@pytest.mark.parametrize(
    ("make", "says"), MADE.items(), ids=lambda made: getattr(made, "__name__", "")
)
def test_a_data_file_that_cannot_be_used_is_refused(
    make: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    make(tmp_path / FILE_NAME)
    before = (tmp_path / FILE_NAME).read_bytes()
    command = [sys.executable, "-m", "localdapr", "run", "--app-id", "hub"]
    run = subprocess.run(
        [*command, "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith("localdapr: ")
    assert str(tmp_path) in line
    assert says in line
    assert (tmp_path / FILE_NAME).read_bytes() == before
