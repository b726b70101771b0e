"""A service as a process: `python3 app.py` from inside its folder."""

import json
import signal
import socket
import threading

import pytest
import requests

from tests.unit.pizza_common.service_process import DEADLINE, Process, wait_until
from tests.unit.pizza_common.stub_dapr import RunningDapr, StubDapr
from tests.unit.services import ORDER


@pytest.fixture
def dapr():
    with RunningDapr(StubDapr()) as running:
        yield running


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
