import time

import pytest

from pizza_common.faults import Fault, Faults
from pizza_common.settings import PORTS
from tests.unit.callers import service
from tests.unit.pizza_workflow.fake_workflows import FakeWorkflows
from tests.unit.services import ORDER


@pytest.fixture
def client(client_of):
    return client_of("pizza-kitchen", pizza_faults=True)


def arm(client, **fault):
    return client.post("/faults", json=fault)


def test_no_service_can_be_made_to_fail_unless_the_setting_allows_it(client_of):
    client = client_of("pizza-kitchen")
    assert client.get("/faults").status_code == arm(client, step="cook").status_code == 404
    assert "/faults" not in client.get("/openapi/openapi.json").get_json()["paths"]


def test_a_step_fails_as_often_as_was_asked_for_and_then_works(client, sidecar):
    assert arm(client, step="cook", times=2, status=503).status_code == 200
    answers = [client.post("/cook", json=ORDER) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].get_json()["title"] == "Injected fault"
    assert client.get("/faults").get_json()["faults"] == []


def test_other_steps_are_left_alone(client):
    arm(client, step="discard", status=500)
    assert client.post("/cook", json=ORDER).status_code == 200
    assert client.post("/cook/123/discard").status_code == 500


def test_a_step_may_act_and_lose_its_answer(client, sidecar):
    arm(client, step="cook", status=500, after=True)
    assert client.post("/cook", json=ORDER).status_code == 500
    assert sidecar.statuses[-1] == "cooked"
    assert client.post("/cook", json=ORDER).get_json()["status"] == "cooked"


def test_what_is_armed_can_be_seen_and_disarmed(client):
    arm(client, step="cook", times=3, status=500)
    client.post("/cook", json=ORDER)
    assert client.get("/faults").get_json()["faults"][0]["times"] == 2
    assert client.delete("/faults").get_json()["faults"] == []
    assert client.post("/cook", json=ORDER).status_code == 200


def test_a_step_waits_as_long_as_was_asked_for_or_until_the_service_stops():
    faults = Faults()
    faults.arm(Fault(step="cook", delay_seconds=0.05))
    began = time.monotonic()
    faults.strike("cook")
    assert time.monotonic() - began >= 0.05
    faults.arm(Fault(step="cook", delay_seconds=300))
    faults.stop()
    faults.strike("cook")


@pytest.mark.parametrize(
    "fault",
    [{}, {"step": "cook"}, {"step": "Cook!", "status": 500}, {"step": "cook", "status": 200}],
)
def test_a_fault_that_makes_no_sense_is_refused(client, fault):
    assert arm(client, **fault).status_code == 400


@pytest.mark.parametrize("name", PORTS)
def test_all_steps_that_a_service_names_can_be_armed_and_no_others(sidecar, name):
    client = service(name, sidecar, FakeWorkflows(), pizza_faults=True)
    steps = client.get("/faults").get_json()["steps"]
    assert steps == sorted(set(steps)) != []
    for step in steps:
        assert arm(client, step=step, status=500).status_code == 200
    for other in ("healthz", "clear_faults", "nowhere"):
        answer = arm(client, step=other, status=500)
        assert answer.get_json()["errors"] == [
            {"field": "step", "message": "is no step of this service"}
        ]


def test_the_steps_of_the_workflow_are_its_activities_too(sidecar):
    client = service("pizza-workflow", sidecar, FakeWorkflows(), pizza_faults=True)
    steps = client.get("/faults").get_json()["steps"]
    assert {"start_order", "capture_payment", "release_stock", "find_stuck"} <= set(steps)
