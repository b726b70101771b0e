import pytest

from localdapr.replaying import load_history
from tests.replay.golden_histories import FOLDER
from tests.unit.pizza_workflow.stub_task_hub import RunningTaskHub, StubTaskHub
from tests.unit.services import ORDER, app_module
from workflow_client import WorkflowClient
from workflow_settings import WorkflowSettings

ROUND = "pizza-order-123:round-1"


@pytest.fixture
def hub():
    """An engine that has order 123, whose story is recorded."""
    hub = StubTaskHub()
    hub.histories = {
        "pizza-order-123": load_history(FOLDER / "many_pizzas.json"),
        ROUND: load_history(FOLDER / "many_pizzas--round-1.json"),
        f"{ROUND}:pizza-1-1": load_history(FOLDER / "many_pizzas--round-1--pizza-1-1.json"),
    }
    return hub


@pytest.fixture
def client(hub, sidecar, worker):
    with RunningTaskHub(hub) as running:
        settings = WorkflowSettings(dapr_grpc_port=running.port, pizza_sidecar_timeout=5)
        workflows = WorkflowClient(settings)
        item = {"pizza_type": "funghi", "size": "small", "quantity": 3}
        order = {"order_id": "123", "items": [item], "customer": ORDER["customer"]}
        workflows.start("123", {"order": order, "terms": {"validation_seconds": 60}})
        app = app_module("pizza-workflow").create_app(settings, sidecar, workflows, worker)
        yield app.test_client()
        workflows.close()


def test_the_history_of_an_order_has_the_steps_of_its_rounds_in_it(client):
    found = client.get("/history/123").get_json()
    assert (found["runtime_status"], found["workflow_instance_id"]) == (
        "RUNNING",
        "pizza-order-123",
    )
    steps = {step["name"]: step for step in found["steps"]}
    assert steps["capture_payment"]["state"] == "done"
    assert steps["capture_payment"]["seconds"] is not None
    pizzas = [step["instance_id"] for step in steps["cook_round"]["history"]["steps"]][:3]
    assert pizzas == [f"{ROUND}:pizza-{number}-1" for number in (1, 2, 3)]


def test_a_child_has_a_history_of_its_own(client):
    found = client.get("/history/123?child=round-1:pizza-1-1").get_json()
    assert [step["name"] for step in found["steps"]] == ["cook_one_pizza"]
    assert "runtime_status" not in found


def test_a_round_that_the_engine_has_not_begun_has_no_history_yet(client, hub):
    del hub.histories[ROUND]
    steps = client.get("/history/123").get_json()["steps"]
    assert next(step for step in steps if step["name"] == "cook_round")["history"] is None


@pytest.mark.parametrize(
    ("path", "status"),
    [("nope", 404), ("123?child=round-7", 404), ("123?child=../x", 400), ("123?page=1", 400)],
)
def test_what_is_not_there_or_cannot_be_is_refused(client, path, status):
    assert client.get(f"/history/{path}").status_code == status


def test_an_engine_without_histories_says_so(client, hub):
    hub.has_histories = False
    answer = client.get("/history/123")
    assert (answer.status_code, answer.get_json()["title"]) == (501, "Not supported")


def test_only_the_last_steps_of_a_long_history_are_shown(client, monkeypatch):
    monkeypatch.setattr("order_history._STEPS", 4)
    found = client.get("/history/123").get_json()
    assert found["steps"][-1]["name"] == "capture_payment"
    assert (len(found["steps"]), found["left_out"] > 5) == (4, True)
