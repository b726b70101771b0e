"""Working through an order's stages so that doing it twice, or after a crash, is doing it once.

The state store keeps one record per order and step:
`{"order", "begun", "attempt", "finished": <stages done>, "answer"?, "undone"?: <attempts undone>}`.
`begun` is a time, which tells it from the record of a forgotten order of the same id. The record
is claimed before the first stage, saved after each stage that took time, and closed with the
answer. Two replicas at the same step only do it twice; the first answer is kept. That the step is
done is told after its answer is kept, so what was told cannot be undone in between.

A step may be done in parts, side by side: each pizza of an order is cooked by itself. The parts
share the order's record, where `parts` holds `{"attempt", "finished", "answer"?}` of each, and
with it the undoing. A stage that several parts reach is announced for the first of them.
"""

import threading
from collections.abc import Callable, Sequence

from pizza_common.announcer import Announcer
from pizza_common.errors import Interrupted
from pizza_common.locks import KeyLocks
from pizza_common.order import Order, Undo
from pizza_common.sidecar import Sidecar
from pizza_common.status import Stage, Status
from pizza_common.step_records import Part, Record, Step, StepRecords, last_attempt

__all__ = ["Pace", "Prepare", "Record", "Step", "StepRunner"]

Prepare = Callable[[], Record]

_EVERY_ATTEMPT = 1000


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
        self._records = StepRecords(step, sidecar)
        self._announcer = Announcer(sidecar, step.service)

    def run(self, order: Order, prepare: Prepare = dict, attempt: int = 1) -> Record:
        """Work through the stages; the answer is the order, its status and what `prepare` gives.

        `prepare` gets what the step needs, before its first stage; it must do no harm when it is
        called again, and its failure is the step's. Asked twice, gives the first answer again.
        Raises Conflict when the id stands for another order, Undone after `undo`, Unavailable
        when it has to be asked again.
        """
        answer = {**order.sent(), "status": self._step.done.value}
        return self._run(order, Part(attempt), answer, prepare)

    def run_part(
        self, order: Order, part: str, answer: Record, prepare: Prepare, attempt: int
    ) -> Record:
        """The same for one part of an order; does not announce that the whole step is done."""
        return self._run(order, Part(attempt, part), answer, prepare)

    def undo(self, order_id: str, undo: Undo, detail: str | None = None) -> Record:
        """Make sure that the step has no effect, now or later; safe when nothing was done.

        A final step that is done stays so, and its answer is given instead. Raises Unavailable when
        it has to be asked again.
        """
        upto = undo.attempt or _EVERY_ATTEMPT
        record = self._records.mark_undone(order_id, upto)
        if self._records.stands(record):
            order, life = Order.model_validate(record["order"]), record.get("begun", "")
            self._tell_done(order, record["attempt"], life)
            return dict(record["answer"])
        if "order" in record and (undo.attempt or 1) <= last_attempt(record):
            order, attempt = Order.model_validate(record["order"]), min(upto, last_attempt(record))
            detail = undo.reason or detail
            self._announcer.tell(order, self._step.undone, attempt=attempt, detail=detail)
        return {"order_id": order_id, "status": self._step.undone_word}

    def check_not_undone(self, order_id: str) -> None:
        """Raises Undone after `undo`, Unavailable."""
        self._records.check_not_undone(order_id)

    def forget(self, order_id: str) -> None:
        """Drop what is kept of the order. Raises Unavailable."""
        self._records.forget(order_id)

    def tell_first(self, order: Order, status: Status) -> None:
        """Say that the order reached a status, unless this process did. Raises Unavailable."""
        self._announcer.tell_first(order, status, life=self._records.life(order.id))

    def records_of(self, order_ids: Sequence[str]) -> dict[str, Record]:
        """What is kept of each order, empty where nothing is. Raises Unavailable."""
        return self._records.of_orders(order_ids)

    def over_among(self, order_ids: Sequence[str]) -> list[str]:
        """Those orders of which the whole step is done, or undone. Raises Unavailable."""
        return self._records.over_among(order_ids)

    def _run(self, order: Order, part: Part, answer: Record, prepare: Prepare) -> Record:
        with self._locks.held(f"{part.name}:{order.id}"):
            progress = self._records.claim(order, part)
            life = progress["life"]
            if progress["attempt"] > part.attempt:
                return answer
            if "answer" not in progress:
                answer = {**answer, **prepare()}
                self._work(order, part, progress)
                progress = self._records.save(order.id, part, {"answer": answer})
            if not part.name:
                self._tell_done(order, part.attempt, life)
            return dict(progress.get("answer", answer))

    def _work(self, order: Order, part: Part, progress: Record) -> None:
        stages, finished, life = self._step.stages, progress["finished"], progress["life"]
        for number, stage in enumerate(stages[finished:], finished + 1):
            tell = self._announcer.tell_first if part.name else self._announcer.tell
            tell(order, stage.status, attempt=part.attempt, life=life)
            seconds = self._pace.seconds(stage)
            self._pace.wait(seconds)
            # Announcing twice does no harm, so progress is worth a write only for its time.
            if seconds > 0:
                self._records.save(order.id, part, {"finished": number})

    def _tell_done(self, order: Order, attempt: int, life: str) -> None:
        if self._step.done is not self._step.stages[-1].status:
            self._announcer.tell_first(order, self._step.done, attempt=attempt, life=life)
