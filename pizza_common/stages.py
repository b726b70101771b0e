"""Working through an order's stages so that doing it twice, or after a crash, is doing it once.

The state store keeps one record per order and step:
`{"order", "attempt", "finished": <stages done>, "answer"?, "undone"?: <attempts undone>}`.
It is claimed before the first stage, saved after each stage that took time, and closed with the
answer. Two replicas at the same step only do it twice; the first answer is kept.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from pizza_common.errors import Conflict, EtagMismatch, Interrupted, Undone
from pizza_common.event import OrderEvent
from pizza_common.locks import KeyLocks
from pizza_common.order import Order, Undo
from pizza_common.sidecar import Sidecar
from pizza_common.status import Stage, Status

Record = dict[str, Any]
T = TypeVar("T")

_WRITE_TRIES = 10
_EVERY_ATTEMPT = 1000

log = structlog.get_logger()


@dataclass(frozen=True)
class Step:
    """What a service does with an order, and how it is undone."""

    service: str
    key: str
    stages: tuple[Stage, ...]
    done: Status
    undone: Status
    undone_word: str


class Pace:
    """How long stages take; ends all waiting when the service stops."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._stopped = threading.Event()

    def seconds(self, stage: Stage) -> float:
        """The seconds of a stage at this pace."""
        return stage.seconds * self._scale

    def wait(self, seconds: float) -> None:
        """Let the time pass. Raises Interrupted when the service stops meanwhile."""
        if self._stopped.wait(seconds):
            raise Interrupted("the service is stopping; ask again")

    def stop(self) -> None:
        """Interrupt everyone who waits, now and later."""
        self._stopped.set()


class StepRunner:
    """Runs one kind of step for many orders at a time."""

    def __init__(self, step: Step, sidecar: Sidecar, pace: Pace) -> None:
        self._step = step
        self._sidecar = sidecar
        self._pace = pace
        self._locks = KeyLocks()

    def run(self, order: Order, more: Record | None = None, attempt: int = 1) -> Record:
        """Work through the stages; the answer is the order, its status and `more`.

        Asked twice, gives the first answer again. Raises Conflict when the id stands for another
        order, Undone after `undo`, Unavailable when it has to be asked again.
        """
        answer = {**order.sent(), "status": self._step.done.value, **(more or {})}
        with self._locks.held(order.id):
            record = self._claim(order, attempt)
            if record["attempt"] > attempt:
                return answer
            if "answer" not in record:
                self._work(order, attempt, record["finished"])
                record = self._save(order, attempt, {"answer": answer})
            return dict(record.get("answer", answer))

    def undo(self, order_id: str, undo: Undo, detail: str | None = None) -> Record:
        """Make sure that the step has no effect, now or later; safe when nothing was done.

        Raises Unavailable when it has to be asked again.
        """
        upto = undo.attempt or _EVERY_ATTEMPT
        record = until_written(lambda: self._mark_undone(order_id, upto))
        if "order" in record and (undo.attempt or 1) <= record["attempt"]:
            order, attempt = Order.model_validate(record["order"]), min(upto, record["attempt"])
            self._announce(order, self._step.undone, attempt, undo.reason or detail)
        return {"order_id": order_id, "status": self._step.undone_word}

    def _claim(self, order: Order, attempt: int) -> Record:
        """The record to work on, made anew for the first call of an attempt."""
        record, etag = self._read(order.id)
        _check_not_undone(record, attempt)
        if "order" in record and not order.same_content(Order.model_validate(record["order"])):
            raise Conflict(f"order {order.id} was already given with other content")
        if record.get("attempt", 0) >= attempt:
            return record
        fresh: Record = {"order": order.sent(), "attempt": attempt, "finished": 0}
        if "undone" in record:
            fresh["undone"] = record["undone"]
        self._sidecar.save_state(self._key(order.id), fresh, etag)
        return fresh

    def _work(self, order: Order, attempt: int, finished: int) -> None:
        stages = self._step.stages
        for number, stage in enumerate(stages[finished:], finished + 1):
            self._announce(order, stage.status, attempt)
            seconds = self._pace.seconds(stage)
            self._pace.wait(seconds)
            # Announcing twice does no harm, so progress is worth a write only for its time.
            if seconds > 0:
                self._save(order, attempt, {"finished": number})
        if self._step.done is not stages[-1].status:
            self._announce(order, self._step.done, attempt)

    def _save(self, order: Order, attempt: int, news: Record) -> Record:
        """Add to the record, unless another replica came further. Raises Undone, EtagMismatch."""
        record, etag = self._read(order.id)
        _check_not_undone(record, attempt)
        if "order" not in record:
            raise EtagMismatch("the record of this step is gone")
        reached = (attempt, news.get("finished", len(self._step.stages) + 1))
        if "answer" in record or (record["attempt"], record["finished"]) >= reached:
            return record
        self._sidecar.save_state(self._key(order.id), {**record, **news}, etag)
        return {**record, **news}

    def _mark_undone(self, order_id: str, upto: int) -> Record:
        record, etag = self._read(order_id)
        if record.get("undone", 0) >= upto:
            return record
        marked = {**record, "undone": upto}
        self._sidecar.save_state(self._key(order_id), marked, etag)
        return marked

    def _read(self, order_id: str) -> tuple[Record, str]:
        record, etag = self._sidecar.get_state(self._key(order_id))
        return record or {}, etag

    def _key(self, order_id: str) -> str:
        return f"{self._step.key}_{order_id}"

    def _announce(
        self, order: Order, status: Status, attempt: int, detail: str | None = None
    ) -> None:
        service = self._step.service
        self._sidecar.publish(
            OrderEvent.announce(order, status, service, attempt=attempt, detail=detail)
        )
        log.info("announced", service=service, order_id=order.id, status=status.value)


def until_written(write: Callable[[], T]) -> T:
    """Read and write again while somebody else wrote between; raises EtagMismatch at last."""
    for _ in range(_WRITE_TRIES - 1):
        try:
            return write()
        except EtagMismatch:
            continue
    return write()


def _check_not_undone(record: Record, attempt: int) -> None:
    if record.get("undone", 0) >= attempt:
        raise Undone("this step was undone; it does not run any more")
