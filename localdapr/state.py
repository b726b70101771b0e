"""State stores: keys with values, ETags and expiry, kept in one table of the data file.

Follows what Dapr's Redis store does with ETags and first-write marks, with two differences: a
failed transaction or multi-key save undoes all of it, and a key that is made anew never gets an
ETag it had before. Owns its rows only; components and scopes are `resources`'.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from localdapr.components import Component
from localdapr.errors import ApiError, error_info, resource_info
from localdapr.names import check_name
from localdapr.resources import Resources

if TYPE_CHECKING:
    from localdapr.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
  store TEXT NOT NULL,
  key TEXT NOT NULL,            -- with its prefix, as in `<app id>||<key>`
  value BLOB NOT NULL,
  version INTEGER NOT NULL,     -- the ETag
  first_write INTEGER NOT NULL, -- 1 once saved with first-write: then no save without ETag
  expires_at REAL,              -- Unix time; NULL is never
  PRIMARY KEY (store, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS state_expiry ON state (expires_at) WHERE expires_at IS NOT NULL;
"""
SWEEP_SECONDS = 60.0
LARGEST_ETAG = 2**63 - 1
MOST_DIGITS = 100
# What becomes of the HTTP status of a refusal.
STATUSES = {
    ("ERR_STATE_DELETE", 400): 409,
    ("ERR_STATE_TRANSACTION", 400): 500,
    ("ERR_STATE_TRANSACTION", 409): 500,
}
OPTIONS = {
    "consistency": ("", "strong", "eventual"),
    "concurrency": ("", "first-write", "last-write"),
}

log = logging.getLogger(__name__)


LONGEST_TTL = 100 * 365 * 86400


