"""The route that shows what an order's workflow has done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, ConfigDict, Field

from order_history import OrderHistory
from pizza_common.access import allow
from pizza_common.order import OrderPath
from pizza_common.problems import problem_docs

history_api = APIBlueprint("history", __name__, abp_responses=problem_docs(400, 503))


class HistoryQuery(BaseModel):
    """Which child of the order's workflow, as `instance_id` of its step ends; without, itself."""

    model_config = ConfigDict(extra="forbid")

    child: (
        Annotated[str, Field(pattern=r"^round-[0-9]{1,3}(:pizza-[0-9]{1,3}-[0-9]{1,3})?$")] | None
    ) = None


class FailedTry(BaseModel):
    """A try of a step that failed."""

    at: str
    error: str


class HistoryStep(BaseModel):
    """A step. `tries` counts all tries, `failures` has the last of those that failed.

    `retrying` is a step that failed and waits to be tried again, `stopped` one that the end of the
    workflow cut off; `undoes` names a compensation. A round has its own `history`.
    """

    kind: Literal["activity", "child", "wait", "event", "pause"]
    name: str
    undoes: bool
    state: Literal["running", "retrying", "done", "failed", "stopped"]
    began_at: str
    ended_at: str | None
    seconds: float | None
    tries: int
    failures: list[FailedTry]
    error: str | None
    instance_id: str | None
    history: StepHistory | None = None


class StepHistory(BaseModel):
    """The steps of a workflow in the order in which they began, without the `left_out` first."""

    began_at: str | None
    ended_at: str | None
    left_out: int
    steps: list[HistoryStep]


class WorkflowHistory(StepHistory):
    """The history of an order's workflow, or of a child of it, which has no status here."""

    order_id: str
    workflow_instance_id: str
    runtime_status: str | None = None
    custom_status: str | None = None


HistoryStep.model_rebuild()


@history_api.get(
    "/history/<order_id:order_id>", responses={200: WorkflowHistory, **problem_docs(404, 501)}
)
@allow("operator")
def get_history(path: OrderPath, query: HistoryQuery) -> dict[str, Any]:
    """What the order's workflow has done so far: steps, tries, waits, events, children."""
    history: OrderHistory = current_app.extensions["order_history"]
    return history.find(path.order_id, query.child)


def install_history(app: OpenAPI, history: OrderHistory) -> None:
    """Serve this route from this history."""
    app.extensions["order_history"] = history
    app.register_api(history_api)
