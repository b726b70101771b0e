"""The workflow worker: the SDK's runtime in the background, and what is registered with it."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from dapr.ext.workflow import (
    DaprWorkflowContext,
    WorkflowActivityContext,
    WorkflowRuntime,
)
from dapr.ext.workflow.logger import LoggerOptions
from pydantic import BaseModel, ValidationError

from cooking import cook_pizza_alone, cook_round
from first_form import STEPS as FIRST_FORM_STEPS
from monitor import shop_monitor
from monitor_activities import STEPS as MONITOR_STEPS
from pizza_activities import STEPS, Json, Shop
from pizza_common.errors import InjectedFault, PeerRefused, PizzaError
from pizza_common.metrics import Metrics
from pizza_workflow import pizza_workflow
from saga import Steps, dumped
from step_meter import StepMeter
from steps import NonRetryableError, Step, input_of, reason_of
from suspension import confirm_while_suspended
from undo_activities import UNDOS
from unreadable_json import read_unreadable_json_as_text
from workflow_settings import WorkflowSettings

log = structlog.get_logger()

WORKFLOWS: tuple[Step, ...] = (pizza_workflow, cook_round, cook_pizza_alone, shop_monitor)
ACTIVITIES: tuple[Step, ...] = (*STEPS, *UNDOS, *MONITOR_STEPS, *FIRST_FORM_STEPS)

_CHATTY = ("durabletask-worker", "durabletask-client", "WorkflowRuntime", "DaprWorkflowContext")

_SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR

LOST_SECONDS = 60.0
"""How long a stream may be away before the runtime is replaced."""

END_SECONDS = 3.0
"""How long a stopping worker may take to deliver its last results."""


def register(runtime: WorkflowRuntime, shop: Shop, meter: StepMeter | None = None) -> None:
    """Make the workflows and their steps known to a runtime; the meter measures their runs.

    The SDK marks each function it is given and then refuses it to a second runtime, so it gets
    new ones that do nothing but pass on.
    """
    meter = meter or StepMeter(Metrics())
    for workflow in WORKFLOWS:
        runtime.register_workflow(workflow_of(workflow), name=workflow.__name__)
    for step in ACTIVITIES:
        meter.expect(step)
        runtime.register_activity(activity_of(step, shop, meter), name=step.__name__)


def workflow_of(workflow: Step) -> Callable[[DaprWorkflowContext, Json], Steps]:
    """The workflow as the engine calls it: JSON in, JSON out.

    Raises NonRetryableError for an input that cannot be used.
    """

    def run(ctx: DaprWorkflowContext, given: Json) -> Steps:
        return as_json((yield from workflow(ctx, usable_input(workflow, given))))

    return run


def usable_input(workflow: Step, given: Json) -> BaseModel:
    """The input as the workflow's model. Raises NonRetryableError."""
    try:
        return input_of(workflow).model_validate(given)
    except ValidationError as error:
        said = f"The input of {workflow.__name__} cannot be used: {reason_of(error)}"
        raise NonRetryableError(said) from error


def activity_of(
    step: Step, shop: Shop, meter: StepMeter
) -> Callable[[WorkflowActivityContext, Json], Any]:
    """The step as an activity: JSON in, JSON out.

    Raises NonRetryableError where the peer's answer is final, or is none that can be read.
    """

    def activity(_ctx: WorkflowActivityContext, given: Json) -> Any:
        about = about_step(step, given)
        with structlog.contextvars.bound_contextvars(**about), meter.run(step):
            log.log(level, "step begins")
            try:
                answer = as_json(shop.do(step, input_of(step).model_validate(given)))
            except (PizzaError, ValidationError) as error:
                log.warning("step failed", error=str(error))
                if is_final(error):
                    raise NonRetryableError(str(error)) from error
                raise
            log.log(level, "step ends")
            return answer

    level = logging.DEBUG if step in MONITOR_STEPS else logging.INFO
    return activity


def is_final(error: PizzaError | ValidationError) -> bool:
    """Whether trying again is vain: a refusal, or an answer that cannot be read."""
    refused = isinstance(error, PeerRefused | InjectedFault)
    return isinstance(error, ValidationError) or (refused and error.status < _SERVER_ERROR)


def as_json(answer: Any) -> Any:
    """A model as the engine carries it; anything else is left as it is."""
    return dumped(answer) if isinstance(answer, BaseModel) else answer


def about_step(step: Step, given: Json) -> dict[str, Any]:
    """What each line of a step's run says: its order, and which round, pizza or status it is."""
    order_id = (given.get("order") or {}).get("order_id")
    names = ("attempt", "pizza", "status")
    told: dict[str, Any] = {name: given[name] for name in names if name in given}
    return {"order_id": order_id, "step": step.__name__, **told}


def new_runtime(settings: WorkflowSettings) -> WorkflowRuntime:
    """A runtime for the settings' sidecar; it connects when it is started."""
    _quiet()
    confirm_while_suspended()
    read_unreadable_json_as_text()
    threads = settings.pizza_worker_threads
    return WorkflowRuntime(
        host="127.0.0.1",
        port=str(settings.dapr_grpc_port),
        logger_options=LoggerOptions(log_handler=logging.NullHandler()),
        maximum_thread_pool_workers=threads,
        maximum_concurrent_activity_work_items=threads,
        maximum_concurrent_orchestration_work_items=threads,
    )


class Worker:
    """Keeps a runtime going in a background thread until it is stopped.

    The SDK's runtime connects again by itself, but ends for good when its stream is cancelled.
    One that stays away is replaced by a new one; it cannot be started twice.
    """

    def __init__(
        self, build: Callable[[], WorkflowRuntime], lost_seconds: float = LOST_SECONDS
    ) -> None:
        self._build = build
        self._lost_seconds = lost_seconds
        self._runtime: WorkflowRuntime | None = None
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._in_background(self._run)

    def is_ready(self) -> bool:
        """Whether the sidecar has this worker's stream, so that workflows advance."""
        runtime = self._runtime
        return runtime is not None and runtime.wait_for_worker_ready(timeout=0.001)

    def stop(self) -> None:
        """Take no more work; returns at once."""
        self._stopping.set()
        if self._runtime is not None:
            self._in_background(self._runtime.shutdown)

    def wait(self, seconds: float = END_SECONDS) -> None:
        """Let a stopped worker deliver the results it has, at most that long."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _in_background(self, task: Callable[[], None]) -> None:
        thread = threading.Thread(target=task, name="workflow-worker", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._runtime = runtime = self._build()
            with contextlib.suppress(RuntimeError):  # its stream never came, or went at once
                runtime.start()  # waits while there is no sidecar
                self._watch()
            if not self._stopping.wait(self._lost_seconds / 20):
                log.warning("workflow worker lost its stream; a new one is started")
                runtime.shutdown()

    def _watch(self) -> None:
        """Return when the stream has been away too long, or the worker is stopped."""
        seen = time.monotonic()
        while time.monotonic() - seen < self._lost_seconds:
            if self._stopping.wait(self._lost_seconds / 20):
                return
            if self.is_ready():
                seen = time.monotonic()


def _quiet() -> None:
    """The SDK tells each turn at level info, and warns of what is logged here in fewer words."""
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("durabletask-worker").setLevel(logging.WARNING)
