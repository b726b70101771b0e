"""The history of an order: the steps of its workflow, and those of its rounds."""

from typing import Any

from pizza_common.errors import NotFound
from pizza_common.order import Order
from step_history import Step, history_of
from undo_activities import UNDOS
from workflow_client import WorkflowClient, instance_id

_STEPS = 300  # of a workflow, the last ones
_ROUNDS = 5

_UNDOS = frozenset(undo.__name__ for undo in UNDOS)

Shown = dict[str, Any]


class OrderHistory:
    """Every method raises NotFound, Unsupported, Unavailable."""

    def __init__(self, workflows: WorkflowClient) -> None:
        self._workflows = workflows

    def find(self, order_id: str, child: str | None = None) -> Shown:
        """The steps of the order's workflow, or of a child of it, with those of its last rounds."""
        found = self._workflows.find(order_id)
        if found is None:
            raise NotFound(f"There is no order {order_id}.")
        pizzas = len(Order.model_validate(found.order).all_pizzas()) if found.order else 1
        name = instance_id(order_id) + (f":{child}" if child else "")
        status = {"runtime_status": found.runtime_status, "custom_status": found.custom_status}
        return {
            "order_id": order_id,
            "workflow_instance_id": name,
            **({} if child else status),
            **self._read(name, pizzas, _ROUNDS),
        }

    def _read(self, instance: str, pizzas: int, rounds: int) -> Shown:
        history = history_of(instance, self._workflows.history(instance), pizzas)
        steps = [_shown(step) for step in history.steps[-_STEPS:]]
        parents = [step for step in steps if step.get("name") == "cook_round"]
        for step in parents[-rounds:] if rounds else ():
            step["history"] = self._child(step["instance_id"], pizzas)
        return {
            "began_at": history.began_at,
            "ended_at": history.ended_at,
            "left_out": max(0, len(history.steps) - _STEPS),
            "steps": steps,
        }

    def _child(self, instance: str, pizzas: int) -> Shown | None:
        """None for a child that the engine has not begun, or has purged."""
        try:
            return self._read(instance, pizzas, 0)
        except NotFound:
            return None


def _shown(step: Step) -> Shown:
    failed = step.failures if step.state in ("failed", "retrying") else []
    return {
        "kind": step.kind,
        "name": step.name,
        "undoes": step.name in _UNDOS,
        "state": step.state,
        "began_at": step.began_at,
        "ended_at": step.ended_at,
        "seconds": step.seconds,
        "tries": step.tries,
        "failures": [{"at": at, "error": error} for at, error in step.failures],
        "error": failed[-1][1] if failed else None,
        "instance_id": step.instance,
    }
