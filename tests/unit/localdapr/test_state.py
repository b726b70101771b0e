"""State stores on a real data file."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from localdapr.components import Component
from localdapr.errors import ApiError
from localdapr.resources import Resources
from localdapr.state import SCHEMA, Change, StateStores, sweep_expired
from localdapr.store import Store

RESOURCES = Resources(
    components=(
        Component("own", "state.redis"),
        Component("shared", "state.redis", metadata={"keyprefix": "none"}),
        Component("named", "state.redis", metadata={"keyprefix": "name"}),
        Component("fixed", "state.redis", metadata={"keyprefix": "shop"}),
        Component("brief", "state.redis", metadata={"ttlinseconds": "10"}),
        Component("hidden", "state.redis", scopes=("someone",)),
    )
)
FIRST_WRITE = {"concurrency": "first-write"}


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path, [SCHEMA])
    yield opened
    opened.close()


@pytest.fixture
def states(store: Store, clock: Clock) -> StateStores:
    return StateStores(store, RESOURCES, "order", clock)


def save(states: StateStores, key: str, value: bytes | None, **options: Any) -> None:
    asyncio.run(states.save("own", [Change(key, value, **options)]))


def get(states: StateStores, key: str, store: str = "own") -> bytes | None:
    entry = asyncio.run(states.get(store, key))
    return entry.value if entry else None


def etag(states: StateStores, key: str) -> str:
    entry = asyncio.run(states.get("own", key))
    assert entry
    return entry.etag


def refused(call: Callable[[], object] | Coroutine[Any, Any, object]) -> ApiError:
    """The error of a call, or of a coroutine that is run."""
    with pytest.raises(ApiError) as caught:
        call() if callable(call) else asyncio.run(call)
    return caught.value


def test_a_saved_value_is_read_byte_for_byte(states: StateStores) -> None:
    save(states, "k", b"\x00 any bytes \xff")
    assert get(states, "k") == b"\x00 any bytes \xff"
    assert get(states, "other") is None


def test_a_save_with_an_old_etag_is_a_conflict_and_changes_nothing(states: StateStores) -> None:
    save(states, "k", b"1")
    old = etag(states, "k")
    save(states, "k", b"2", etag=old)
    assert refused(lambda: save(states, "k", b"3", etag=old)).status == 409
    assert get(states, "k") == b"2"


def test_of_two_creations_with_first_write_one_wins(states: StateStores) -> None:
    save(states, "k", b"1", **FIRST_WRITE)
    assert refused(lambda: save(states, "k", b"2", **FIRST_WRITE)).code == "ERR_STATE_SAVE"
    assert get(states, "k") == b"1"
    save(states, "k", b"2", etag=etag(states, "k"), **FIRST_WRITE)
    assert get(states, "k") == b"2"


def test_a_key_made_anew_never_has_an_etag_of_its_earlier_life(
    states: StateStores, clock: Clock
) -> None:
    save(states, "k", b"1")
    old = etag(states, "k")
    save(states, "k", None)
    clock.now += 0.001
    save(states, "k", b"2")
    assert refused(lambda: save(states, "k", b"3", etag=old)).status == 409


def test_last_write_ignores_the_etag_but_not_a_first_write_mark(states: StateStores) -> None:
    save(states, "k", b"1")
    save(states, "k", b"2", etag="5", concurrency="last-write")
    assert get(states, "k") == b"2"
    save(states, "marked", b"1", **FIRST_WRITE)
    assert refused(lambda: save(states, "marked", b"2", concurrency="last-write")).status == 500


def test_a_failed_transaction_changes_nothing(states: StateStores) -> None:
    save(states, "b", b"1")
    changes = [Change("a", b"new"), Change("b", None), Change("c", b"3"), Change("a", b"x", "7")]
    error = refused(states.transact("own", changes))
    assert (error.status, error.code) == (500, "ERR_STATE_TRANSACTION")
    assert [get(states, key) for key in "abc"] == [None, b"1", None]


def test_a_transaction_sees_its_own_earlier_changes(states: StateStores) -> None:
    changes = [Change("a", b"1"), Change("a", None), Change("b", b"2")]
    asyncio.run(states.transact("own", changes))
    assert [get(states, key) for key in "ab"] == [None, b"2"]


def test_a_save_of_several_keys_is_all_or_nothing(states: StateStores) -> None:
    save(states, "b", b"1")
    changes = [Change("a", b"1"), Change("b", b"2", etag="9")]
    assert refused(states.save("own", changes)).status == 409
    assert get(states, "a") is None


def test_expired_keys_vanish_at_once_and_are_swept_later(
    states: StateStores, store: Store, clock: Clock
) -> None:
    save(states, "k", b"1", metadata={"ttlInSeconds": "5"})
    save(states, "stays", b"1", metadata={"ttlInSeconds": "-1"})
    clock.now += 5
    assert [get(states, "k"), get(states, "stays")] == [None, b"1"]
    assert asyncio.run(store.write(lambda db: sweep_expired(db, clock.now))) == 1


def test_an_expired_key_is_new_again_even_for_first_write(
    states: StateStores, clock: Clock
) -> None:
    save(states, "k", b"1", metadata={"ttlInSeconds": "5"}, **FIRST_WRITE)
    clock.now += 6
    save(states, "k", b"2", **FIRST_WRITE)
    assert get(states, "k") == b"2"


def test_a_save_without_ttl_lifts_an_earlier_one(states: StateStores, clock: Clock) -> None:
    save(states, "k", b"1", metadata={"ttlInSeconds": "5"})
    save(states, "k", b"2")
    clock.now += 6
    assert get(states, "k") == b"2"


def test_a_components_own_ttl_is_the_default(states: StateStores, clock: Clock) -> None:
    asyncio.run(states.save("brief", [Change("k", b"1")]))
    clock.now += 11
    assert get(states, "k", "brief") is None


def test_an_entry_tells_when_it_expires(states: StateStores) -> None:
    save(states, "k", b"1", metadata={"ttlInSeconds": "5"})
    entry = asyncio.run(states.get("own", "k"))
    assert entry
    assert entry.metadata == {"ttlExpireTime": "2023-11-14T22:13:25Z"}


@pytest.mark.parametrize(
    ("name", "shared"), [("own", False), ("shared", True), ("named", True), ("fixed", True)]
)
def test_the_key_prefix_decides_who_shares_a_key(
    states: StateStores, store: Store, clock: Clock, name: str, shared: bool
) -> None:
    other = StateStores(store, RESOURCES, "kitchen", clock)
    asyncio.run(states.save(name, [Change("k", b"1")]))
    assert (get(other, "k", name) == b"1") is shared


def test_stores_do_not_share_keys(states: StateStores) -> None:
    asyncio.run(states.save("shared", [Change("k", b"1")]))
    assert get(states, "k") is None


@pytest.mark.parametrize("name", ["nowhere", "hidden"])
def test_an_unknown_or_hidden_store_is_refused(states: StateStores, name: str) -> None:
    error = refused(states.get(name, "k"))
    assert (error.status, error.code) == (400, "ERR_STATE_STORE_NOT_FOUND")


@pytest.mark.parametrize(
    ("key", "options", "status"),
    [
        ("a||b", {}, 400),
        ("", {}, 400),
        ("k", {"etag": "abc"}, 400),
        ("k", {"etag": str(2**70)}, 400),
        ("k", {"consistency": "weird"}, 500),
        ("k", {"concurrency": "weird"}, 500),
        ("k", {"metadata": {"ttlInSeconds": "x"}}, 500),
        ("k", {"metadata": {"ttlInSeconds": "9" * 12}}, 400),
    ],
)
def test_a_malformed_save_is_refused_and_nothing_is_kept(
    states: StateStores, key: str, options: dict[str, Any], status: int
) -> None:
    assert refused(lambda: save(states, key, b"1", **options)).status == status
    assert get(states, "k") is None


def test_deletes_compare_etags_and_do_not_mind_missing_keys(states: StateStores) -> None:
    save(states, "k", b"1", **FIRST_WRITE)
    error = refused(states.delete("own", [Change("k", None, etag="9")]))
    assert (error.status, error.code) == (409, "ERR_STATE_DELETE")
    asyncio.run(states.delete("own", [Change("k", None), Change("never", None, etag="1")]))
    assert get(states, "k") is None


def test_many_keys_are_read_in_the_order_asked(states: StateStores) -> None:
    save(states, "a", b"1")
    save(states, "c", b"3")
    entries = asyncio.run(states.get_many("own", ["c", "b", "a"]))
    assert [entry and entry.value for entry in entries] == [b"3", None, b"1"]


def test_twenty_dbs_with_etags_lose_no_update(states: StateStores) -> None:
    async def add_one() -> None:
        while True:
            entry = await states.get("own", "n")
            assert entry
            try:
                change = Change("n", str(int(entry.value) + 1).encode(), etag=entry.etag)
                return await states.save("own", [change])
            except ApiError as error:
                if error.status != 409:
                    raise

    async def run() -> None:
        await states.save("own", [Change("n", b"0")])
        await asyncio.gather(*(add_one() for _ in range(20)))

    asyncio.run(run())
    assert get(states, "n") == b"20"
