"""Failures on demand: an operator makes the next calls of a step fail or wait.

Off unless the setting `PIZZA_FAULTS` is on. What is armed is kept in this process only.
"""

import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Self

import structlog
from flask import Response, current_app, request
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, Field, model_validator

from pizza_common.access import allow
from pizza_common.errors import BadInput, InjectedFault
from pizza_common.order import StrictModel, misfit
from pizza_common.problems import problem_docs

log = structlog.get_logger()

api = APIBlueprint("faults", __name__, abp_responses=problem_docs(400))

_NO_STEPS = {"documentation", "faults", "front", "health", "openapi", "swagger"}
"""Blueprints whose routes describe the service or its health, or arm and clear the faults."""

StepName = Annotated[str, Field(pattern=r"^[a-z_]{1,60}$")]


class Fault(StrictModel):
    """Let the next calls of a step wait, or fail, or both.

    `after` lets the step act first and loses its answer.
    """

    step: StepName
    times: int = Field(default=1, ge=1, le=1_000_000)
    status: int | None = Field(default=None, ge=400, le=599)
    delay_seconds: float = Field(default=0, ge=0, le=300, allow_inf_nan=False)
    after: bool = False

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.status is None and not self.delay_seconds:
            raise misfit("status", "send status, delay_seconds or both")
        return self


class FaultList(BaseModel):
    """What is armed, with the times that are left; and `steps`, by name, all that can be armed."""

    faults: list[Fault]
    steps: list[str]


@dataclass
class _Armed:
    fault: Fault
    left: int


class Faults:
    """The faults of one process; `activities` are its steps that are no routes."""

    def __init__(self) -> None:
        self.activities: frozenset[str] = frozenset()
        self._armed: list[_Armed] = []
        self._guard = threading.Lock()
        self._stopped = threading.Event()

    def arm(self, fault: Fault) -> None:
        """From now on; the faults of one step take effect one after the other."""
        with self._guard:
            self._armed.append(_Armed(fault, fault.times))

    def clear(self) -> None:
        """Disarm all."""
        with self._guard:
            self._armed.clear()

    def left(self) -> list[Fault]:
        """What is armed, with the times that are left."""
        with self._guard:
            return [each.fault.model_copy(update={"times": each.left}) for each in self._armed]

    def strike(self, step: str, *, after: bool = False) -> None:
        """Called as a step begins, and again after it; waits, or raises InjectedFault."""
        fault = self._take(step, after)
        if fault is None:
            return
        log.warning("injected fault", step=step, status=fault.status, delay=fault.delay_seconds)
        self._stopped.wait(fault.delay_seconds)
        if fault.status is not None:
            raise InjectedFault(f"An operator asked for this at {step}.", fault.status)

    def stop(self) -> None:
        """End all waiting."""
        self._stopped.set()

    def _take(self, step: str, after: bool) -> Fault | None:
        with self._guard:
            for each in self._armed:
                if each.fault.step == step and each.fault.after == after:
                    each.left -= 1
                    self._armed = [other for other in self._armed if other.left]
                    return each.fault
        return None


def install_faults(app: OpenAPI) -> None:
    """Let every route of this app fail on demand; its step is named as its function."""
    faults = Faults()
    app.extensions["faults"] = faults
    app.extensions["hooks"].stopping.append(faults.stop)
    app.before_request(_strike_before)
    app.after_request(_strike_after)
    app.register_api(api)


@api.post("/faults", responses={200: FaultList})
@allow("operator")
def arm_fault(body: Fault) -> dict[str, Any]:
    """Make the next calls of a step fail or wait."""
    if body.step not in _steps():
        raise BadInput("Cannot use: step", [("step", "is no step of this service")])
    _faults().arm(body)
    return _shown()


@api.get("/faults", responses={200: FaultList})
@allow("operator")
def list_faults() -> dict[str, Any]:
    """What is armed, and what can be."""
    return _shown()


@api.delete("/faults", responses={200: FaultList})
@allow("operator")
def clear_faults() -> dict[str, Any]:
    """Disarm all."""
    _faults().clear()
    return _shown()


def _faults() -> Faults:
    faults: Faults = current_app.extensions["faults"]
    return faults


def _shown() -> dict[str, Any]:
    found = FaultList(faults=_faults().left(), steps=sorted(_steps()))
    return found.model_dump(mode="json", exclude_none=True)


def _steps() -> set[str]:
    """What a person may name: the routes that do the service's work, and the activities."""
    routes = (name.rpartition(".") for name in current_app.view_functions)
    steps = {name for blueprint, _, name in routes if blueprint not in _NO_STEPS}
    return steps | _faults().activities


def _step() -> str:
    return (request.endpoint or "").rpartition(".")[2]


def _strike_before() -> None:
    _faults().strike(_step())


def _strike_after(response: Response) -> Response | Any:
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        return response
    try:
        _faults().strike(_step(), after=True)
    except InjectedFault as fault:
        return current_app.handle_user_exception(fault)
    return response
