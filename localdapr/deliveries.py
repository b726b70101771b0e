"""The rows of pub/sub: which app still has to get which event, and what apps have subscribed to.

Every function takes a connection and runs as one job of the store; none sleeps or calls an app.
A row lives from the publish until the app has answered for it. A row whose `due_at` is NULL is
parked: localdapr has given up for now, and tries again at its next start.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Topic = tuple[str, str]  # the pubsub component and the topic

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY,
  app_id TEXT NOT NULL,
  pubsub TEXT NOT NULL,
  topic TEXT NOT NULL,        -- the topic of the subscription
  event_id TEXT NOT NULL,     -- of the message; the same for all its subscribers
  body BLOB NOT NULL,
  due_at REAL,                -- Unix time; NULL is parked
  failures INTEGER NOT NULL DEFAULT 0,
  expires_at REAL             -- Unix time; NULL is never
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (app_id, due_at, id);
CREATE TABLE IF NOT EXISTS programmatic_subscriptions (
  app_id TEXT PRIMARY KEY,
  answer TEXT NOT NULL        -- what the app last answered to /dapr/subscribe
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscribers (
  app_id TEXT NOT NULL,       -- its events are kept while it does not run, too
  pubsub TEXT NOT NULL,
  topic TEXT NOT NULL,
  PRIMARY KEY (app_id, pubsub, topic)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Message:
    """What is delivered. `expires_at` is Unix time."""

    pubsub: str
    event_id: str
    body: bytes
    expires_at: float | None = None


@dataclass(frozen=True)
class Due:
    """A row whose time has come or will come; the body is loaded when it does."""

    row: int
    pubsub: str
    topic: str
    due_at: float


@dataclass(frozen=True)
class Delivery:
    """One row: a message on its way to one app."""

    row: int
    app_id: str
    topic: str
    failures: int
    message: Message


def add(
    connection: sqlite3.Connection,
    messages: Sequence[Message],
    topic: str,
    app_ids: Collection[str],
    now: float,
) -> None:
    """One row for each message and app, due now."""
    connection.executemany(
        "INSERT INTO deliveries (app_id, pubsub, topic, event_id, body, due_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (app, sent.pubsub, topic, sent.event_id, sent.body, now, sent.expires_at)
            for sent in messages
            for app in app_ids
        ],
    )


def next_due(connection: sqlite3.Connection, app_id: str, limit: int) -> list[Due]:
    """The rows due first, those due later included; the parked are left out."""
    rows = connection.execute(
        "SELECT id, pubsub, topic, due_at FROM deliveries"
        " WHERE app_id = ? AND due_at IS NOT NULL ORDER BY due_at, id LIMIT ?",
        (app_id, limit),
    )
    return [Due(*row) for row in rows]


def load(connection: sqlite3.Connection, rows: Sequence[int]) -> list[Delivery]:
    """The messages of these rows; a row that is gone is left out."""
    found = connection.execute(
        "SELECT id, app_id, topic, failures, pubsub, event_id, body, expires_at FROM deliveries"
        " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY due_at, id",
        (json.dumps(rows),),
    )
    return [
        Delivery(row, app_id, topic, failures, Message(*message))
        for row, app_id, topic, failures, *message in found
    ]


def remove(connection: sqlite3.Connection, row: int) -> None:
    connection.execute("DELETE FROM deliveries WHERE id = ?", (row,))


def postpone(connection: sqlite3.Connection, row: int, due_at: float | None, failures: int) -> None:
    """Try again at `due_at`, or with None park the row."""
    connection.execute(
        "UPDATE deliveries SET due_at = ?, failures = ? WHERE id = ?", (due_at, failures, row)
    )


def unpark(connection: sqlite3.Connection, now: float) -> int:
    """Make every parked row due; answers how many."""
    return connection.execute(
        "UPDATE deliveries SET due_at = ?, failures = 0 WHERE due_at IS NULL", (now,)
    ).rowcount


def remember_answer(connection: sqlite3.Connection, app_id: str, answer: Sequence[Any]) -> None:
    """Keep what an app answered to /dapr/subscribe, in place of what it answered before."""
    connection.execute(
        "INSERT OR REPLACE INTO programmatic_subscriptions VALUES (?, ?)",
        (app_id, json.dumps(list(answer))),
    )


def remembered_answers(connection: sqlite3.Connection) -> Mapping[str, list[Any]]:
    """The last answer of each app."""
    rows = connection.execute("SELECT app_id, answer FROM programmatic_subscriptions")
    return {app_id: json.loads(answer) for app_id, answer in rows}


def remember_topics(connection: sqlite3.Connection, app_id: str, topics: Collection[Topic]) -> None:
    """Keep which (pubsub, topic) an app gets, in place of those before."""
    connection.execute("DELETE FROM subscribers WHERE app_id = ?", (app_id,))
    connection.executemany(
        "INSERT INTO subscribers VALUES (?, ?, ?)", [(app_id, *topic) for topic in topics]
    )


def remembered_topics(connection: sqlite3.Connection) -> dict[str, set[Topic]]:
    """The (pubsub, topic) of every app that ever subscribed, by app id."""
    topics: dict[str, set[Topic]] = {}
    for app_id, pubsub, topic in connection.execute(
        "SELECT app_id, pubsub, topic FROM subscribers"
    ):
        topics.setdefault(app_id, set()).add((pubsub, topic))
    return topics
