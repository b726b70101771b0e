"""How far an order is, and when it will be there: read from its timeline. Pure functions.

An order has five steps, each of them known by the statuses that are told in it. Cooking and
approval are done again in each round; what is shown is the last one. What people take is known to
nobody: it counts as nothing in the estimate, and `waits_for` says that it is waited for.
"""

from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from order_document import Document
from pizza_common.event import moment
from pizza_common.order import Order
from pizza_common.status import (
    DELIVERY_STAGES,
    FINAL,
    KITCHEN_STAGES,
    PIZZAS_AT_ONCE,
    STOREFRONT_STAGES,
    Stage,
    Status,
    in_round,
)
from pizza_common.timeline import Entry, is_paused, status_of


class State(StrEnum):
    """Where a step is; `stopped` is one that was begun and will not be finished."""

    WAITING = "waiting"
    CURRENT = "current"
    DONE = "done"
    UNDONE = "undone"
    STOPPED = "stopped"
    SKIPPED = "skipped"


class WaitsFor(StrEnum):
    """Whom or what an order waits for that takes as long as it takes."""

    ITS_TIME = "its_time"
    MANAGER = "manager"
    DRIVER = "driver"
    OPERATOR = "operator"


class Step(NamedTuple):
    """A step: what is told in it, that it is done, and what takes it back."""

    name: str
    told: frozenset[Status]
    done: frozenset[Status]
    undone: frozenset[Status]
    stages: tuple[Stage, ...] = ()
    by_people: bool = False


def _of(*statuses: Status) -> frozenset[Status]:
    return frozenset(statuses)


def _stages(stages: tuple[Stage, ...]) -> frozenset[Status]:
    return frozenset(stage.status for stage in stages)


STEPS = (
    Step(
        "order",
        _stages(STOREFRONT_STAGES),
        done=frozenset(),
        undone=_of(Status.ORDER_CANCELLED),
        stages=STOREFRONT_STAGES,
    ),
    Step(
        "payment",
        _of(Status.PAYMENT_AUTHORIZED, Status.STOCK_RESERVED, Status.ORDER_CONFIRMED),
        done=_of(Status.ORDER_CONFIRMED),
        undone=_of(Status.PAYMENT_VOIDED, Status.PAYMENT_REFUNDED),
    ),
    Step(
        "cooking",
        _stages(KITCHEN_STAGES) | {Status.COOKED},
        done=_of(Status.COOKED),
        undone=_of(Status.PIZZA_DISCARDED),
        stages=KITCHEN_STAGES,
    ),
    Step(
        "approval",
        _of(Status.WAITING_FOR_VALIDATION, Status.VALIDATED, Status.REJECTED, Status.ESCALATED),
        done=_of(Status.VALIDATED),
        undone=frozenset(),
        by_people=True,
    ),
    Step(
        "delivery",
        _stages(DELIVERY_STAGES) | {Status.WAITING_FOR_DRIVER, Status.DELIVERED},
        done=_of(Status.DELIVERED),
        undone=_of(Status.DELIVERY_RECALLED),
        stages=DELIVERY_STAGES,
    ),
)
_COOKING = 2

_STOPPING = frozenset(
    {
        Status.ESCALATED,
        Status.DELIVERY_RECALLED,
        Status.PIZZA_DISCARDED,
        Status.STOCK_RELEASED,
        Status.ORDER_CANCELLED,
    }
) | (FINAL - {Status.DELIVERED})


class Story(NamedTuple):
    """An order and its timeline, with what all of its steps have to know."""

    order: Order
    timeline: Sequence[Entry]
    status: Status
    round: int
    scale: float
    now: datetime

    @property
    def is_stopping(self) -> bool:
        """Whether it is called off, or was, without having arrived."""
        return self.status in _STOPPING

    def told(self, statuses: Container[Status]) -> list[Entry]:
        """The entries with these statuses; what is told in each round, only of the last one."""
        return [
            entry
            for entry in self.timeline
            if Status(entry["status"]) in statuses and self._is_of_last_round(entry)
        ]

    def _is_of_last_round(self, entry: Entry) -> bool:
        status = Status(entry["status"])
        told_in_each = in_round(status) or status is Status.PIZZA_DISCARDED
        return not told_in_each or entry.get("attempt", 1) >= self.round


def progress(known: Document, scale: float, now: datetime | None = None) -> dict[str, Any]:
    """Where the order of a document stands, `scale` being the factor on the stages' seconds."""
    story = _story(known, scale, now or datetime.now(UTC))
    reached = _reached(story)
    arrival = _arrival(story, reached)
    waits_for = _waits_for(story, reached) if arrival else None
    return {
        "order_id": story.order.id,
        "status": story.status.value,
        "placed_at": known["since"],
        "estimated_at": _estimate(story, arrival, waits_for),
        "seconds_left": round((arrival - story.now).total_seconds(), 3) if arrival else None,
        "waits_for": waits_for,
        "is_over": story.status in FINAL,
        "round": story.round,
        "steps": [_step(story, number, reached) for number in range(len(STEPS))],
    }


