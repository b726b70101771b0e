import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from localdapr.errors import DatabaseError
from localdapr.store import FILE_NAME, Store
from tests.unit.localdapr.bad_disk import slow_disk

SCHEMA = "CREATE TABLE IF NOT EXISTS words (word TEXT UNIQUE)"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path, [SCHEMA])
    yield opened
    opened.close()


def add(word: str) -> "object":
    return lambda db: db.execute("INSERT INTO words VALUES (?)", (word,)).rowcount


def words(db: sqlite3.Connection) -> list[str]:
    return [word for (word,) in db.execute("SELECT word FROM words ORDER BY word")]


def test_what_was_acknowledged_is_read_and_is_there_after_opening_again(tmp_path: Path) -> None:
    first = Store(tmp_path, [SCHEMA])
    asyncio.run(first.write(add("dough")))
    assert asyncio.run(first.read(words)) == ["dough"]
    first.close()
    second = Store(tmp_path, [SCHEMA])
    assert asyncio.run(second.read(words)) == ["dough"]
    second.close()


def test_writes_that_arrive_together_share_a_transaction(store: Store) -> None:
    begun = []
    store._db.set_trace_callback(lambda sql: begun.append(sql) if "BEGIN" in sql else None)

    async def write_all() -> None:
        await asyncio.gather(*(store.write(add(str(n))) for n in range(50)))

    asyncio.run(write_all())
    assert len(begun) == 1


def test_a_job_that_fails_is_undone_alone(store: Store) -> None:
    def add_then_fail(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO words VALUES ('lost')")
        raise ValueError("no")

    async def write_all() -> list[object]:
        jobs = [add("kept"), add_then_fail, add("kept too")]
        return await asyncio.gather(*map(store.write, jobs), return_exceptions=True)

    outcomes = asyncio.run(write_all())
    assert isinstance(outcomes[1], ValueError)
    assert asyncio.run(store.read(words)) == ["kept", "kept too"]


def test_a_full_disk_is_an_error_for_the_db_and_passes_when_there_is_space(
    store: Store,
) -> None:
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        asyncio.run(store.write(add("x" * 100_000)))
    store._db.execute("PRAGMA max_page_count=100000")
    asyncio.run(store.write(add("fits")))
    assert asyncio.run(store.read(words)) == ["fits"]


def test_closing_twice_is_harmless_and_finishes_what_was_asked(tmp_path: Path) -> None:
    store = Store(tmp_path, [SCHEMA])

    async def write_and_close() -> None:
        pending = asyncio.ensure_future(store.write(add("asked")))
        await asyncio.sleep(0)
        store.close()
        store.close()
        assert await pending == 1

    asyncio.run(write_and_close())


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"not a database at all" * 100, "not a database"), (None, "another program")],
    ids=["garbage", "foreign"],
)
def test_a_file_that_is_not_ours_is_refused_in_one_line(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / FILE_NAME
    if content is None:
        foreign = sqlite3.connect(file)
        foreign.execute("CREATE TABLE theirs (x)")
        foreign.close()
    else:
        file.write_bytes(content)
    with pytest.raises(DatabaseError, match=reason) as refusal:
        Store(tmp_path, [SCHEMA])
    assert "\n" not in str(refusal.value)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path, [SCHEMA])
    asyncio.run(store.write(lambda db: [add(f"{n:0500}")(db) for n in range(200)]))
    store.close()
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:8192] + b"\xff" * 8192 + file.read_bytes()[16384:])
    with pytest.raises(DatabaseError, match="cannot be used"):
        Store(tmp_path, [SCHEMA])


def test_a_second_owner_of_the_folder_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="in use by another localdapr"):
        Store(tmp_path, [SCHEMA])


def test_the_file_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as foreign:
        foreign.execute("CREATE TABLE theirs (x)")
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(DatabaseError, match="another program"):
        Store(tmp_path, [SCHEMA])
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_who_reads_what_is_not_on_disk_yet_waits_until_it_is(store: Store) -> None:
    async def write_and_read() -> None:
        with slow_disk(store):
            writing = asyncio.ensure_future(store.write(add("dough")))
            await asyncio.sleep(0.01)
            reading = asyncio.ensure_future(store.read(words))
            await asyncio.sleep(0.01)
            assert not reading.done()
        assert await reading == ["dough"]
        await writing

    asyncio.run(write_and_read())


def test_nothing_is_acknowledged_before_the_commit_has_ended(store: Store) -> None:
    async def write() -> None:
        with slow_disk(store):
            asked = [asyncio.ensure_future(store.write(add(word))) for word in ("now", "soon")]
            await asyncio.sleep(0.05)
            assert not any(each.done() for each in asked)
        assert await asyncio.gather(*asked) == [1, 1]

    asyncio.run(write())


def test_a_patient_job_is_committed_though_nobody_else_comes(store: Store) -> None:
    async def write() -> None:
        done = asyncio.Event()
        store.submit(add("alone"), lambda _, failure: failure or done.set(), patient=True)
        await asyncio.wait_for(done.wait(), 10)

    asyncio.run(write())
    assert asyncio.run(store.read(words)) == ["alone"]


def test_a_commit_that_fails_undoes_all_that_waited_for_it(store: Store) -> None:
    async def write_all() -> list[object]:
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()
        store._db.execute(f"PRAGMA max_page_count={pages}")
        jobs = [store.write(add(word)) for word in ("small", "x" * 100_000)]
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
        store._db.execute("PRAGMA max_page_count=100000")
        return [*outcomes, await store.write(add("later"))]

    first, second, later = asyncio.run(write_all())
    assert isinstance(first, sqlite3.OperationalError)
    assert isinstance(second, sqlite3.OperationalError)
    assert later == 1
    assert asyncio.run(store.read(words)) == ["later"]
