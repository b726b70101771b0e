"""The till: what is authorised, captured, voided or refunded for each order.

The state store keeps one record per order:
`{"order", "free_cents", "status", "authorized_cents", "captured_cents", "refunded_cents"}`,
without the order when it was refunded before anything was paid. `authorized_cents` is what was
set aside, also after it was captured or voided.

An order that is forgotten leaves a receipt if its money was taken: `receipts` holds one for each
order that had this id, beside the payment of the order that has it now, or alone.
"""

from collections.abc import Callable, Iterable
from typing import Any

from pizza_common.announcer import Announcer
from pizza_common.errors import Conflict, NotFound, Undone
from pizza_common.event import moment
from pizza_common.locks import KeyLocks
from pizza_common.order import Order
from pizza_common.retention import Retention
from pizza_common.sidecar import FOR_EVER, Sidecar
from pizza_common.status import Status
from pizza_common.writing import until_written

Payment = dict[str, Any]
Receipt = dict[str, Any]

NONE = "none"
AUTHORIZED = "authorized"
CAPTURED = "captured"
VOIDED = "voided"
REFUNDED = "refunded"

_UNDONE = (NONE, VOIDED, REFUNDED)
_TOLD = {
    AUTHORIZED: Status.PAYMENT_AUTHORIZED,
    CAPTURED: Status.PAYMENT_CAPTURED,
    VOIDED: Status.PAYMENT_VOIDED,
    REFUNDED: Status.PAYMENT_REFUNDED,
}
KEEPS_ALL = Retention()
_NOTHING = {"authorized_cents": 0, "captured_cents": 0, "refunded_cents": 0}


class Till:
    """Takes payments, many at a time. Every method raises Unavailable and may be called again."""

    def __init__(
        self, sidecar: Sidecar, announcer: Announcer, receipts: Retention = KEEPS_ALL
    ) -> None:
        self._sidecar = sidecar
        self._keep = receipts
        self._announcer = announcer
        self._locks = KeyLocks()

    def authorize(self, order: Order, total_cents: int, free_cents: int) -> dict[str, Any]:
        """Set the money aside; captured meanwhile or not, the answer is that of the first time.

        Raises Undone after a refund, Conflict for other content.
        """
        cents = max(0, total_cents - free_cents)
        self._change(order.id, lambda known: _authorized(known, order, free_cents, cents))
        self._announcer.tell(order, _TOLD[AUTHORIZED], detail=f"{cents} cents")
        return {"order_id": order.id, "status": AUTHORIZED, "amount_cents": cents}

    def capture(self, order_id: str) -> dict[str, Any]:
        """Take what was set aside. Raises NotFound, Conflict when it is voided or refunded."""
        payment = self._change(order_id, lambda known: _captured(known, order_id))
        return self._told(order_id, payment)

    def refund(self, order_id: str) -> dict[str, Any]:
        """Give back what was taken or set aside; nothing is taken any more."""
        payment = self._change(order_id, _refunded)
        return self._told(order_id, payment)

    def find(self, order_id: str) -> dict[str, Any]:
        """Where the payment stands. Raises NotFound when nobody asked for one."""
        payment, _ = self._sidecar.get_state(_key(order_id))
        if payment is None or "status" not in payment:
            raise NotFound(f"there is no payment for order {order_id}")
        amounts = {name: payment[name] for name in _NOTHING}
        free = {"free_cents": payment.get("free_cents", 0)}
        return {"order_id": order_id, "status": payment["status"], **amounts, **free}

    def forget(self, order_id: str) -> None:
        """Void what is only set aside, and keep a receipt of what was taken."""
        with self._locks.held(order_id):
            until_written(lambda: self._forget_once(order_id))

    def receipts(self, order_id: str) -> list[Receipt]:
        """What was taken for forgotten orders of this id, the first one first."""
        payment, _ = self._sidecar.get_state(_key(order_id))
        return list((payment or {}).get("receipts", ()))

    def _told(self, order_id: str, payment: Payment) -> dict[str, Any]:
        """The answer about a payment, of which the order book is told, too."""
        status, cents = payment["status"], payment["authorized_cents"]
        if status in _TOLD:
            order = Order.model_validate(payment["order"])
            self._announcer.tell(order, _TOLD[status], detail=f"{cents} cents")
        return {"order_id": order_id, "status": status, "amount_cents": cents}

    def _change(self, order_id: str, change: Callable[[Payment | None], Payment]) -> Payment:
        with self._locks.held(order_id):
            return until_written(lambda: self._change_once(order_id, change))

    def _change_once(self, order_id: str, change: Callable[[Payment | None], Payment]) -> Payment:
        known, etag = self._sidecar.get_state(_key(order_id))
        receipts = {"receipts": known["receipts"]} if known and "receipts" in known else {}
        payment = known if known and "status" in known else None
        changed = change(payment)
        if changed != payment:
            ttl = FOR_EVER if receipts else None
            self._sidecar.save_state(_key(order_id), {**changed, **receipts}, etag, ttl)
        return changed

    def _forget_once(self, order_id: str) -> None:
        known, etag = self._sidecar.get_state(_key(order_id))
        if known is None or "status" not in known:
            return
        receipts = [*self._kept(known.get("receipts", ())), *_receipt_of(known)]
        if receipts:
            ttl = self._keep.mark_seconds
            self._sidecar.save_state(
                _key(order_id), {"receipts": receipts}, etag, FOR_EVER if ttl is None else ttl
            )
        else:
            self._sidecar.delete_state(_key(order_id), etag)

    def _kept(self, receipts: Iterable[Receipt]) -> list[Receipt]:
        since = self._keep.ended_before()
        return [receipt for receipt in receipts if since is None or receipt["at"] >= since]


def _authorized(known: Payment | None, order: Order, free_cents: int, cents: int) -> Payment:
    if known is None:
        asked = {"order": order.sent(), "free_cents": free_cents}
        return {**asked, "status": AUTHORIZED, **_NOTHING, "authorized_cents": cents}
    if known["status"] in _UNDONE:
        raise Undone(f"the payment of order {order.id} is {known['status']}, for good")
    same = order.same_content(Order.model_validate(known["order"]))
    if not same or known["free_cents"] != free_cents:
        raise Conflict(f"order {order.id} was already paid for with other content")
    return known


def _captured(known: Payment | None, order_id: str) -> Payment:
    if known is None:
        raise NotFound(f"There is no payment of order {order_id}.")
    if known["status"] == CAPTURED:
        return known
    if known["status"] != AUTHORIZED:
        raise Conflict(
            f"the payment of order {order_id} is {known['status']}; nothing can be captured"
        )
    return {**known, "status": CAPTURED, "captured_cents": known["authorized_cents"]}


def _refunded(known: Payment | None) -> Payment:
    if known is None:
        return {"status": NONE, **_NOTHING}
    if known["status"] == AUTHORIZED:
        return {**known, "status": VOIDED}
    if known["status"] == CAPTURED:
        return {**known, "status": REFUNDED, "refunded_cents": known["captured_cents"]}
    return known


def _receipt_of(payment: Payment) -> list[Receipt]:
    if payment["status"] not in (CAPTURED, REFUNDED):
        return []
    amounts = {name: payment[name] for name in _NOTHING}
    return [{"status": payment["status"], **amounts, "at": moment()}]


def _key(order_id: str) -> str:
    return f"payment_{order_id}"
