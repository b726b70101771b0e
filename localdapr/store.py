"""The one owner of the data file: a SQLite database in WAL mode that survives a crash at any time.

Owns the connection, the thread that commits, and the file's identity. Knows no table but its own
mark: each module that keeps data gives its `SCHEMA` and sends functions that take a connection.

These functions run on the event loop, in one transaction that grows until it is committed; only
the commit, which waits for the disk (`synchronous=FULL`), is the thread's. So a job sees at once
what jobs before it have done, and work that harms nobody when it is lost may begin. But nothing
is acknowledged before it is on disk, and whoever arrives during a commit shares the next one.
"""

import asyncio
import contextlib
import fcntl
import functools
import os
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from localdapr import private
from localdapr.check_file import SUFFIX, CheckFile
from localdapr.checked_log import CheckedLog
from localdapr.damage import find_damage
from localdapr.errors import DamagedError, DatabaseError, FolderInUseError
from localdapr.wal import PAGE

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
Then = Callable[[Any, BaseException | None], None]  # is told the result, or the failure

APPLICATION_ID = 0x6C64_6170  # "ldap": SQLite's field for "whose file is this"
FORMAT = 2
GROUP = 256  # jobs in one transaction: bounds the wait of the first
PATIENCE = 0.002  # seconds that a commit waits when all who wait for it are patient
FILE_NAME = private.DATA_FILE
HEADER = b"SQLite format 3\0"


