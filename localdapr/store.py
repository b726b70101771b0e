"""The one owner of the data file: a SQLite database in WAL mode that survives a crash at any time.

Owns the writer thread, the reader thread and the file's identity. Knows no table but its own
mark: each module that keeps data gives its `SCHEMA` and sends functions that take a connection.
Nothing is acknowledged before it is on disk (`synchronous=FULL`); writes that arrive together
share one transaction and one sync.
"""

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from localdapr.errors import DatabaseError, FolderInUseError

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
Pending = tuple[Job[Any], "asyncio.Future[Any]"]
Outcome = tuple["asyncio.Future[Any]", Any, BaseException | None]
Line = queue.SimpleQueue["Pending | None"]

APPLICATION_ID = 0x6C64_6170  # "ldap": SQLite's field for "whose file is this"
FORMAT = 1
GROUP = 256  # jobs in one transaction: bounds the wait of the first
FILE_NAME = "localdapr.db"


class Store:
    """The data file of one process. `write` and `read` take a function of a connection."""

    def __init__(self, folder: Path, schemas: Sequence[str]) -> None:
        """Open or create the file in `folder`. Raises DatabaseError in one line."""
        self.path = folder / FILE_NAME
        self._lock = lock_folder(folder)
        try:
            self._writer = _open(self.path)
            _check(self._writer, self.path)
            _prepare(self._writer, schemas)
            self._reader = _open(self.path)
            _tune(self._reader)
        except (sqlite3.DatabaseError, OSError, DatabaseError) as cause:
            os.close(self._lock)
            raise _refusal(self.path, cause) from cause
        self._jobs, self._questions = Line(), Line()
        self._threads = [
            _serve("store-writer", self._jobs, self._writer, _run_group),
            _serve("store-reader", self._questions, self._reader, _read_group),
        ]
        self._closed = False

    async def write(self, job: Job[T]) -> T:
        """Run `job` in the writer's transaction; resolves once its effect is on disk.

        An exception of the job undoes that job alone and is raised here. A failing disk raises
        sqlite3.OperationalError, and nothing of the job is kept.
        """
        return await _ask(self._jobs, job)

    async def read(self, job: Job[T]) -> T:
        """Run `job` on the reader's connection: it sees what was committed when it began."""
        return await _ask(self._questions, job)

    def close(self) -> None:
        """Finish what was asked, then close the file. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for line, thread in zip((self._jobs, self._questions), self._threads, strict=True):
            line.put(None)
            thread.join()
        self._reader.close()
        self._writer.close()
        os.close(self._lock)


async def _ask(line: Line, job: Job[T]) -> T:
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    line.put((job, done))
    return await done


def _serve(
    name: str,
    line: Line,
    connection: sqlite3.Connection,
    run: Callable[[sqlite3.Connection, Sequence[Pending]], Sequence[Outcome]],
) -> threading.Thread:
    """The thread that runs what comes down a line, group by group, until None comes."""

    def serve() -> None:
        while group := _next_group(line):
            outcomes = run(connection, group)
            # One call for the whole group: each is a write to the pipe that wakes the event loop.
            group[0][1].get_loop().call_soon_threadsafe(_settle, outcomes)

    thread = threading.Thread(target=serve, name=name)
    thread.start()
    return thread


def _next_group(line: Line) -> list[Pending]:
    """Everything that waits, up to GROUP jobs; empty when the store closes."""
    first = line.get()
    if first is None:
        return []
    group = [first]
    while len(group) < GROUP and not line.empty():
        following = line.get()
        if following is None:
            line.put(None)
            break
        group.append(following)
    return group


def _settle(outcomes: Sequence[Outcome]) -> None:
    """Tell the callers, on their event loop."""
    for done, result, error in outcomes:
        if done.cancelled():
            continue
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)


def _run_group(connection: sqlite3.Connection, group: Sequence[Pending]) -> Sequence[Outcome]:
    """Run the jobs in one transaction; it is on disk when this returns."""
    outcomes: list[Outcome] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job, done in group:
            outcomes.append((done, *_run_job(connection, job)))
        connection.execute("COMMIT")
    except sqlite3.Error as failure:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        outcomes = [(done, None, failure) for _, done in group]
    return outcomes


def _run_job(connection: sqlite3.Connection, job: Job[Any]) -> tuple[Any, BaseException | None]:
    connection.execute("SAVEPOINT job")
    try:
        result = job(connection)
    # The edge of the writer thread: whatever a job raises belongs to its caller, who awaits it.
    except Exception as error:
        if not connection.in_transaction:
            raise sqlite3.OperationalError(str(error)) from error
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return None, error
    connection.execute("RELEASE job")
    return result, None


def _read_group(connection: sqlite3.Connection, group: Sequence[Pending]) -> Sequence[Outcome]:
    return [(done, *_run_read(connection, job)) for job, done in group]


def _run_read(connection: sqlite3.Connection, job: Job[Any]) -> tuple[Any, BaseException | None]:
    """One transaction: all that a job reads is of one moment, whatever is written meanwhile."""
    try:
        connection.execute("BEGIN")
        return job(connection), None
    # The edge of the reader thread: whatever a job raises belongs to its caller, who awaits it.
    except Exception as error:  # noqa: BLE001
        return None, error
    finally:
        connection.rollback()


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def _tune(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=10000")
    connection.execute("PRAGMA foreign_keys=ON")
    # Debian's SQLite overwrites with zeros what is deleted, and so writes large payloads once more.
    connection.execute("PRAGMA secure_delete=OFF")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is not ours or not whole, and leave it as it is."""
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (made_by,) = connection.execute("PRAGMA user_version").fetchone()
    if tables and mark != APPLICATION_ID:
        raise DatabaseError(f"{path} is a database of another program; name another --data-dir")
    if tables and made_by != FORMAT:
        raise DatabaseError(
            f"{path} has format {made_by}, this localdapr reads format {FORMAT}; "
            "name another --data-dir or remove the file"
        )
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict).splitlines()[-1])


def _prepare(connection: sqlite3.Connection, schemas: Sequence[str]) -> None:
    _tune(connection)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={FORMAT}")
    for schema in schemas:
        connection.executescript(schema)


def lock_folder(folder: Path) -> int:
    """Hold the folder until the descriptor is closed, or the process ends, however it ends.

    Raises FolderInUseError, and DatabaseError when there can be no such folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as cause:
        raise DatabaseError(f"{folder} cannot be used as data folder: {cause.strerror}") from cause
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as cause:
        os.close(handle)
        raise FolderInUseError(
            f"{folder} is in use by another localdapr; stop it or name another --data-dir"
        ) from cause
    return handle


def _refusal(path: Path, cause: Exception) -> DatabaseError:
    if isinstance(cause, DatabaseError):
        return cause
    return DatabaseError(
        f"{path} cannot be used ({cause}); move it away or name another --data-dir"
    )
