"""A service as a process: `python3 app.py` from inside its folder."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import pytest
import requests

from tests.unit.pizza_common.stub_dapr import RunningDapr, StubDapr
from tests.unit.services import ORDER, ROOT

DEADLINE = 60.0


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
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
    """A kitchen on a port of its own; ends with the `with`."""

    def __init__(self, dapr=None, **env):
        self.port = env.pop("APP_PORT", None) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        http, grpc = (dapr.http_port, dapr.grpc_port) if dapr else (free_port(), free_port())
        ports = {"APP_PORT": self.port, "DAPR_HTTP_PORT": http, "DAPR_GRPC_PORT": grpc}
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in __exit__
        self.process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT / "pizza-kitchen",
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

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.fixture
def dapr():
    with RunningDapr(StubDapr()) as running:
        yield running


def head(*headers):
    return "\r\n".join(["POST /cook HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


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


def sent_until_cut_off(connection, chunk, most):
    """How many chunks were sent, of so many, before the connection was closed."""
    for sent in range(most):
        try:
            connection.sendall(chunk)
        except ConnectionError:
            return sent
    return most


def test_a_body_that_is_a_little_too_long_gets_a_problem():
    with Process() as kitchen:
        kitchen.ready()
        answer = requests.post(f"{kitchen.url}/cook", data=b"x" * 1_000_000, timeout=DEADLINE)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_body_that_is_announced_as_far_too_long_is_refused_before_it_comes():
    with Process() as kitchen:
        port = kitchen.ready().port
        with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
            connection.sendall(head("Content-Length: 300000000"))
            assert told_until_cut_off(connection).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_does_not_end_is_cut_off_soon():
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with Process() as kitchen:
        port = kitchen.ready().port
        with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
            connection.sendall(head("Transfer-Encoding: chunked"))
            sent = sent_until_cut_off(connection, chunk, 300)
        assert answers(kitchen.url)
    assert sent < 50


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_success_and_json_logs(number):
    with Process() as kitchen:
        code, lines = kitchen.ready().end(number)
        assert code == 0
        assert [json.loads(line)["event"] for line in lines] == ["listening", "stopped"]
        assert {json.loads(line)["service"] for line in lines} == {"pizza-kitchen"}


def test_a_taken_port_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with Process(APP_PORT=port) as kitchen:
            code, lines = kitchen.ended()
    assert code == 1
    assert len(lines) == 1
    assert str(port) in lines[0]


def test_a_wrong_setting_is_one_clear_line():
    with Process(PIZZA_TIME_SCALE="slow") as kitchen:
        code, lines = kitchen.ended()
    assert code == 1
    assert len(lines) == 1
    assert "PIZZA_TIME_SCALE" in lines[0]


@pytest.fixture
def without_extras(tmp_path):
    """A search path on which what the extras install is as good as missing."""
    for package in ("opentelemetry", "prometheus_client"):
        missing = f"raise ModuleNotFoundError('not installed', name={package!r})"
        (tmp_path / f"{package}.py").write_text(missing)
    return {"PYTHONPATH": tmp_path}


def test_traces_that_cannot_be_made_are_one_clear_line(without_extras):
    with Process(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", **without_extras) as kitchen:
        code, lines = kitchen.ended()
    assert code == 1
    assert len(lines) == 1
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in lines[0]
    assert "pip install '.[tracing]'" in lines[0]


def test_without_the_extras_it_works_and_says_what_metrics_need(without_extras, dapr):
    with Process(dapr, PIZZA_TIME_SCALE=0, **without_extras) as kitchen:
        assert kitchen.ready().cook().status_code == 200
        answer = requests.get(f"{kitchen.url}/metrics", timeout=DEADLINE)
    assert answer.status_code == 404
    assert "pip install '.[metrics]'" in answer.json()["detail"]


def test_without_a_sidecar_it_lives_but_is_not_ready_and_says_so():
    with Process() as kitchen:
        kitchen.ready()
        assert requests.get(f"{kitchen.url}/readyz", timeout=DEADLINE).status_code == 503
        assert kitchen.cook().status_code == 503


def test_a_stop_interrupts_the_cook_who_goes_on_after_the_restart(dapr):
    results = []
    with Process(dapr, PIZZA_TIME_SCALE=1000) as kitchen:
        kitchen.ready()
        cook = threading.Thread(target=lambda: results.append(kitchen.cook()))
        cook.start()
        wait_until(lambda: dapr.stub.published, "the first stage is announced")
        code, _ = kitchen.end()
        cook.join()
    assert (code, results[0].status_code) == (0, 503)
    with Process(dapr, PIZZA_TIME_SCALE=0) as kitchen:
        kitchen.ready()
        assert kitchen.cook().json() == {**ORDER, "status": "cooked"}


def test_a_hundred_requests_at_once_are_all_worked_on(dapr):
    with Process(dapr, PIZZA_TIME_SCALE=0) as kitchen:
        kitchen.ready().cook()  # so that the crowd meets a kitchen that has found its sidecar
        statuses = []

        def cook(number):
            order = {**ORDER, "order_id": f"n{number}"}
            answer = requests.post(f"{kitchen.url}/cook", json=order, timeout=DEADLINE)
            statuses.append(answer.status_code)

        threads = [threading.Thread(target=cook, args=(number,)) for number in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 100
        assert kitchen.end()[0] == 0
