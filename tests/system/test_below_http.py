"""Orders that are started and decided at the workflow engine, past the shop's own HTTP."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.system.shop import Shop, an_order
from tools.shop_client import Json, wait_for

LOCALDAPR = str(Path(sys.executable).with_name("localdapr"))
BURNT = {"approved": False, "remake": True, "reason": "burnt"}

Decide = Callable[..., None]


def engine_url(shop: Shop, path: str) -> str:
    """A path of the workflow API of pizza-workflow's sidecar."""
    sidecar = next(app for app in shop.process.apps if app.app_id == "pizza-workflow")
    return f"http://127.0.0.1:{sidecar.http}/v1.0/workflows/dapr/{path}"


def ask_engine(shop: Shop, path: str, body: Json) -> None:
    requests.post(engine_url(shop, path), json=body, timeout=60).raise_for_status()


@pytest.fixture
def decide(shop: Shop, pytestconfig: pytest.Config) -> Decide:
    """Raises the event, by localdapr's command line or at the sidecar, as Dapr's does."""

    def by_sidecar(order_id: str, **said: object) -> None:
        body = {"order_id": order_id, **said}
        ask_engine(shop, f"pizza-order-{order_id}/raiseEvent/ValidationComplete", body)

    def by_command(order_id: str, **said: object) -> None:
        target = f"pizza-order-{order_id}/ValidationComplete"
        given = ["--input", json.dumps({"order_id": order_id, **said})]
        where = ["--data-dir", str(shop.process.folder / "data"), "--app-id", "pizza-workflow"]
        command = [LOCALDAPR, "workflow", "raise-event", target, *given, *where]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    return by_command if pytestconfig.getoption("--engine") == "localdapr" else by_sidecar


def wait_for_round(shop: Shop, order_id: str, number: int) -> None:
    def waits(seen: list[str]) -> bool:
        return seen.count("waiting_for_validation") == number

    wait_for(lambda: shop.statuses(order_id), waits)


def test_the_event_alone_decides_and_the_front_desk_knows_it(shop: Shop, decide: Decide) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    decide(order_id, approved=True)
    assert shop.wait_for_end(order_id)["result"]["status"] == "completed"
    said = {"order_id": order_id, "approved": True}
    answers = [
        shop.ask("POST", "pizza-workflow", "/validate-pizza", {**said, **more}).status
        for more in ({}, {"approved": False})
    ]
    assert answers == [200, 409]


def test_a_rejection_that_comes_twice_remakes_the_pizza_once(shop: Shop, decide: Decide) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    decide(order_id, **BURNT)
    wait_for_round(shop, order_id, 2)
    decide(order_id, **BURNT)
    decide(order_id, approved=True)
    assert shop.wait_for_end(order_id)["result"]["status"] == "completed"
    assert shop.wait_for_status(order_id, "delivered").count("remaking") == 1


def test_an_approval_of_a_paused_order_counts_after_it(shop: Shop, decide: Decide) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    shop.post("/pause-order", {"order_id": order_id})
    decide(order_id, approved=True)
    shop.post("/resume-order", {"order_id": order_id})
    assert shop.wait_for_end(order_id)["result"]["status"] == "completed"


def test_an_order_that_the_engine_was_given_is_delivered(shop: Shop, decide: Decide) -> None:
    order = an_order()
    order_id = str(order.pop("order_id"))
    ask_engine(shop, f"pizza_workflow/start?instanceID=pizza-order-{order_id}", order)
    shop.wait_for_place(order_id, "waiting_for_validation")
    decide(order_id, approved=True)
    assert shop.wait_for_end(order_id)["result"]["order_id"] == order_id
    assert "delivered" in shop.wait_for_status(order_id, "payment_captured")


def test_an_order_that_has_a_workflow_of_another_id_is_not_deleted_while_that_works(
    shop: Shop,
) -> None:
    order = an_order()
    order_id = str(order["order_id"])
    own_id = f"mine-{order_id}"
    ask_engine(shop, f"pizza_workflow/start?instanceID={own_id}", order)
    shop.wait_for_status(order_id, "waiting_for_validation")
    assert shop.ask("DELETE", "pizza-order", f"/order/{order_id}").status == 409
    ask_engine(shop, f"{own_id}/raiseEvent/ValidationComplete", {"approved": True})
    shop.wait_for_status(order_id, "payment_captured")


def test_an_order_that_runs_is_not_run_by_another_workflow_too(shop: Shop) -> None:
    order = an_order()
    order_id = shop.place(order)
    ask_engine(shop, f"pizza_workflow/start?instanceID=mine-{order_id}", order)
    wait_for(lambda: status_of(shop, f"mine-{order_id}"), lambda seen: seen == "FAILED")
    assert shop.deliver(order_id)["result"]["status"] == "completed"


def status_of(shop: Shop, instance: str) -> str:
    """The runtime status that pizza-workflow's sidecar gives."""
    return str(requests.get(engine_url(shop, instance), timeout=60).json()["runtimeStatus"])
