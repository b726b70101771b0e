"""What was first asked for under an order id, kept in the state store until the order is forgotten.

The engine forgets a workflow that is purged, and would let a finished one's id be used again;
this record does not. It also settles who of two comes first, a start or a forgetting: each writes
its time on the record, by ETag, before it does anything, and the other keeps away from a record on
which there is a time that is not long ago. A time from long ago is that of a process that died.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pizza_common.errors import Conflict, EtagMismatch, Unavailable
from pizza_common.event import moment
from pizza_common.order import Order
from pizza_common.sidecar import Sidecar
from pizza_common.writing import until_written

LEASE_SECONDS = 60.0
"""How long a start or a forgetting has the record for itself."""

GIVEN_UP = ""


@dataclass(frozen=True)
class StartRecord:
    """The order as it was first sent, and whether its workflow was started.

    `at` is the time of a start that is not done, `forgetting` of a forgetting that is not.
    `instance` is the workflow's id where the engine was given the order under one of its own.
    """

    order: dict[str, Any] | None = None
    started: bool = False
    at: str | None = None
    forgetting: str | None = None
    instance: str | None = None

    @property
    def is_being_forgotten(self) -> bool:
        """Whether somebody began to forget the order."""
        return self.forgetting is not None

    def check_free(self, order_id: str) -> None:
        """Raises Unavailable while another starts or forgets the order."""
        if _is_recent(self.at) or _is_recent(self.forgetting):
            raise Unavailable(f"Order {order_id} is being started or forgotten; ask again.")

    def as_json(self) -> dict[str, Any]:
        """What is stored: the times and the instance only where there are any."""
        more = {"at": self.at, "forgetting": self.forgetting, "instance": self.instance}
        known = {name: value for name, value in more.items() if value is not None}
        return {"order": self.order, "started": self.started, **known}


class StartRecords:
    """Reads and writes start records. Every method raises SidecarUnavailable."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    def claim(self, order: Order) -> StartRecord:
        """The id's record, new if it is the first; one that is being forgotten is left alone.

        Raises Conflict when it is another order's.
        """
        fresh = StartRecord(order.sent(), at=moment())
        try:
            self._write(order.id, fresh, "")
        except EtagMismatch:
            return until_written(lambda: self._claimed_before(order))
        return fresh

    def claim_for(self, order: Order, instance: str) -> None:
        """The id is this workflow's; said twice, it stays so. Raises Conflict for another's."""
        try:
            self._write(order.id, StartRecord(order.sent(), True, instance=instance), "")
        except EtagMismatch:
            record, _ = self.read(order.id)
            if record is None:
                raise
            if record.instance != instance:
                raise Conflict(f"Order {order.id} belongs to another workflow.") from None

    def read(self, order_id: str) -> tuple[StartRecord | None, str]:
        """The record and its ETag; None and "" when the id is free."""
        value, etag = self._sidecar.get_state(_key(order_id))
        return (StartRecord(**value) if value else None), etag

    def is_known(self, order_id: str) -> bool:
        """Whether the id was claimed before."""
        record, _ = self.read(order_id)
        return record is not None and not record.is_being_forgotten

    def mark_started(self, order_id: str, order: dict[str, Any] | None = None) -> None:
        """Note that the workflow was started, unless another notes it at this moment.

        With `order`, the engine's order replaces the one that was claimed.
        """
        record, etag = self.read(order_id)
        if record is not None and not record.is_being_forgotten:
            with suppress(EtagMismatch):
                self._write(order_id, StartRecord(order or record.order, started=True), etag)

    def begin_forgetting(self, order_id: str, record: StartRecord, etag: str) -> None:
        """Keep starts away. Raises EtagMismatch when another was first."""
        marked = replace(record, at=None, forgetting=moment())
        self._write(order_id, marked, etag)

    def give_up_forgetting(self, order_id: str) -> None:
        """Let the next who asks go on at once."""
        record, etag = self.read(order_id)
        if record is not None and record.is_being_forgotten:
            left = replace(record, forgetting=GIVEN_UP)
            with suppress(EtagMismatch):
                self._write(order_id, left, etag)

    def end_forgetting(self, order_id: str) -> None:
        """Free the id."""
        record, etag = self.read(order_id)
        if record is not None and record.is_being_forgotten:
            self._sidecar.delete_state(_key(order_id), etag)

    def _claimed_before(self, order: Order) -> StartRecord:
        record, etag = self.read(order.id)
        if record is None:
            raise EtagMismatch("the order was changed at the same time")
        if record.is_being_forgotten:
            return record
        if not order.same_content(Order.model_validate(record.order)):
            raise Conflict(f"Order {order.id} was already started with other content.")
        if not record.started:
            record = StartRecord(record.order, at=moment())
            self._write(order.id, record, etag)
        return record

    def _write(self, order_id: str, record: StartRecord, etag: str) -> None:
        self._sidecar.save_state(_key(order_id), record.as_json(), etag)


def _is_recent(time: str | None) -> bool:
    return bool(time) and str(time) > moment(datetime.now(UTC) - timedelta(seconds=LEASE_SECONDS))


def _key(order_id: str) -> str:
    return f"request_{order_id}"
