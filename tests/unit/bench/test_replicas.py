"""What the bench of replicas reads from Redis and makes of it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from bench.processor_time import by_kind
from bench.redis_info import Redis, RedisInfo, calls_between, look

INFO = (
    "# Stats\r\ncmdstat_get:calls=7,usec=70,usec_per_call=10.00\r\nused_memory_dataset:4096\r\n"
    "aof_current_size:512\r\ndb0:keys=3,expires=0,avg_ttl=0\r\n"
)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def asked(listener: socket.socket, answer: bytes) -> Redis:
    """A connection to somebody who gives this answer to the first question."""

    def serve() -> None:
        with listener.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return Redis(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (b"+OK\r\n", "OK"),
        (b":42\r\n", 42),
        (b"$5\r\nhe\r\nl\r\n", "he\r\nl"),
        (b"*2\r\n*-1\r\n*2\r\n$-1\r\n:1\r\n", [None, [None, 1]]),
    ],
)
def test_redis_answers_are_read(listener: socket.socket, answer: bytes, value: object):
    with closing(asked(listener, answer)) as redis:
        assert redis.ask("ANYTHING") == value


def test_an_error_of_redis_is_raised_with_its_words(listener: socket.socket):
    with (
        closing(asked(listener, b"-ERR unknown\r\n")) as redis,
        pytest.raises(ValueError, match="ERR unknown"),
    ):
        redis.ask("NONSENSE")


def test_the_counters_are_taken_from_what_redis_says_of_itself(listener: socket.socket):
    answer = f"${len(INFO)}\r\n{INFO}\r\n".encode()
    with closing(asked(listener, answer)) as redis:
        assert look(redis) == RedisInfo({"get": 7}, {"get": 70}, 4096, 3, 512)


def test_calls_are_counted_between_two_looks():
    before, after = (RedisInfo(calls, {}, 0, 0, 0) for calls in ({"get": 7}, {"get": 9, "set": 5}))
    assert calls_between(before, after) == {"set": 5, "get": 2}


def test_the_replicas_of_one_kind_are_added_up():
    before = {"pizza-workflow": 1.0, "pizza-workflow-2-daprd": 0.5}
    after = {"pizza-workflow": 1.5, "pizza-workflow-daprd": 0.25, "pizza-workflow-2-daprd": 1.0}
    assert by_kind(before, after) == {"pizza-workflow": 0.5, "pizza-workflow-daprd": 0.75}
