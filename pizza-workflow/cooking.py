"""Cooking as child workflows: one for each pizza, and one round that joins them.

The round is a workflow of its own so that a paused order's pizzas are finished and can be
decided about: the engine pauses a workflow, never its children.
"""

from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy, TaskFailedError, when_all

from pizza_activities import announce, cook_one_pizza, open_validation
from pizza_common.status import PIZZAS_AT_ONCE, Status
from saga import PATIENCE, Steps, dumped
from steps import (
    Announcement,
    CookedPizza,
    NonRetryableError,
    OnePizza,
    Round,
    RoundDone,
    Undoing,
)

# A pizza is given up after 16 s and cooked again by its round; with five tries that is as long
# as other steps have.
OVEN = RetryPolicy(
    first_retry_interval=timedelta(seconds=0.5),
    backoff_coefficient=2,
    max_number_of_attempts=6,
)


BATCHES = "batches"
"""The patch since which a large order is cooked bit by bit."""


class PizzaFailed(Exception):
    """A pizza failed as often as it was tried; it may be cooked again."""


def cook_round(ctx: DaprWorkflowContext, round_: Round) -> Generator[Any, Any, RoundDone]:
    """All pizzas, batch by batch; one that fails is cooked again, and the others are left alone.

    Raises PizzaFailed, NonRetryableError.
    """
    pizzas = range(1, len(round_.order.all_pizzas()) + 1)
    in_batches = len(pizzas) > PIZZAS_AT_ONCE and ctx.is_patched(BATCHES)
    size = PIZZAS_AT_ONCE if in_batches else len(pizzas)
    failed: Sequence[int] = pizzas
    for try_ in range(1, round_.tries + 1):
        ctx.set_custom_status(f"cooking {len(failed)} of {len(pizzas)}, try {try_}")
        failed = yield from _cook_in_batches(ctx, round_, failed, try_, size)
        if not failed:
            break
    try:
        yield from _serve(ctx, round_)
    except TaskFailedError as error:
        raise _failure(error) from error
    return RoundDone(attempt=round_.attempt, pizzas=len(pizzas))


def cook_pizza_alone(ctx: DaprWorkflowContext, given: OnePizza) -> Generator[Any, Any, CookedPizza]:
    """One pizza. Raises PizzaFailed, or NonRetryableError when trying again is vain."""
    ctx.set_custom_status(f"pizza {given.pizza}")
    try:
        cooked = yield ctx.call_activity(
            cook_one_pizza.__name__, input=dumped(given), retry_policy=OVEN
        )
    except TaskFailedError as error:
        raise _failure(error) from error
    return CookedPizza.model_validate(cooked)


def _cook_in_batches(
    ctx: DaprWorkflowContext, round_: Round, pizzas: Sequence[int], try_: int, size: int
) -> Generator[Any, Any, list[int]]:
    """The pizzas that failed. Raises as `_cook_at_once`."""
    failed: list[int] = []
    for first in range(0, len(pizzas), size):
        batch = pizzas[first : first + size]
        failed += yield from _cook_at_once(ctx, round_, batch, try_)
    return failed


def _cook_at_once(
    ctx: DaprWorkflowContext, round_: Round, pizzas: Sequence[int], try_: int
) -> Generator[Any, Any, list[int]]:
    """The pizzas that failed. Raises for good what trying again does not mend."""
    cooking = {pizza: _begin(ctx, round_, pizza, try_) for pizza in pizzas}
    try:
        yield when_all(list(cooking.values()))
    except TaskFailedError:
        failures = [_failure(task.get_exception()) for task in cooking.values() if task.is_failed]
        for failure in failures:
            if isinstance(failure, NonRetryableError) or try_ == round_.tries:
                raise failure from None
    return [pizza for pizza, task in cooking.items() if task.is_failed]


def _begin(ctx: DaprWorkflowContext, round_: Round, pizza: int, try_: int) -> Any:
    given = OnePizza(order=round_.order, pizza=pizza, attempt=round_.attempt)
    name = f"{ctx.instance_id}:pizza-{pizza}-{try_}"
    return ctx.call_child_workflow(cook_pizza_alone.__name__, input=dumped(given), instance_id=name)


def _serve(ctx: DaprWorkflowContext, round_: Round) -> Steps:
    """Say that all is cooked; from then on a manager may decide."""
    cooked = Announcement(order=round_.order, status=Status.COOKED, attempt=round_.attempt)
    yield ctx.call_activity(announce.__name__, input=dumped(cooked), retry_policy=PATIENCE)
    slip = Undoing(order=round_.order, attempt=round_.attempt)
    yield ctx.call_activity(open_validation.__name__, input=dumped(slip), retry_policy=PATIENCE)


def _failure(error: TaskFailedError) -> Exception:
    """The failure in words of its own, final when its cause was."""
    final = error.details.error_type == NonRetryableError.__name__
    return (NonRetryableError if final else PizzaFailed)(error.details.message)