@dataclass(frozen=True)
class Entry:
    """A stored value and its ETag; `expires_at` is Unix time."""

    value: bytes
    etag: str
    expires_at: float | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """What Dapr sends with a value that expires."""
        if self.expires_at is None:
            return {}
        moment = datetime.fromtimestamp(self.expires_at, UTC)
        return {"ttlExpireTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


@dataclass(frozen=True)
class Change:
    """One save, or with `value` None one delete. Options are Dapr's texts, "" when not given."""

    key: str
    value: bytes | None
    etag: str = ""
    concurrency: str = ""
    consistency: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def operation(kind: str, change: Change) -> Change:
    """An operation of a transaction. Raises ApiError for a kind that there is not."""
    if kind not in ("upsert", "delete"):
        message = f"operation type {kind} not supported"
        raise ApiError(400, "ERR_NOT_SUPPORTED_STATE_OPERATION", message, grpc="UNIMPLEMENTED")
    return change if kind == "upsert" else replace(change, value=None)


class ChangeRefusedError(Exception):
    """A change cannot be made; `status` is the HTTP status of a lone save or delete."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class StateStores:
    """The state stores as one app sees them. Every call may raise ApiError."""

    def __init__(
        self,
        store: "Store",
        resources: Resources,
        app_id: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._resources = resources
        self._app_id = app_id
        self._clock = clock

    async def get(self, store: str, key: str) -> Entry | None:
        """The value of a key, None when there is none (any more)."""
        return (await self.get_many(store, [key]))[0]

    async def get_many(self, store: str, keys: Sequence[str]) -> list[Entry | None]:
        """The values of several keys as of one moment, in the order asked."""
        component = self._find(store)
        full = [self._full_key(component, key) for key in keys]
        now = self._clock()
        return await self._store.read(
            lambda connection: [find_entry(connection, store, key, now) for key in full]
        )

    async def save(self, store: str, changes: Sequence[Change]) -> None:
        """Save all or nothing: 409 for another ETag, 400 for one that is no number."""
        message = f"failed saving state in state store {store}"
        await self._apply(store, changes, "ERR_STATE_SAVE", message)

    async def delete(self, store: str, changes: Sequence[Change]) -> None:
        """Delete all or nothing; a key that is not there is no error."""
        keys = ", ".join(change.key for change in changes)
        message = f"failed deleting state with key {keys}"
        await self._apply(store, changes, "ERR_STATE_DELETE", message)

    async def transact(self, store: str, changes: Sequence[Change]) -> None:
        """Make all changes or none; any refusal is a 500, as with Dapr."""
        message = "error while executing state transaction"
        await self._apply(store, changes, "ERR_STATE_TRANSACTION", message)

    def require(self, store: str) -> None:
        """Raise ApiError when this app has no state store of that name."""
        self._find(store)

    async def _apply(self, store: str, changes: Sequence[Change], code: str, failed: str) -> None:
        component, now = self._find(store), self._clock()
        default_ttl = component.metadata.get("ttlinseconds", "")
        keys = [self._full_key(component, change.key) for change in changes]
        for change in changes:
            if change.value is not None:
                check_name("key", change.key)

        def apply_all(connection: sqlite3.Connection) -> None:
            for key, change in zip(keys, changes, strict=True):
                apply_change(connection, (store, key), change, now, _lifetime(change, default_ttl))

        try:
            await self._store.write(apply_all)
        except ChangeRefusedError as refused:
            status = STATUSES.get((code, refused.status), refused.status)
            grpc = "INVALID_ARGUMENT" if (refused.status, status) == (400, 409) else ""
            raise ApiError(status, code, f"{failed}: {refused}", grpc=grpc) from refused

    def _find(self, store: str) -> Component:
        component = self._resources.find("state", store, self._app_id)
        if component is None:
            info = error_info("STATE_NOT_FOUND", {"appID": self._app_id})
            message = f"state store {store} is not found"
            raise ApiError(400, "ERR_STATE_STORE_NOT_FOUND", message, [info])
        return component

    def _full_key(self, component: Component, key: str) -> str:
        if not key:
            raise ApiError(400, "ERR_MALFORMED_REQUEST", '"key" is a required field')
        if "||" in key:
            raise _illegal_key(component.name, key)
        prefix = component.metadata.get("keyprefix", "appid")
        named = {"appid": self._app_id, "namespace": self._app_id, "name": component.name}
        return key if prefix == "none" else f"{named.get(prefix, prefix)}||{key}"


def find_entry(connection: sqlite3.Connection, store: str, key: str, now: float) -> Entry | None:
    """The entry of a full key unless it has expired."""
    row = connection.execute(
        "SELECT value, version, expires_at FROM state WHERE store = ? AND key = ?"
        " AND (expires_at IS NULL OR expires_at > ?)",
        (store, key, now),
    ).fetchone()
    return Entry(row[0], str(row[1]), row[2]) if row else None


def apply_change(
    connection: sqlite3.Connection,
    place: tuple[str, str],
    change: Change,
    now: float,
    lifetime: float | None,
) -> None:
    """Make one change at a (store, full key).

    Raises ChangeRefusedError when its ETag or the key's first-write mark forbids it.
    """
    connection.execute(
        "DELETE FROM state WHERE store = ? AND key = ? AND expires_at <= ?", (*place, now)
    )
    held = connection.execute(
        "SELECT version, first_write FROM state WHERE store = ? AND key = ?", place
    ).fetchone()
    asked = _asked_version(change)
    if held:
        _compare(change, asked, *held)
    if change.value is None:
        connection.execute("DELETE FROM state WHERE store = ? AND key = ?", place)
        return
    # A new key starts at the time in microseconds: an ETag of an earlier life never fits it.
    version = held[0] + 1 if held else int(now * 1_000_000)
    marked = change.concurrency == "first-write" or bool(held and held[1])
    expires_at = now + lifetime if lifetime else None
    connection.execute(
        "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?)",
        (*place, change.value, version, marked, expires_at),
    )


def sweep_expired(connection: sqlite3.Connection, now: float) -> int:
    """Remove what has expired; answers how many keys."""
    return connection.execute("DELETE FROM state WHERE expires_at <= ?", (now,)).rowcount


async def sweep_forever(store: "Store", every: float = SWEEP_SECONDS) -> None:
    """Free the room of expired keys (they are invisible already). Ends when cancelled."""
    while True:
        await asyncio.sleep(every)
        try:
            await store.write(lambda connection: sweep_expired(connection, time.time()))
        except sqlite3.Error as cause:
            log.warning("expired keys could not be removed, trying again later: %s", cause)


def _asked_version(change: Change) -> int:
    """The version that must match; 0 when any will do."""
    if not change.etag or (change.concurrency == "last-write" and change.value is not None):
        return 0
    if not change.etag.removeprefix("-").isdecimal() or _exceeds(change.etag, LARGEST_ETAG):
        text = f'invalid etag value: strconv.Atoi: parsing "{change.etag}": invalid syntax'
        raise ChangeRefusedError(400, text)
    return int(change.etag)


def _compare(change: Change, asked: int, version: int, first_write: int) -> None:
    if asked == version:
        return
    if asked == 0 and (not first_write or change.value is None):
        return
    if change.etag and asked:
        raise ChangeRefusedError(409, f"possible etag mismatch: key {change.key} has changed since")
    raise ChangeRefusedError(
        500, f"failed to set key {change.key}: it was saved with first-write, so an etag is needed"
    )


def _lifetime(change: Change, default_ttl: str) -> float | None:
    """Check the options of a change and read its TTL in seconds."""
    for kind, known in OPTIONS.items():
        if (value := getattr(change, kind)) not in known:
            raise ChangeRefusedError(500, f"unrecognized {kind} model '{value}'")
    ttl = change.metadata.get("ttlInSeconds", default_ttl)
    if not ttl:
        return None
    if not ttl.removeprefix("-").isdecimal():
        text = f'failed to parse ttl from metadata: strconv.ParseInt: parsing "{ttl}"'
        raise ChangeRefusedError(500, f"{text}: invalid syntax")
    if _exceeds(ttl, LONGEST_TTL):
        raise ChangeRefusedError(400, f"ttlInSeconds {ttl} is more than {LONGEST_TTL}, 100 years")
    return float(ttl) if int(ttl) > 0 else None


def _exceeds(number: str, largest: int) -> bool:
    """Python does not read thousands of digits."""
    return len(number) > MOST_DIGITS or int(number) > largest


def _illegal_key(store: str, key: str) -> ApiError:
    message = (
        f"api error: code = InvalidArgument desc = input key/keyPrefix '{key}' can't contain '||'"
    )
    bad_request = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "field_violations": [{"field": key, "description": message}],
    }
    details = [bad_request, resource_info("state", store), error_info("STATE_ILLEGAL_KEY", None)]
    return ApiError(400, "ERR_MALFORMED_REQUEST", message, details)
