"""Redis over its own protocol: what it says of itself, and what two such answers differ by."""

import socket
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

LOOPBACK = "127.0.0.1"
_SECONDS = 30.0


class Redis:
    """One connection, for one thread."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), timeout=_SECONDS)
        self._answers = self._socket.makefile("rb")

    def close(self) -> None:
        self._answers.close()
        self._socket.close()

    def ask(self, *words: str) -> Any:
        """The answer: text, a number, None, or a list of these. Raises OSError, ValueError."""
        parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        self._socket.sendall(f"*{len(words)}\r\n{parts}".encode())
        return self._answer()

    def _answer(self) -> Any:
        kind, text = (line := self._answers.readline().decode().strip())[:1], line[1:]
        if kind == "+":
            return text
        if kind == ":":
            return int(text)
        if kind == "$":
            return self._bulk(int(text))
        if kind == "*":
            return None if text == "-1" else [self._answer() for _ in range(int(text))]
        raise ValueError(f"Redis answered {line!r}")

    def _bulk(self, length: int) -> str | None:
        if length < 0:
            return None
        return self._answers.read(length + 2)[:-2].decode("utf-8", "replace")


@dataclass(frozen=True)
class RedisInfo:
    """Counters since Redis began, and what it holds now; bytes and seconds."""

    calls: dict[str, int]
    microseconds: dict[str, int]
    data_bytes: int
    keys: int
    file_bytes: int


def look(redis: Redis) -> RedisInfo:
    """The counters now."""
    lines = str(redis.ask("INFO", "everything")).splitlines()
    rows = dict(line.split(":", 1) for line in lines if ":" in line)
    commands = {
        name.removeprefix("cmdstat_"): _counts(row)
        for name, row in rows.items()
        if name.startswith("cmdstat_")
    }
    return RedisInfo(
        calls={name: int(counts["calls"]) for name, counts in commands.items()},
        microseconds={name: int(counts["usec"]) for name, counts in commands.items()},
        data_bytes=int(rows["used_memory_dataset"]),
        keys=int(_counts(rows.get("db0", "keys=0"))["keys"]),
        file_bytes=int(rows["aof_current_size"]),
    )


def calls_between(before: RedisInfo, after: RedisInfo) -> dict[str, int]:
    """How often each command was called, the most frequent first."""
    counts = {name: calls - before.calls.get(name, 0) for name, calls in after.calls.items()}
    return dict(sorted(((n, c) for n, c in counts.items() if c), key=lambda pair: -pair[1]))


def bytes_by_kind(redis: Redis) -> dict[str, int]:
    """What all keys take, by whose they are: an app, its workflows, or a topic."""
    taken: defaultdict[str, int] = defaultdict(int)
    cursor = "0"
    while True:
        cursor, keys = redis.ask("SCAN", cursor, "COUNT", "1000")
        for key in keys:
            taken[_kind(key)] += int(redis.ask("MEMORY", "USAGE", key, "SAMPLES", "0") or 0)
        if cursor == "0":
            return dict(taken)


def _kind(key: str) -> str:
    app, is_of_app, rest = key.partition("||")
    if not is_of_app:
        return f"topic {key}"
    return f"{app}, workflows" if rest.startswith("dapr.internal") else app


def _counts(row: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in row.split(","))
