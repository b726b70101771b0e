"""The inbox of an instance: the events that wait for its next turn, in the order they came.

Functions of a connection, parts of a transaction that the store runs. What an event means is
the engine's business.
"""

import sqlite3
from collections.abc import Iterable

from localdapr.rows import packed, unpacked
from localdapr.wire import HistoryEvent


def add(db: sqlite3.Connection, run: int, arrived: HistoryEvent) -> None:
    """Queue an event behind all others."""
    number = "SELECT coalesce(max(id), 0) + 1 FROM inbox WHERE run = ?"
    values = (run, run, packed(arrived))
    db.execute(f"INSERT INTO inbox (run, id, event) VALUES (?, ({number}), ?)", values)


def waiting(db: sqlite3.Connection, run: int) -> list[tuple[int, HistoryEvent]]:
    """All events that wait, each with its number."""
    found = db.execute("SELECT id, event FROM inbox WHERE run = ? ORDER BY id", (run,))
    return [(number, unpacked(db, run, blob)) for number, blob in found]


def replace(db: sqlite3.Connection, run: int, events: Iterable[HistoryEvent]) -> None:
    """Let exactly these events wait, under new numbers."""
    clear(db, run)
    for arrived in events:
        add(db, run, arrived)


def clear(db: sqlite3.Connection, run: int, last: int | None = None) -> None:
    """Take out all events, or those up to the number `last`."""
    until = 2**62 if last is None else last
    db.execute("DELETE FROM inbox WHERE run = ? AND id <= ?", (run, until))


def is_waiting(db: sqlite3.Connection, run: int) -> bool:
    """Whether any event waits."""
    return db.execute("SELECT 1 FROM inbox WHERE run = ? LIMIT 1", (run,)).fetchone() is not None
