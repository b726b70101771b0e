"""A disk that is slow or full, for as long as a test wants."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from unittest import mock

from localdapr import store as module
from localdapr.store import Store


@contextlib.contextmanager
def slow_disk(store: Store) -> Iterator[threading.Event]:
    """Nothing comes to the disk inside, nor fails to; what is given is set once that is tried."""
    gate, tried = threading.Event(), threading.Event()

    def trace(sql: str) -> None:
        if sql in ("COMMIT", "ROLLBACK"):
            tried.set()
            gate.wait(10)

    store._db.set_trace_callback(trace)
    try:
        yield tried
    finally:
        gate.set()


def _fail(connection: sqlite3.Connection) -> sqlite3.Error:
    connection.execute("ROLLBACK")
    return sqlite3.OperationalError("database or disk is full")


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Whatever is committed inside is lost, and its writers are told."""
    with mock.patch.object(module, "_commit", _fail):
        yield
