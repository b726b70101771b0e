"""Going on with damaged data: a copy is kept, and what can be read of the rest is used.

It accepts a loss, so only a command calls it. Of a table whose pages are damaged the rows before
and after the damage are taken; a workflow of which a part is gone is gone as a whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from localdapr import private
from localdapr.check_file import SUFFIX
from localdapr.damage import LOG
from localdapr.errors import DamagedError
from localdapr.store import FILE_NAME, Store, lock_folder, prepare

COUNTED = {"instances": "workflows", "state": "state entries", "deliveries": "messages"}
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
INCOMPLETE = """
DELETE FROM instances WHERE history_length >
    (SELECT count(*) FROM history WHERE history.run = instances.run)
"""


class Recovered(NamedTuple):
    """Where the copy of the damaged files is, None if nothing was damaged, and what there is."""

    kept: Path | None
    counts: dict[str, int]


def recover(folder: Path, schemas: Sequence[str]) -> Recovered:
    """Make the data of a folder usable. Raises DatabaseError when nothing of it can be read."""
    kept = None
    try:
        Store(folder, schemas).close()
    except DamagedError:
        lock = lock_folder(folder)
        try:
            kept = _keep_copy(folder)
            _mend(folder / FILE_NAME, schemas)
        except (sqlite3.DatabaseError, OSError) as cause:
            text = f"{folder / FILE_NAME} cannot be read ({cause}); localdapr reset begins anew"
            raise DamagedError(text) from cause
        finally:
            os.close(lock)
        Store(folder, schemas).close()
    with contextlib.closing(_connect(folder / FILE_NAME)) as db:
        return Recovered(kept, {name: _count(db, table) for table, name in COUNTED.items()})


def _keep_copy(folder: Path) -> Path:
    kept = folder / f"{private.KEPT}{datetime.now():%Y%m%d-%H%M%S-%f}"
    private.make_folder(kept)
    for suffix in ("", LOG, SUFFIX):
        path = folder / f"{FILE_NAME}{suffix}"
        if path.exists():
            private.make_file(kept / path.name)
            shutil.copyfile(path, kept / path.name)
    return kept


def _mend(path: Path, schemas: Sequence[str]) -> None:
    """SQLite takes from the log what is whole; if the file is not, its rows are copied."""
    private.make_file(path)
    fresh = path.with_name(path.name + private.FRESH)
    with contextlib.closing(_connect(path)) as old:
        _count(old, "sqlite_master")  # raises when it is no database any longer
        whole = _is_whole(old)
        if not whole:
            fresh.unlink(missing_ok=True)
            private.make_file(fresh)
            with contextlib.closing(_connect(fresh)) as new:
                prepare(new, schemas)
                _copy_rows(old, new)
    for suffix in private.BESIDE:  # until here the data is refused as before
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if not whole:
        fresh.replace(path)


def _is_whole(db: sqlite3.Connection) -> bool:
    try:
        return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _copy_rows(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """All rows that can be read, without those that belong to one which cannot."""
    new.execute("PRAGMA foreign_keys=OFF")
    tables = [name for (name,) in new.execute(TABLES)]
    new.execute("BEGIN")
    for table in tables:
        columns = new.execute(f"PRAGMA table_info({table})").fetchall()
        insert = f"INSERT OR IGNORE INTO {table} VALUES ({','.join('?' * len(columns))})"
        key = [name for _, name, _, _, _, rank in columns if rank]
        for direction in ("ASC", "DESC"):  # up to the damage from either side
            order = ", ".join(f"{name} {direction}" for name in key)
            with contextlib.suppress(sqlite3.DatabaseError):
                for row in old.execute(f"SELECT * FROM {table} ORDER BY {order}"):
                    new.execute(insert, row)
    new.execute(INCOMPLETE)
    for table in tables:
        for _, _, parent, column, *_ in new.execute(f"PRAGMA foreign_key_list({table})").fetchall():
            new.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT rowid FROM {parent})")
    new.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = lambda content: content.decode("utf-8", "replace")
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("PRAGMA writable_schema=ON")  # else SQLite reads nothing of a cut file
    return connection


def _count(db: sqlite3.Connection, table: str) -> int:
    (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)
