"""How an instance is laid out in the data file: the schema, and plain data to rows and back.

Knows columns; decides nothing.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from localdapr.engine.instance import Instance, Parent, Status
from localdapr.wire import HistoryEvent

SCHEMA = """
CREATE TABLE IF NOT EXISTS instances (
    run INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id TEXT NOT NULL, instance_id TEXT NOT NULL, execution_id TEXT NOT NULL,
    name TEXT NOT NULL, status INTEGER NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, suspended INTEGER NOT NULL,
    started_at INTEGER, completed_at INTEGER, scheduled_at INTEGER,
    version TEXT, custom_status TEXT, trace TEXT, patches TEXT NOT NULL, tags TEXT NOT NULL,
    parent_app TEXT, parent_id TEXT, parent_execution TEXT, parent_name TEXT, parent_task INTEGER,
    history_length INTEGER NOT NULL DEFAULT 0,
    UNIQUE (app_id, instance_id)
);
CREATE INDEX IF NOT EXISTS children ON instances (parent_app, parent_id)
    WHERE parent_id IS NOT NULL;
-- Apart from the header, which is written at every turn; the event that begins the instance is
-- kept without it. What an instance ended with is in the last event of its history.
CREATE TABLE IF NOT EXISTS inputs (
    run INTEGER PRIMARY KEY REFERENCES instances ON DELETE CASCADE, input TEXT
);
CREATE TABLE IF NOT EXISTS history (
    run INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
    position INTEGER NOT NULL, event BLOB NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
    run INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
    id INTEGER NOT NULL, event BLOB NOT NULL,
    PRIMARY KEY (run, id)
) WITHOUT ROWID;
-- An activity to run: its event stands in the history at `position`.
CREATE TABLE IF NOT EXISTS tasks (
    run INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
    position INTEGER NOT NULL, app_id TEXT NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
    fire_at INTEGER NOT NULL, event BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS timers_run ON timers (run);
"""

# In the order of the fields of Instance.
_PLAIN = (
    "app_id", "instance_id", "execution_id", "name", "status", "created_at", "updated_at",
    "suspended", "started_at", "completed_at", "scheduled_at", "version", "custom_status", "trace",
)  # fmt: skip
_PARENT = ("parent_app", "parent_id", "parent_execution", "parent_name", "parent_task")
_COLUMNS = (*_PLAIN, "patches", "tags", *_PARENT)
SELECT = f"SELECT run, history_length, {', '.join(_COLUMNS)} FROM instances"
INSERT = f"INSERT INTO instances ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
# Only what a turn can change: SQLite rewrites each index that has a column which is named here.
_CHANGING = (
    "execution_id", "status", "updated_at", "suspended", "started_at", "completed_at", "version",
    "custom_status",
)  # fmt: skip
_SET = (*_CHANGING, "patches", "history_length")
UPDATE = f"UPDATE instances SET {' = ?, '.join(_SET)} = ? WHERE run = ?"


@dataclass(frozen=True, slots=True)
class Row:
    """An instance as it stands in the table."""

    run: int
    history_length: int
    instance: Instance


def values(instance: Instance) -> tuple[object, ...]:
    plain = [getattr(instance, name) for name in _PLAIN]
    parent = [None] * len(_PARENT) if instance.parent is None else astuple(instance.parent)
    return (*plain, _packed(instance.patches), _packed(instance.tags), *parent)


def changes(instance: Instance, history_length: int) -> tuple[object, ...]:
    """The values of `UPDATE`, but for the row number."""
    plain = [getattr(instance, name) for name in _CHANGING]
    return (*plain, _packed(instance.patches), history_length)


def to_row(found: Sequence[Any]) -> Row:
    run, length, *plain = found[: 2 + len(_PLAIN)]
    plain[4], plain[7] = Status(plain[4]), bool(plain[7])
    patches, tags, *parent = found[2 + len(_PLAIN) :]
    patches = tuple(json.loads(patches)) if patches else ()
    tags = tuple((name, value) for name, value in json.loads(tags)) if tags else ()
    origin = None if parent[1] is None else Parent(*parent)
    return Row(run, length, Instance(*(*plain, patches, tags, origin)))


def packed(happened: HistoryEvent) -> bytes:
    """An event as it is kept, which is without the input of its instance."""
    if happened.HasField("executionStarted") and happened.executionStarted.HasField("input"):
        bare = HistoryEvent()
        bare.CopyFrom(happened)
        bare.executionStarted.ClearField("input")
        return bare.SerializeToString()
    return happened.SerializeToString()


def unpacked(db: sqlite3.Connection, run: int, blob: bytes) -> HistoryEvent:
    """An event as it was before `packed`."""
    happened = HistoryEvent.FromString(blob)
    if happened.HasField("executionStarted"):
        (given,) = db.execute("SELECT input FROM inputs WHERE run = ?", (run,)).fetchone()
        if given is not None:
            happened.executionStarted.input.value = given
    return happened


def _packed(items: Sequence[object]) -> str:
    """A list in one column; most are empty, and the header is written at every turn."""
    return json.dumps(items) if items else ""
