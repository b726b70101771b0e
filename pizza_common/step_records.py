"""What is kept of one kind of step for each order: how far it came, and whether it was undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pizza_common.errors import Conflict, Undone
from pizza_common.event import moment
from pizza_common.locks import KeyLocks
from pizza_common.order import Order
from pizza_common.sidecar import Sidecar
from pizza_common.status import Stage, Status
from pizza_common.writing import delete_key, until_written

Record = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What a service does with an order, and how it is undone; a `final` step is not, once done."""

    service: str
    key: str
    stages: tuple[Stage, ...]
    done: Status
    undone: Status
    undone_word: str
    final: bool = False


@dataclass(frozen=True)
class Part:
    """A part of an order's step, at one attempt; the part without a name is the whole."""

    attempt: int
    name: str = ""


class StepRecords:
    """Reads and writes the records as `stages.py` describes them. Raises Unavailable."""

    def __init__(self, step: Step, sidecar: Sidecar) -> None:
        self._step = step
        self._sidecar = sidecar
        self._locks = KeyLocks()

    def claim(self, order: Order, part: Part) -> Record:
        """The progress to go on from, made anew for the first call of an attempt, and its `life`.

        Raises Conflict when the id stands for another order, Undone.
        """
        with self._locks.held(order.id):
            return until_written(lambda: self._claim(order, part))

    def save(self, order_id: str, part: Part, news: Record) -> Record:
        """Add to the progress, unless another replica came further. Raises Undone."""
        with self._locks.held(order_id):
            return until_written(lambda: self._save(order_id, part, news))

    def mark_undone(self, order_id: str, upto: int) -> Record:
        """The record, from now on undone for attempts up to this one, unless `stands`."""
        with self._locks.held(order_id):
            return until_written(lambda: self._mark_undone(order_id, upto))

    def stands(self, record: Record) -> bool:
        """Whether the step is done for good."""
        return self._step.final and "answer" in record and "undone" not in record

    def check_not_undone(self, order_id: str, attempt: int = 1) -> None:
        """Raises Undone when this attempt was undone."""
        _check_not_undone(self._read(order_id)[0], attempt)

    def of_orders(self, order_ids: Sequence[str]) -> dict[str, Record]:
        """The record of each order, empty where there is none."""
        found = self._sidecar.get_states([self._key(order_id) for order_id in order_ids])
        return {order_id: found.get(self._key(order_id), {}) for order_id in order_ids}

    def over_among(self, order_ids: Sequence[str]) -> list[str]:
        """Those orders of which the whole step is done, or undone."""
        records = self.of_orders(order_ids).items()
        return [name for name, record in records if "answer" in record or "undone" in record]

    def forget(self, order_id: str) -> None:
        """Drop the record; a step that still runs finds itself undone."""
        with self._locks.held(order_id):
            until_written(lambda: delete_key(self._sidecar, self._key(order_id)))

    def life(self, order_id: str) -> str:
        """What tells this order from one of the same id that was forgotten."""
        return _life_of(self._read(order_id)[0])

    def _claim(self, order: Order, part: Part) -> Record:
        record, etag = self._read(order.id)
        _check_not_undone(record, part.attempt)
        if "order" in record and not order.same_content(Order.model_validate(record["order"])):
            raise Conflict(f"order {order.id} was already given with other content")
        progress = _progress(record, part)
        if progress.get("attempt", 0) >= part.attempt:
            return progress | {"life": _life_of(record)}
        fresh = {"attempt": part.attempt, "finished": 0}
        begun = {"order": order.sent(), "begun": moment(), **record}
        self._write(order.id, _with_progress(begun, part, fresh), etag)
        return fresh | {"life": _life_of(begun)}

    def _save(self, order_id: str, part: Part, news: Record) -> Record:
        record, etag = self._read(order_id)
        _check_not_undone(record, part.attempt)
        progress = _progress(record, part)
        if "attempt" not in progress:
            raise Undone("the order was forgotten; this step does not run any more")
        reached = (part.attempt, news.get("finished", len(self._step.stages) + 1))
        if "answer" in progress or (progress["attempt"], progress["finished"]) >= reached:
            return progress
        progress = {**progress, **news}
        self._write(order_id, _with_progress(record, part, progress), etag)
        return progress

    def _mark_undone(self, order_id: str, upto: int) -> Record:
        record, etag = self._read(order_id)
        if record.get("undone", 0) >= upto or self.stands(record):
            return record
        marked = {**record, "undone": upto}
        self._write(order_id, marked, etag)
        return marked

    def _read(self, order_id: str) -> tuple[Record, str]:
        record, etag = self._sidecar.get_state(self._key(order_id))
        return record or {}, etag

    def _write(self, order_id: str, record: Record, etag: str) -> None:
        self._sidecar.save_state(self._key(order_id), record, etag)

    def _key(self, order_id: str) -> str:
        return f"{self._step.key}_{order_id}"


_PROGRESS = ("attempt", "finished", "answer")


def last_attempt(record: Record) -> int:
    """The latest attempt that was begun, of the whole or of a part; 0 when none was."""
    parts: list[Record] = list(record.get("parts", {}).values())
    attempts: list[int] = [progress.get("attempt", 0) for progress in (record, *parts)]
    return max(attempts)


def _life_of(record: Record) -> str:
    begun: str = record.get("begun", "")
    return begun


def _progress(record: Record, part: Part) -> Record:
    if part.name:
        return dict(record.get("parts", {}).get(part.name, {}))
    return {name: record[name] for name in _PROGRESS if name in record}


def _with_progress(record: Record, part: Part, progress: Record) -> Record:
    if part.name:
        return {**record, "parts": {**record.get("parts", {}), part.name: progress}}
    return {**{name: kept for name, kept in record.items() if name not in _PROGRESS}, **progress}


def _check_not_undone(record: Record, attempt: int) -> None:
    if record.get("undone", 0) >= attempt:
        raise Undone("this step was undone; it does not run any more")
