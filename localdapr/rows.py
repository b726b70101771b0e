"""How an instance is laid out in the data file: the schema, and rows to plain data and back.

Knows columns; decides nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields

from localdapr.engine.instance import Instance, Parent, Status

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
-- Apart from the header, because they can be large and the header is written at every turn.
CREATE TABLE IF NOT EXISTS payloads (
    run INTEGER PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
    input TEXT, output TEXT, failure BLOB
);
CREATE TABLE IF NOT EXISTS history (
    run INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
    position INTEGER NOT NULL, event BLOB NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE, event BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS inbox_run ON inbox (run, id);
CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
    app_id TEXT NOT NULL, event BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS tasks_run ON tasks (run);
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
    fire_at INTEGER NOT NULL, event BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS timers_run ON timers (run);
"""

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
    parent = instance.parent
    lists = (_packed(instance.patches), _packed(instance.tags))
    origin = [None] * 5 if parent is None else [getattr(parent, f.name) for f in fields(parent)]
    return (*plain, *lists, *origin)


def changes(instance: Instance, history_length: int) -> tuple[object, ...]:
    """The values of `UPDATE`, but for the row number."""
    plain = [getattr(instance, name) for name in _CHANGING]
    return (*plain, _packed(instance.patches), history_length)


def to_row(found: Sequence[object]) -> Row:
    run, length, *values = found
    plain = dict(zip(_PLAIN, values, strict=False))
    patches, tags, *origin = values[len(_PLAIN) :]
    instance = Instance(
        **{**plain, "status": Status(plain["status"]), "suspended": bool(plain["suspended"])},  # type: ignore[arg-type]
        patches=tuple(json.loads(str(patches) or "[]")),
        tags=tuple((name, value) for name, value in json.loads(str(tags) or "[]")),
        parent=None if origin[1] is None else Parent(*origin),  # type: ignore[arg-type]
    )
    return Row(int(run), int(length), instance)  # type: ignore[call-overload]


def _packed(items: Sequence[object]) -> str:
    """A list in one column; most are empty, and the header is written at every turn."""
    return json.dumps(items) if items else ""
