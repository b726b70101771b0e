"""The workflow's HTTP side: routes, and the parts put together."""

import os
import sys
from typing import Any

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI

from approvals import Approvals
from batch import OrderBatch, StartedOrders, start_all
from front_desk import FrontDesk
from history_routes import install_history
from messages import (
    ApprovalList,
    CancelRequest,
    Decided,
    Done,
    ForgetRequest,
    OrderRef,
    Started,
    Validation,
    WorkflowStatus,
)
from monitor_keeper import MonitorKeeper
from order_history import OrderHistory
from pizza_activities import Shop
from pizza_common.access import ANYONE, STEP, allow
from pizza_common.metrics import Metrics
from pizza_common.order import Order, OrderPath
from pizza_common.principal import principal
from pizza_common.privacy import shown_to
from pizza_common.service import problem_docs, run_service, service_app
from pizza_common.settings import settings_of
from pizza_common.sidecar import Sidecar
from step_meter import StepMeter
from ticket import Terms
from worker import ACTIVITIES, Worker, new_runtime, register
from workflow_client import WorkflowClient
from workflow_settings import WorkflowSettings

SERVICE = "pizza-workflow"
ABOUT = "Runs one workflow per order, and takes what people decide about it."

api = APIBlueprint("workflow", __name__, abp_responses=problem_docs(400, 413, 503))


def desk() -> FrontDesk:
    """The rules behind the routes of the app that answers."""
    front_desk: FrontDesk = current_app.extensions["front_desk"]
    return front_desk


@api.post("/start-order", responses={200: Started, **problem_docs(409)})
@allow(ANYONE)
def start_order(body: Order) -> dict[str, Any]:
    """Start an order; asked twice, answer as the first time."""
    return desk().start(body.with_id())


@api.post("/start-orders", responses={200: StartedOrders})
@allow(ANYONE)
def start_orders(body: OrderBatch) -> dict[str, Any]:
    """Start many orders at once; each has its own answer."""
    return StartedOrders(results=start_all(desk(), body.orders)).model_dump(exclude_none=True)


@api.post("/validate-pizza", responses={200: Decided, **problem_docs(404, 409)})
@allow("manager")
def validate_pizza(body: Validation) -> dict[str, Any]:
    """Approve or reject the cooked pizza."""
    return desk().validate(body, principal())


@api.get("/approvals", responses={200: ApprovalList})
@allow("manager", "operator")
def approvals() -> dict[str, Any]:
    """The pizzas that wait for a manager, the most urgent first; at most 100."""
    found: Approvals = current_app.extensions["approvals"]
    waiting, more = found.waiting()
    return ApprovalList(approvals=waiting, more=more).model_dump(mode="json")


@api.get("/get-status/<order_id:order_id>", responses={200: WorkflowStatus, **problem_docs(404)})
@allow("customer", "kitchen", "manager", "operator")
def get_status(path: OrderPath) -> dict[str, Any]:
    """Where the order is."""
    return shown_to(principal(), desk().status(path.order_id))


@api.post("/pause-order", responses={200: Done, **problem_docs(404, 409)})
@allow("operator")
def pause_order(body: OrderRef) -> dict[str, Any]:
    """Hold an order where it is."""
    return desk().pause(body, principal().by)


@api.post("/resume-order", responses={200: Done, **problem_docs(404, 409)})
@allow("operator")
def resume_order(body: OrderRef) -> dict[str, Any]:
    """Let a paused order go on."""
    return desk().resume(body, principal().by)


@api.post("/cancel-order", responses={200: Done, **problem_docs(404, 409)})
@allow("customer", "operator")
def cancel_order(body: CancelRequest) -> dict[str, Any]:
    """Stop an order at its next safe point and undo what was done."""
    return desk().cancel(body, principal().by)


@api.post("/terminate-order", responses={200: Done, **problem_docs(404, 409)})
@allow("operator")
def terminate_order(body: OrderRef) -> dict[str, Any]:
    """Stop an order hard, undoing nothing."""
    return desk().terminate(body, principal().by)


@api.post("/forget-order", responses={200: Done, **problem_docs(404, 409)})
@allow(STEP)
def forget_order(body: ForgetRequest) -> dict[str, Any]:
    """Forget an order on which no workflow works; pizza-order asks for it, and the monitor."""
    return desk().forget(body.order_id, body.order)


def create_app(
    settings: WorkflowSettings | None = None,
    sidecar: Sidecar | None = None,
    workflows: WorkflowClient | None = None,
    worker: Worker | None = None,
) -> OpenAPI:
    """The service; tests pass their own parts, `python3 app.py` passes only settings."""
    settings = settings or settings_of(SERVICE, WorkflowSettings)
    sidecar = sidecar or Sidecar(settings, SERVICE)
    workflows = workflows or WorkflowClient(settings)
    shop = Shop(sidecar, settings.pizza_time_scale)
    metrics = Metrics()
    worker = worker or a_worker(settings, shop, StepMeter(metrics))
    monitor = MonitorKeeper(workflows, worker.is_ready, settings)
    checks = {"sidecar": sidecar.is_ready, "worker": worker.is_ready, "engine": sidecar.has_worker}
    app = service_app(SERVICE, settings, checks, metrics, about=ABOUT)
    if settings.pizza_faults:
        shop.faults = app.extensions["faults"]
        shop.faults.activities = frozenset(step.__name__ for step in ACTIVITIES)
    hooks = app.extensions["hooks"]
    hooks.started += [worker.start, monitor.start]
    hooks.stopping += [monitor.stop, worker.stop]
    hooks.stopped += [worker.wait, workflows.close, sidecar.close]
    app.extensions["front_desk"] = FrontDesk(
        workflows,
        sidecar,
        worker.is_ready,
        Terms.of(settings),
        settings.pizza_confirm_seconds,
        settings.pizza_secret if settings.asks_who else "",
    )
    app.extensions["approvals"] = Approvals(sidecar, workflows)
    app.register_api(api)
    install_history(app, OrderHistory(workflows))
    return app


def a_worker(settings: WorkflowSettings, shop: Shop, meter: StepMeter) -> Worker:
    """A worker that runs the story with this shop."""

    def build() -> Any:
        runtime = new_runtime(settings)
        register(runtime, shop, meter)
        return runtime

    return Worker(build)


def main() -> int:
    """The whole life of the process."""
    return run_service(SERVICE, create_app, lambda service: settings_of(service, WorkflowSettings))


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # A step that is cut off is done again by the next worker; its thread must not hold us up.
    os._exit(code)
