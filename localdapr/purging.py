"""Forgetting instances: functions of a connection, parts of a transaction that the store runs."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from localdapr import instances
from localdapr.engine.instance import Status
from localdapr.errors import NotCompletedError
from localdapr.rows import Row

FINAL = tuple(int(status) for status in Status if status.is_final)


@dataclass(frozen=True)
class Filter:
    """Which instances to purge: created in a time range (microseconds), with these statuses."""

    created_from: int | None = None
    created_to: int | None = None
    statuses: Sequence[int] = ()


def purge(
    db: sqlite3.Connection, app_id: str, instance_id: str, recursive: bool, force: bool
) -> int:
    """Forget one instance, with its children when `recursive`; gives how many were forgotten.

    Raises NoSuchInstanceError, and NotCompletedError when one is not finished and not `force`.
    """
    return _purge_row(db, instances.require(db, app_id, instance_id), recursive, force)


def purge_where(db: sqlite3.Connection, app_id: str, chosen: Filter) -> int:
    """Forget the finished instances that the filter chooses; gives how many."""
    statuses = [status for status in (chosen.statuses or FINAL) if status in FINAL]
    marks = ", ".join("?" * len(statuses))
    forgotten = db.execute(
        f"DELETE FROM instances WHERE app_id = ? AND status IN ({marks}) "
        "AND created_at >= ? AND created_at <= ?",
        (
            app_id,
            *statuses,
            chosen.created_from or 0,
            2**62 if chosen.created_to is None else chosen.created_to,
        ),
    )
    return forgotten.rowcount


def purge_ended(db: sqlite3.Connection, app_id: str, status: Status, before: int, most: int) -> int:
    """Forget up to `most` instances that ended with this status before a time (microseconds)."""
    forgotten = db.execute(
        "DELETE FROM instances WHERE run IN (SELECT run FROM instances "
        "WHERE app_id = ? AND status = ? AND completed_at < ? LIMIT ?)",
        (app_id, status, before, most),
    )
    return forgotten.rowcount


def _purge_row(db: sqlite3.Connection, row: Row, recursive: bool, force: bool) -> int:
    if not row.instance.status.is_final and not force:
        raise NotCompletedError
    instances.delete(db, row.run)  # first: instances may be each other's children
    forgotten = 1
    if recursive:
        for child in instances.children(db, row.instance):
            forgotten += _purge_row(db, child, recursive, force)
    return forgotten
