"""A service as a process of its own, and what its tests do with it."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

import requests

from tests.unit.services import ORDER, ROOT

DEADLINE = 60.0


def wait_until(condition, what, seconds=DEADLINE):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not so after {seconds} s: {what}"
        time.sleep(0.02)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def answers(url):
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


class Process:
    """A service, the kitchen unless named, on a port of its own; ends with the `with`."""

    def __init__(self, dapr=None, service="pizza-kitchen", **env):
        self.port = env.pop("APP_PORT", None) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        http, grpc = (dapr.http_port, dapr.grpc_port) if dapr else (free_port(), free_port())
        ports = {"APP_PORT": self.port, "DAPR_HTTP_PORT": http, "DAPR_GRPC_PORT": grpc}
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in __exit__
        self.process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT / service,
            env={**os.environ, **{name: str(value) for name, value in {**ports, **env}.items()}},
            stderr=self.log,
        )

    def ready(self):
        wait_until(lambda: answers(self.url), "the service answers")
        return self

    def cook(self):
        return requests.post(f"{self.url}/cook", json=ORDER, timeout=DEADLINE)

    def end(self, number=signal.SIGTERM):
        """Signal it; its exit code and the lines it logged."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self):
        code = self.process.wait(timeout=DEADLINE)
        self.log.seek(0)
        return code, self.log.read().splitlines()

    def logged(self):
        """The events of its log so far."""
        with open(f"/proc/self/fd/{self.log.fileno()}") as log:  # read from its beginning
            return [json.loads(line)["event"] for line in log]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()


def told_until_cut_off(connection):
    """The answer that comes before the connection is closed by the other side."""
    told = b""
    while True:
        try:
            more = connection.recv(65536)
        except ConnectionResetError:
            return told
        if not more:
            return told
        told += more