class Store:
    """The data file of one process. `write` and `read` take a function of a connection."""

    def __init__(self, folder: Path, schemas: Sequence[str]) -> None:
        """Open or create the file in `folder`. Raises DatabaseError in one line."""
        self.path = folder / FILE_NAME
        self._lock = lock_folder(folder)
        try:
            self._db, self._log = _open(self.path, schemas)
        except (sqlite3.DatabaseError, OSError, DatabaseError) as cause:
            os.close(self._lock)
            raise _refusal(self.path, cause) from cause
        self._line: deque[tuple[Job[Any], Then]] = deque()
        self._group: list[tuple[Then, Any, BaseException | None]] = []  # run, not committed
        self._urgent = self._called = self._committing = self._closed = False
        self._unchanged = 0  # what `total_changes` was when the transaction began
        self._failure: sqlite3.Error | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._commits: queue.SimpleQueue[asyncio.AbstractEventLoop | None] = queue.SimpleQueue()
        # Daemonic: a process that ends without `close` ends as after a crash, and does not hang.
        self._thread = threading.Thread(
            target=self._serve_commits, name="store-commits", daemon=True
        )
        self._thread.start()

    async def write(self, job: Job[T]) -> T:
        """Run `job` in the next transaction; resolves once its effect is on disk.

        An exception of the job undoes that job alone and is raised here. A failing disk raises
        sqlite3.OperationalError, and nothing of the job is kept.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.submit(job, functools.partial(tell, done))
        return await done

    def submit(self, job: Job[Any], then: Then, patient: bool = False) -> None:
        """As `write`, without waiting: `then` is called on the event loop.

        A patient job lets its commit wait for others a moment.
        """
        self._line.append((job, then))
        self._urgent |= not patient
        self._call(asyncio.get_running_loop())

    def hurry(self) -> None:
        """For a job that was patient and should not be: commit without delay."""
        self._urgent = True

    async def read(self, job: Job[T]) -> T:
        """Run `job`, which only reads: it sees what is on disk, all of one moment."""
        if self._committing or self._db.in_transaction:
            return await self.write(job)
        return job(self._db)

    def close(self) -> None:
        """Finish what was asked, then close the file. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._commits.put(None)
        self._thread.join()
        if self._committing:
            self._committing = False
            self._settle(self._failure)
        while self._line or self._group:
            self._run_line()
            self._settle(self._commit())
        self._log.close()
        os.close(self._lock)

    def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        """Come to the line soon: all that is asked in one round of the loop is one group."""
        if not (self._called or self._committing):
            self._called = True
            loop.call_soon(self._run, loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        self._called = False
        if self._committing or self._closed:
            return
        self._run_line()
        if not self._db.in_transaction:
            self._end(loop, None)
        elif self._db.total_changes == self._unchanged:
            self._end(loop, _commit(self._db))
        elif self._urgent or len(self._group) >= GROUP:
            self._begin_commit(loop)
        elif self._alarm is None:
            self._alarm = loop.call_later(PATIENCE, self._begin_commit, loop)

    def _run_line(self) -> None:
        """Run what was asked. The transaction is lost with all its jobs when one breaks it."""
        while self._line and len(self._group) < GROUP:
            job, then = self._line.popleft()
            try:
                self._begin()
                self._group.append((then, *_run_job(self._db, job)))
            except sqlite3.Error as failure:
                self._group.append((then, None, failure))
                _roll_back(self._db)
                self._settle(failure)

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._unchanged = self._db.total_changes
            self._db.execute("BEGIN IMMEDIATE")

    def _begin_commit(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._group and not (self._committing or self._closed):
            self._committing, self._urgent = True, False
            self._commits.put(loop)

    def _serve_commits(self) -> None:
        """The thread: commit whenever a loop asks, and tell that loop; until None comes."""
        while (loop := self._commits.get()) is not None:
            self._failure = self._commit()
            loop.call_soon_threadsafe(self._end_commit, loop)

    def _commit(self) -> sqlite3.Error | None:
        failure = _commit(self._db)
        if failure is None:
            self._log.note_commit()
        return failure

    def _end_commit(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._committing:  # else `close` was quicker
            self._committing = False
            self._end(loop, self._failure)

    def _end(self, loop: asyncio.AbstractEventLoop, failure: sqlite3.Error | None) -> None:
        self._settle(failure)
        if self._line:
            self._call(loop)

    def _settle(self, failure: BaseException | None) -> None:
        """Tell those who asked how it ended."""
        group, self._group = self._group, []
        for then, result, error in group:
            then(result, failure or error)


def tell(done: "asyncio.Future[T]", result: T, failure: BaseException | None) -> None:
    """Give an outcome to who waits for it, if anyone still does."""
    if done.cancelled():
        return
    if failure is not None:
        done.set_exception(failure)
    else:
        done.set_result(result)


def _run_job(connection: sqlite3.Connection, job: Job[Any]) -> tuple[Any, BaseException | None]:
    connection.execute("SAVEPOINT job")
    try:
        result = job(connection)
    # The edge of the store: whatever a job raises belongs to its caller, who awaits it.
    except Exception as error:
        if not connection.in_transaction:
            raise sqlite3.OperationalError(str(error)) from error
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return None, error
    connection.execute("RELEASE job")
    return result, None


def _commit(connection: sqlite3.Connection) -> sqlite3.Error | None:
    """All that was done since the last commit is on disk, or undone and the failure returned."""
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as failure:
        _roll_back(connection)
        return failure
    return None


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _open(path: Path, schemas: Sequence[str]) -> tuple[sqlite3.Connection, CheckedLog]:
    """Raises DatabaseError, sqlite3.DatabaseError and OSError, and leaves what it refuses."""
    _check_header(path)
    check = CheckFile(path.with_name(path.name + SUFFIX))
    with contextlib.ExitStack() as undo:
        undo.callback(check.close)
        if damage := find_damage(path, check):
            raise _damaged(path, damage)
        private.make_file(path)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        undo.callback(connection.close)
        # Before anything is read: then no lock is taken and no memory shared for each commit.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        _check(connection, path)
        prepare(connection, schemas)
        log = CheckedLog(connection, path, check)
        undo.pop_all()
    return connection, log


def _tune(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA page_size={PAGE}")  # of a new file; a file that is there keeps its
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # Debian's SQLite overwrites with zeros what is deleted, and so writes large payloads once more.
    connection.execute("PRAGMA secure_delete=OFF")


def _check_header(path: Path) -> None:
    """Refuse the file of another format without a connection, whose end would change it."""
    try:
        with path.open("rb") as file:
            header = file.read(72)
    except FileNotFoundError:
        return
    made_by, mark = (int.from_bytes(header[at : at + 4], "big") for at in (60, 68))
    if header.startswith(HEADER) and mark == APPLICATION_ID and made_by not in (0, FORMAT):
        raise _other_format(path, made_by)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is not ours or not whole, and leave it as it is."""
    _check_mark(connection, path)
    (made_by,) = connection.execute("PRAGMA user_version").fetchone()
    if made_by != FORMAT and _has_tables(connection):
        raise _other_format(path, made_by)
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise _damaged(path, str(verdict).splitlines()[-1])


def _check_mark(connection: sqlite3.Connection, path: Path) -> None:
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    if mark != APPLICATION_ID and _has_tables(connection):
        raise DatabaseError(f"{path} is a database of another program; name another --data-dir")


def _has_tables(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(tables)


def prepare(connection: sqlite3.Connection, schemas: Sequence[str]) -> None:
    """Make the tables that are not there, in a file that is marked as ours."""
    _tune(connection)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={FORMAT}")
    for schema in schemas:
        connection.executescript(schema)


def remove_data(folder: Path) -> None:
    """Removes the data file, of whatever format and state, and what SQLite keeps beside it.

    Raises DatabaseError for what is not localdapr's. The caller holds the folder.
    """
    path = folder / FILE_NAME
    try:
        if path.exists() and not _is_marked(path):
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                _check_mark(connection, path)
        for suffix in ("", *private.BESIDE):
            path.with_name(f"{FILE_NAME}{suffix}").unlink(missing_ok=True)
    except (sqlite3.DatabaseError, OSError) as cause:
        raise _refusal(path, cause) from cause


def _is_marked(path: Path) -> bool:
    """Whether the file's header has our mark, which SQLite does not tell of a damaged file.

    The mark of a file that was never checkpointed is in its log; SQLite knows that one.
    """
    with path.open("rb") as file:
        file.seek(68)
        return file.read(4) == APPLICATION_ID.to_bytes(4, "big")


def lock_folder(folder: Path) -> int:
    """Hold the folder until the descriptor is closed, or the process ends, however it ends.

    Raises FolderInUseError, and DatabaseError when there can be no such folder.
    """
    try:
        private.make_folder(folder)
        handle = os.open(folder / private.LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as cause:
        raise DatabaseError(f"{folder} cannot be used as data folder: {cause.strerror}") from cause
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as cause:
        os.close(handle)
        raise FolderInUseError(
            f"{folder} is in use by another localdapr; stop it or name another --data-dir"
        ) from cause
    private.tighten(folder)
    return handle


def _other_format(path: Path, made_by: int) -> DatabaseError:
    return DatabaseError(
        f"{path} has format {made_by}, this localdapr reads format {FORMAT}; "
        "name another --data-dir or remove the file"
    )


def _damaged(path: Path, what: str) -> DamagedError:
    return DamagedError(
        f"{path} cannot be used ({what}); localdapr recover --data-dir {path.parent} "
        "keeps a copy and goes on with what is whole"
    )


def _refusal(path: Path, cause: Exception) -> DatabaseError:
    if isinstance(cause, DatabaseError):
        return cause
    return DatabaseError(
        f"{path} cannot be used ({cause}); move it away or name another --data-dir"
    )
