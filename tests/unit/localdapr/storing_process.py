"""Keeps words in a store, tells which are acknowledged, and waits to be killed.

python storing_process.py FOLDER FIRST COUNT
"""

import asyncio
import sqlite3
import sys
from pathlib import Path

from localdapr.store import Store

SCHEMA = "CREATE TABLE IF NOT EXISTS words (number INTEGER PRIMARY KEY, word TEXT UNIQUE)"


def word(number: int) -> str:
    """Of very different length; no two are alike."""
    return f"{number} " + chr(97 + number % 26) * (number * 7919 % 3000)


def put(db: sqlite3.Connection, number: int) -> None:
    """A word that stays, and one that leaves its pages free."""
    db.execute("INSERT INTO words VALUES (?, ?)", (number, word(number)))
    db.execute("INSERT INTO words VALUES (?, ?)", (-number, f"{number} gone" * 2000))
    db.execute("DELETE FROM words WHERE number = ?", (min(3 - number, 0),))


async def main(folder: str, first: str, count: str) -> None:
    store = Store(Path(folder), [SCHEMA])
    for number in range(int(first), int(first) + int(count)):
        await store.write(lambda db, number=number: put(db, number))
        print(number, flush=True)
    print("all", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
