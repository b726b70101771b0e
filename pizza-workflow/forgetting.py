"""Forgetting an order: every service drops what it keeps of it, and its id is free again.

Several callers do this: who deletes an order, the monitor for orders that are over since long ago,
and a start that finds a forgetting which somebody did not finish. All of it may be done again, and
the start record goes last: until then the id is taken, so that no new order meets what is left of
the old one. The engine's workflow goes first, which cannot be begun again as long as the record is
there. The order book comes just before: when it marks the order as forgotten, nobody is left
who says anything about it.
"""

import time
from collections.abc import Iterable

from pizza_activities import DELIVERY, KITCHEN, LOYALTY, STOREFRONT
from pizza_common.errors import (
    Conflict,
    EtagMismatch,
    NotFound,
    PeerRefused,
    PizzaError,
    Unavailable,
)
from pizza_common.order import Order
from pizza_common.sidecar import Sidecar
from pizza_common.writing import until_written
from start_record import StartRecord, StartRecords
from switch_record import SwitchRecords
from validation_slip import ValidationSlips
from workflow_client import WorkflowClient

ORDER_BOOK = "pizza-order"

CALL_SECONDS = 5.0
ALL_SECONDS = 25.0
"""A forgetting that takes longer gives up, well before another may take it over."""


class Forgetting:
    """Every method raises Unavailable and may be called again."""

    def __init__(self, workflows: WorkflowClient, sidecar: Sidecar) -> None:
        self._workflows = workflows
        self._sidecar = sidecar
        self._starts = StartRecords(sidecar)
        self._slips = ValidationSlips(sidecar)
        self._switches = SwitchRecords(sidecar)

    def forget(self, order_id: str, in_book: Order | None = None) -> None:
        """Forget the order; `in_book` is what the order book has under the id.

        Raises NotFound when it is nowhere, Conflict while a workflow works on it.
        """
        record = until_written(lambda: self._begin(order_id, in_book))
        orders = [Order.model_validate(record.order)] if record.order else []
        customers = {order.customer.key for order in (*orders, in_book) if order}
        try:
            self._forget(order_id, customers)
        except PizzaError:
            self._starts.give_up_forgetting(order_id)
            raise

    def _begin(self, order_id: str, in_book: Order | None) -> StartRecord:
        record, etag = self._starts.read(order_id)
        found = self._workflows.find_of(order_id, record.instance if record else None)
        if record is None and found is None and in_book is None:
            raise NotFound(f"There is no order {order_id}.")
        if found is not None and not found.is_final:
            raise Conflict(f"Order {order_id} is {found.runtime_status}; a workflow works on it.")
        started = found is not None  # without a record: by the engine's own command line
        record = record or StartRecord(in_book.sent() if in_book else None, started)
        record.check_free(order_id)
        if found is not None:
            self._purge(order_id, record)
        self._starts.begin_forgetting(order_id, record, etag)
        return record

    def _purge(self, order_id: str, record: StartRecord) -> None:
        """Have the engine forget it; before all else, so that nothing is half forgotten if not."""
        if record.order and not (record.started or record.is_being_forgotten):
            self._starts.mark_started(order_id)  # or who repeats the start would run it again
            raise EtagMismatch("the order's start was not noted")
        self._workflows.purge(order_id, record.instance)

    def _forget(self, order_id: str, customers: Iterable[str]) -> None:
        give_up_at = time.monotonic() + ALL_SECONDS
        records = f"records/{order_id}"
        of_customers = [(LOYALTY, f"{records}?customer={customer}") for customer in customers]
        for app_id in (KITCHEN, DELIVERY, STOREFRONT):
            self._ask(app_id, records, give_up_at)
        for app_id, path in of_customers:
            self._ask(app_id, path, give_up_at)
        self._slips.forget(order_id)
        self._switches.forget(order_id)
        self._ask(ORDER_BOOK, records, give_up_at)
        self._starts.end_forgetting(order_id)

    def _ask(self, app_id: str, path: str, give_up_at: float) -> None:
        if time.monotonic() > give_up_at:
            raise Unavailable("The order is not forgotten yet; ask again.")
        try:
            self._sidecar.invoke(app_id, path, timeout=CALL_SECONDS, method="DELETE")
        except PeerRefused as refused:
            raise Unavailable(f"The order is not forgotten yet: {refused.detail}") from refused
