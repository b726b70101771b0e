"""Streams over real sockets: threads that they take, readers that go, a service that stops."""

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.unit.pizza_common.service_process import DEADLINE, answers, free_port, wait_until
from tests.unit.pizza_web.conftest import STREAM
from tests.unit.services import ROOT

STREAMS = 3


class Web:
    """The process, and what its metrics say."""

    def __init__(self, process, url):
        self.process, self.url = process, url

    @contextlib.contextmanager
    def stream(self, path="/live/probe"):
        """A stream that is read until its first fragment has come."""
        with requests.get(
            f"{self.url}{path}", headers=STREAM, stream=True, timeout=DEADLINE
        ) as answer:
            lines = answer.iter_lines(chunk_size=1)
            assert b"data: <p>one</p>" in lines
            yield lines

    def get(self, path):
        return requests.get(f"{self.url}{path}", timeout=DEADLINE).text

    def streams(self):
        return float(re.search(r"^pizza_web_streams (\S+)$", self.get("/metrics"), re.MULTILINE)[1])


@pytest.fixture
def web():
    port = free_port()
    settings = {
        "APP_PORT": port,
        "DAPR_HTTP_PORT": free_port(),
        "PIZZA_THREADS": 2,
        "PIZZA_WEB_STREAMS": STREAMS,
        "PIZZA_SHUTDOWN_SECONDS": DEADLINE,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'pizza-web'}",
    }
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("probe_process.py")],
        env={**os.environ, **{name: str(value) for name, value in settings.items()}},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url), "the service answers")
        yield Web(process, url)
    finally:
        process.kill()
        process.wait()


def test_streams_take_no_thread_of_the_other_requests(web):
    with contextlib.ExitStack() as stack:
        for _ in range(STREAMS):
            stack.enter_context(web.stream())
        assert web.streams() == STREAMS


def test_a_reader_that_goes_is_noticed_by_a_region_that_is_looked_at_often(web):
    with web.stream("/live/looks-often"):
        assert web.streams() == 1
    wait_until(lambda: web.streams() == 0, "no stream is left")


def test_a_reader_that_goes_in_the_middle_of_its_stream_is_noticed(web):
    with web.stream(), web.stream():
        assert web.streams() == 2
    wait_until(lambda: web.streams() == 0, "no stream is left")


def test_a_reader_that_goes_is_noticed_before_anything_is_said_to_it(web):
    """waitress does so only with `channel_request_lookahead`."""
    with requests.get(f"{web.url}/silent", stream=True, timeout=DEADLINE) as answer:
        assert answer.raw.read(1) == b":"
        assert web.get("/reader-has-gone") == "False"
    wait_until(lambda: web.get("/reader-has-gone") == "True", "the reader's end is noticed")


def test_a_stop_ends_open_streams_at_once(web):
    with web.stream() as one, web.stream() as other:
        began = time.monotonic()
        web.process.terminate()
        assert web.process.wait(DEADLINE) == 0
        assert time.monotonic() - began < DEADLINE / 4
        for lines in (one, other):
            assert list(lines)[-1] == b""  # whole to the end
