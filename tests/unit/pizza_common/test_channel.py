"""What never reaches the app is refused with a problem, too."""

import json
import socket

import pytest
import requests

from tests.unit.pizza_common.service_process import (
    DEADLINE,
    Process,
    answers,
    told_until_cut_off,
    wait_until,
)

MIB = b"x" * 0x100000
LIMIT = 262_144


@pytest.fixture(scope="module")
def running_kitchen():
    with Process() as process:
        yield process.ready()


@pytest.fixture
def kitchen(running_kitchen):
    """One that has nothing but its first line in its log when the test is over."""
    yield running_kitchen
    assert answers(running_kitchen.url)
    assert running_kitchen.logged() == ["listening"]


def told(kitchen, sent):
    """The status, the headers in small letters, and the problem that the answer is."""
    with socket.create_connection(("127.0.0.1", kitchen.port), DEADLINE) as connection:
        connection.sendall(sent)
        head, _, body = told_until_cut_off(connection).partition(b"\r\n\r\n")
    status, *lines = head.decode().splitlines()
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert headers["content-type"] == "application/problem+json"
    problem = json.loads(body)
    assert {"type", "title", "detail"} < set(problem)
    assert problem["status"] == int(status.split()[1])
    return problem["status"], headers, problem


def request(*lines):
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def cook(*headers):
    return request("POST /cook HTTP/1.1", "Host: localhost", *headers)


MALFORMED = {
    "no HTTP": request("hello there"),
    "a method in small letters": request("get / HTTP/1.1", "Host: localhost"),
    "a header without a name": request("GET / HTTP/1.1", "Host: localhost", ": x"),
    "a header without a colon": request("GET / HTTP/1.1", "Host: localhost", "secret"),
    "a line break within": b"GET / HTTP/1.1\r\nHost: localhost\nX: secret\r\n\r\n",
    "a folded first header": request("GET / HTTP/1.1", " secret"),
    "a length in words": cook("Content-Length: secret"),
    "a length below zero": cook("Content-Length: -1"),
    "two lengths": cook("Content-Length: 1", "Content-Length: 2"),
    "a length of 5000 digits": cook("Content-Length: " + "9" * 5000),
    "an address that ends early": request("GET http://[::1/ HTTP/1.1", "Host: localhost"),
    "a chunk without a length": cook("Transfer-Encoding: chunked") + b"secret\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_http_is_a_problem_that_repeats_nothing(kitchen, sent):
    status, _, problem = told(kitchen, sent)
    assert status == 400
    assert "secret" not in json.dumps(problem)


def test_a_header_that_is_too_long_is_a_problem(kitchen):
    assert told(kitchen, cook("X: " + "x" * 40_000))[0] == 431


def test_a_header_that_does_not_end_is_a_problem(kitchen):
    assert told(kitchen, b"GET / HTTP/1.1\r\nX: " + MIB + MIB)[0] == 431


@pytest.mark.parametrize("coding", ["gzip", "chunked, gzip", "identity"])
def test_an_unknown_transfer_coding_is_a_problem(kitchen, coding):
    assert told(kitchen, cook(f"Transfer-Encoding: {coding}"))[0] == 501


def test_a_body_that_is_announced_as_too_long_is_refused_before_it_comes(kitchen):
    status, headers, _ = told(kitchen, cook("Content-Length: 300000000", "X-Request-ID: mine"))
    assert status == 413
    assert headers["x-request-id"] == "mine"
    assert headers["connection"] == "close"


def test_a_client_that_asks_before_it_sends_too_long_a_body_is_told_at_once(kitchen):
    assert told(kitchen, cook("Content-Length: 300000000", "Expect: 100-continue"))[0] == 413


def test_the_host_of_an_absolute_address_counts(kitchen):
    asked = request(
        "GET http://evil.example/healthz HTTP/1.1", "Host: localhost", "Connection: close"
    )
    assert told(kitchen, asked)[0] == 421


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PRI"])
def test_a_method_that_nobody_has_is_a_problem(kitchen, method):
    asked = request(f"{method} /cook HTTP/1.1", "Host: localhost", "Connection: close")
    assert told(kitchen, asked)[0] == 405


@pytest.mark.parametrize(
    "path",
    [
        "/x/../stock",
        "/stock/../stock",
        "/%2e%2e/stock",
        "/healthz/%2e%2e/stock",
        "//evil.example/..",
        "/openapi/..%2fapp.py",
        "/static/../app.py",
        "*",
        "/stock%00",
        "/stock/",
        "/stock;x",
    ],
)
def test_a_path_is_taken_as_it_is_sent(kitchen, path):
    asked = request(f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close")
    assert told(kitchen, asked)[0] == 404


def test_a_body_that_is_too_long_in_chunks_is_a_problem(kitchen):
    chunk = b"100000\r\n" + MIB + b"\r\n"
    assert told(kitchen, cook("Transfer-Encoding: chunked") + chunk)[0] == 413


@pytest.mark.parametrize("length", [LIMIT + 1, LIMIT + 2, 1_000_000, 5_000_000, 25_000_000])
def test_who_sends_the_whole_body_before_reading_gets_the_problem(kitchen, length):
    answer = requests.post(f"{kitchen.url}/cook", data=b"x" * length, timeout=DEADLINE)
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_the_longest_body_is_read(kitchen):
    answer = requests.post(f"{kitchen.url}/cook", data=b"x" * LIMIT, timeout=DEADLINE)
    assert answer.status_code == 400


def sent_until_cut_off(connection, chunk, most):
    """How many chunks were sent, of so many, before the connection was closed."""
    for sent in range(most):
        try:
            connection.sendall(chunk)
        except ConnectionError:
            return sent
    return most


def test_a_body_that_does_not_end_is_cut_off_soon(kitchen):
    chunk = b"100000\r\n" + MIB + b"\r\n"
    with socket.create_connection(("127.0.0.1", kitchen.port), DEADLINE) as connection:
        connection.sendall(cook("Transfer-Encoding: chunked"))
        assert sent_until_cut_off(connection, chunk, 300) < 50


def takes_no_more(connection):
    try:
        connection.sendall(b"x")
    except ConnectionError:
        return True
    return False


def test_who_was_refused_and_stays_is_cut_off_soon(kitchen):
    with socket.create_connection(("127.0.0.1", kitchen.port), DEADLINE) as connection:
        connection.sendall(request("hello there"))
        assert told_until_cut_off(connection)
        wait_until(lambda: takes_no_more(connection), "the connection is closed")