def usual_seconds(step: Step, order: Order, scale: float) -> float | None:
    """What a step takes when nothing is in its way; None where people take their time."""
    if step.by_people:
        return None
    batches = -(-len(order.all_pizzas()) // PIZZAS_AT_ONCE) if step.name == "cooking" else 1
    return round(scale * batches * sum(stage.seconds for stage in step.stages), 3)


def _story(known: Document, scale: float, now: datetime) -> Story:
    timeline, status = known["timeline"], status_of(known["timeline"])
    rounds = [entry.get("attempt", 1) for entry in timeline if in_round(Status(entry["status"]))]
    # What is to be remade is in its next round already, unless it is called off before that.
    remakes = [entry for entry in timeline if entry["status"] == Status.REMAKING]
    begun = [entry.get("attempt", 1) + 1 for entry in remakes if status not in _STOPPING]
    order = Order.model_validate(known["order"])
    return Story(order, timeline, status, max((*rounds, *begun), default=1), scale, now)


def _reached(story: Story) -> int:
    """The step at which the order is, or was last; len(STEPS) when all are done."""
    begun = [number for number, step in enumerate(STEPS) if story.told(step.told)]
    last = max((*begun, _COOKING if story.round > 1 else 0))
    return last + 1 if story.told(STEPS[last].done) else last


def _step(story: Story, number: int, reached: int) -> dict[str, Any]:
    step, state = STEPS[number], _state(story, number, reached)
    began_at = _first(story.told(step.told))
    return {
        "step": step.name,
        "state": state.value,
        "began_at": began_at,
        "ended_at": _ended_at(story, number, state) if began_at else None,
        "usual_seconds": usual_seconds(step, story.order, story.scale),
        "share": _share(story, step, state),
    }


def _state(story: Story, number: int, reached: int) -> State:
    step = STEPS[number]
    begun = bool(story.told(step.told))
    if begun and _undoing(story, step):
        return State.UNDONE
    if number < reached:
        return State.DONE if begun else State.SKIPPED
    if story.is_stopping:
        return State.STOPPED if begun else State.SKIPPED
    return State.CURRENT if number == reached else State.WAITING


def _undoing(story: Story, step: Step) -> list[Entry]:
    """What took a step back. Of an order that arrived, only money comes back."""
    return story.told(step.undone) if story.is_stopping or step.name == "payment" else []


def _ended_at(story: Story, number: int, state: State) -> str | None:
    step = STEPS[number]
    if state is State.UNDONE:
        return _first(_undoing(story, step))
    if state is State.STOPPED:
        return _first(story.told(_STOPPING | {Status.REJECTED}))
    if state is not State.DONE:
        return None
    following = (story.told(later.told) for later in STEPS[number + 1 :])
    return _first(story.told(step.done) or [entry for told in following for entry in told])


def _share(story: Story, step: Step, state: State) -> float:
    usual = usual_seconds(step, story.order, story.scale)
    if state in (State.DONE, State.UNDONE):
        return 1.0
    if state not in (State.CURRENT, State.STOPPED) or not usual:
        return 0.0
    return round(min(1.0, story.scale * _seconds_done(story, step) / usual), 3)


def _seconds_done(story: Story, step: Step) -> float:
    """The seconds, at scale 1, of the stages before the one that was told last."""
    told = {entry["status"] for entry in story.told(step.told)}
    reached = max((n for n, stage in enumerate(step.stages) if stage.status in told), default=0)
    return sum(stage.seconds for stage in step.stages[:reached])


def _waits_for(story: Story, reached: int) -> WaitsFor | None:
    if is_paused(story.timeline):
        return WaitsFor.OPERATOR
    if story.status is Status.SCHEDULED:
        return WaitsFor.ITS_TIME
    if story.status is Status.WAITING_FOR_DRIVER:
        return WaitsFor.DRIVER
    if reached < len(STEPS) and STEPS[reached].by_people:
        return WaitsFor.MANAGER
    return None


def _arrival(story: Story, reached: int) -> datetime | None:
    """When it is there if nothing holds it up; None when it is there, or will not be.

    Of a rejected order nobody knows yet whether it is made again.
    """
    if story.status in FINAL | {Status.REJECTED} or story.is_stopping:
        return None
    later = (usual_seconds(step, story.order, story.scale) for step in STEPS[reached + 1 :])
    end = _end_of(story, STEPS[reached]) if reached < len(STEPS) else story.now
    return max(end, story.now) + timedelta(seconds=sum(seconds or 0.0 for seconds in later))


def _end_of(story: Story, step: Step) -> datetime:
    """When the current step ends, if all goes on as usual.

    Not before its usual time is over, nor before the stages that are left have had theirs.
    """
    told = [entry["at"] for entry in story.told({stage.status for stage in step.stages})]
    times = [datetime.fromisoformat(at) for at in told] or [story.now]
    usual = usual_seconds(step, story.order, story.scale) or 0.0
    left = sum(stage.seconds for stage in step.stages) - _seconds_done(story, step)
    return max(
        min(times) + timedelta(seconds=usual), max(times) + timedelta(seconds=story.scale * left)
    )


def _estimate(story: Story, arrival: datetime | None, waits_for: WaitsFor | None) -> str | None:
    if arrival is None or waits_for is WaitsFor.ITS_TIME:
        return story.order.scheduled_for if arrival else None
    return moment(arrival)


def _first(entries: Iterable[Entry]) -> str | None:
    return min((entry["at"] for entry in entries), default=None)
