import pytest


def test_the_status_shows_where_the_order_is(client, workflows):
    workflows.put(
        custom_status="cooking",
        created_at="2026-01-01T00:00:00.000Z",
        last_updated_at="2026-01-01T00:00:01.000Z",
    )
    assert client.get("/get-status/123").json == {
        "order_id": "123",
        "workflow_instance_id": "pizza-order-123",
        "runtime_status": "RUNNING",
        "custom_status": "cooking",
        "created_at": "2026-01-01T00:00:00.000Z",
        "last_updated_at": "2026-01-01T00:00:01.000Z",
        "result": None,
        "error": None,
        "cancellable": True,
        "why_not": None,
    }


def test_the_status_of_a_finished_order_has_its_result(client, workflows):
    result = {"order_id": "123", "status": "failed", "error": "no dough"}
    workflows.put("COMPLETED", result=result, error="no dough")
    answer = client.get("/get-status/123").json
    assert (answer["result"], answer["error"]) == (result, "no dough")


@pytest.mark.parametrize("order_id", ["124", "not%20an%20id", "x" * 49])
def test_the_status_of_no_order_is_not_found(client, order_id):
    answer = client.get(f"/get-status/{order_id}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_the_service_is_ready_when_sidecar_and_worker_are(client, sidecar, worker):
    assert client.get("/readyz").status_code == 200
    sidecar.worker_counted = False
    assert client.get("/readyz").json["detail"] == "Not ready: engine"
    sidecar.worker_counted = True
    worker.ready = False
    assert client.get("/readyz").json["detail"] == "Not ready: worker"
    sidecar.ready = False
    assert client.get("/readyz").json["detail"] == "Not ready: sidecar, worker"
    assert client.get("/healthz").status_code == 200


def test_the_worker_starts_with_the_service_and_ends_before_the_clients(app, worker, workflows):
    hooks = app.extensions["hooks"]
    for hook in [*hooks.started, *hooks.stopping, *hooks.stopped]:
        hook()
    assert worker.calls == ["start", "stop", "wait"]
    assert workflows.calls == [("close",)]


def test_every_route_is_described(client):
    paths = client.get("/openapi/openapi.json").json["paths"]
    assert {
        "/start-order",
        "/validate-pizza",
        "/get-status/{order_id}",
        "/pause-order",
        "/resume-order",
        "/cancel-order",
        "/terminate-order",
    } <= set(paths)
