import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from localdapr import wal
from localdapr.errors import DamagedError
from localdapr.host import SCHEMAS
from localdapr.salvage import recover
from localdapr.store import FILE_NAME, Store
from tests.unit.localdapr.test_damage import cut, flip, store_words

MANY = 3000
INSERT = "INSERT INTO state VALUES ('store', ?, ?, 1, 0, NULL)"


def put_many(db: sqlite3.Connection) -> None:
    db.executemany(INSERT, ((f"{number:05}", f"value {number}" * 20) for number in range(MANY)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = Store(tmp_path, SCHEMAS)
    asyncio.run(store.write(put_many))
    store.close()
    return tmp_path


def test_rows_on_both_sides_of_damaged_pages_are_taken(folder: Path) -> None:
    data = folder / FILE_NAME
    middle = data.stat().st_size // 2 // wal.PAGE * wal.PAGE
    with data.open("r+b") as file:
        file.seek(middle)
        file.write(bytes(2 * wal.PAGE))
    with pytest.raises(DamagedError, match=r"page \d+ of \d+ is damaged.*localdapr recover"):
        Store(folder, SCHEMAS)
    kept, counts = recover(folder, SCHEMAS)
    assert kept is not None
    assert MANY * 0.9 < counts["state entries"] < MANY
    assert recover(folder, SCHEMAS) == (None, counts)


@pytest.mark.parametrize("damage", [flip(5000), cut(100_000), cut(0), Path.unlink])
def test_after_a_recovery_the_data_is_used_whatever_was_damaged(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder / FILE_NAME)
    recover(folder, SCHEMAS)
    store = Store(folder, SCHEMAS)
    asyncio.run(store.write(lambda db: db.execute(INSERT, ("new", ""))))
    store.close()


def test_data_of_which_nothing_can_be_read_stays_refused(folder: Path) -> None:
    flip(0)(folder / FILE_NAME)
    with pytest.raises(DamagedError, match="localdapr reset"):
        recover(folder, SCHEMAS)
    with pytest.raises(DamagedError, match="localdapr recover"):
        Store(folder, SCHEMAS)


def test_of_a_damaged_log_the_commits_before_the_damage_are_taken(tmp_path: Path) -> None:
    store_words(tmp_path, 1, 20)
    flip((tmp_path / f"{FILE_NAME}-wal").stat().st_size // 2)(tmp_path / f"{FILE_NAME}-wal")
    kept, _ = recover(tmp_path, SCHEMAS)
    assert kept is not None
    store = Store(tmp_path, SCHEMAS)
    (count,) = asyncio.run(
        store.read(lambda db: db.execute("SELECT max(number) FROM words"))
    ).fetchone()
    store.close()
    assert 1 < count < 20
