"""The front desk's rules: what may be asked of an order, when, and what the answer promises.

The engine takes a pause, a cancel or an event in any state and says nothing, or breaks. So each
request looks at the state first, one at a time per order, and what it promises is seen, or
follows from the order in which the engine takes events, before it answers.
"""

import time
from collections.abc import Callable
from typing import Any

from cancellation import CANCEL_ORDER
from forgetting import Forgetting
from messages import CancelRequest, OrderRef, Validation
from pizza_common.errors import Conflict, NotFound, Unavailable
from pizza_common.event import OrderEvent
from pizza_common.locks import KeyLocks
from pizza_common.order import Order
from pizza_common.order_key import order_key
from pizza_common.principal import EVERY_ROLE, Principal
from pizza_common.sidecar import Sidecar
from pizza_common.status import Status
from place import CANCELLABLE, DECIDABLE, TOO_LATE, Place
from saga import dumped
from schedule import check_schedule
from start_record import StartRecord, StartRecords
from switch_record import CLAIMED, SHOWN, Switch, SwitchRecords
from ticket import Terms, Ticket
from validation import VALIDATION_COMPLETE
from validation_slip import Slip, ValidationSlips, already_decided
from workflow_client import Instance, WorkflowClient, instance_id

Answer = dict[str, Any]

_LOOK_SECONDS = 0.05
_TOLD = {"SUSPENDED": Status.PAUSED, "RUNNING": Status.RESUMED}


class FrontDesk:
    """Answers the customer, the manager and the operator. Every method raises Unavailable."""

    def __init__(
        self,
        workflows: WorkflowClient,
        sidecar: Sidecar,
        worker_ready: Callable[[], bool],
        terms: Terms,
        confirm_seconds: float,
        key_secret: str = "",
    ) -> None:
        self._workflows = workflows
        self._sidecar = sidecar
        self._worker_ready = worker_ready
        self._terms = terms
        self._confirm_seconds = confirm_seconds
        self._key_secret = key_secret
        self._starts = StartRecords(sidecar)
        self._forgetting = Forgetting(workflows, sidecar)
        self._slips = ValidationSlips(sidecar)
        self._switches = SwitchRecords(sidecar)
        self._locks = KeyLocks()

    def start(self, order: Order) -> Answer:
        """Start it; asked again, by whomever, answer the same, and say when it has ended.

        The order's key is for who knows all of it: other content is a conflict.
        Raises Conflict, BadInput.
        """
        if not self._worker_ready():  # the engine would keep the request waiting
            raise Unavailable("The workflow worker is not connected yet.")
        with self._locks.held(order.id):
            check_schedule(order, self._starts.is_known)
            found = self._started_before(order, self._claim(order))
        return {
            "order_id": order.id,
            "workflow_instance_id": instance_id(order.id),
            "status": "started",
            **({"runtime_status": found.runtime_status} if found and found.is_final else {}),
            **({"key": order_key(self._key_secret, order.id)} if self._key_secret else {}),
        }

    def forget(self, order_id: str, in_book: Order | None) -> Answer:
        """Forget an order that is over; its id is free again. Raises NotFound, Conflict."""
        with self._locks.held(order_id):
            self._forgetting.forget(order_id, in_book)
        return {"order_id": order_id, "status": "forgotten"}

    def status(self, order_id: str) -> Answer:
        """Where the order is. Raises NotFound."""
        found = self._known(order_id)
        return {
            "order_id": order_id,
            "workflow_instance_id": instance_id(order_id),
            "runtime_status": found.runtime_status,
            "custom_status": found.custom_status,
            "created_at": found.created_at,
            "last_updated_at": found.last_updated_at,
            "result": found.result,
            "error": found.error,
            **_cancelling(found, order_id),
        }

    def validate(self, asked: Validation, who: Principal) -> Answer:
        """Decide about the cooked pizza, once; said again, the answer is the same, also later.

        Who says who they are is the approver, whatever was sent. Raises NotFound, Conflict.
        """
        if who != EVERY_ROLE:
            asked = asked.model_copy(update={"approver": who.by})
        with self._locks.held(asked.order_id):
            found = self._known(asked.order_id)
            slip, etag = self._slips.read(asked.order_id)
            if slip is None or not slip.was_told(asked.decision(), asked.round):
                if found.is_final or found.custom_status not in DECIDABLE or slip is None:
                    raise _not_waiting(asked, slip)
                _check_round(asked, slip)
                self._decide(asked, slip, etag)
        verdict = "approved" if asked.approved else "rejected"
        return {"order_id": asked.order_id, "validation_status": verdict}

    def pause(self, asked: OrderRef, by: str | None) -> Answer:
        """Hold the order where it is. Raises NotFound, Conflict unless it runs."""
        with self._locks.held(asked.order_id):
            self._switch(asked.order_id, "SUSPENDED", self._workflows.pause, by)
        return {"order_id": asked.order_id, "status": "paused"}

    def resume(self, asked: OrderRef, by: str | None) -> Answer:
        """Let the order go on. Raises NotFound, Conflict unless it is paused."""
        with self._locks.held(asked.order_id):
            self._switch(asked.order_id, "RUNNING", self._workflows.resume, by)
        return {"order_id": asked.order_id, "status": "resumed"}

    def cancel(self, asked: CancelRequest, by: str | None) -> Answer:
        """Stop the order at its next safe point. Raises NotFound, Conflict.

        A state seen after the event was stored in which a cancel is accepted proves that the
        workflow will see the event before it hands the pizza over.
        """
        with self._locks.held(asked.order_id):
            found = self._known(asked.order_id)
            if not _is_being_cancelled(found):
                _check_cancellable(found, asked.order_id)
                wish = {"reason": asked.reason, **({"by": by} if by else {})}
                self._workflows.tell(asked.order_id, CANCEL_ORDER, wish)
                found = self._await(asked.order_id, _handed_over_or_not)
                if found.custom_status not in (Place.CANCELLING, Place.CANCELLED):
                    _check_cancellable(found, asked.order_id)
        return {"order_id": asked.order_id, "status": "cancelled"}

    def terminate(self, asked: OrderRef, by: str | None) -> Answer:
        """Stop the order hard, undoing nothing. Raises NotFound, Conflict when it is finished."""
        with self._locks.held(asked.order_id):
            found = self._known(asked.order_id)
            if found.runtime_status == "TERMINATED":
                # in case the first caller did not come to it
                self._announce(found, asked.order_id, Status.TERMINATED, by=by)
            _check_unfinished(found, asked.order_id)
            self._workflows.terminate(asked.order_id)
            found = self._await(asked.order_id, lambda seen: seen.is_final)
            if found.runtime_status != "TERMINATED":
                _check_unfinished(found, asked.order_id)
            self._announce(found, asked.order_id, Status.TERMINATED, by=by)
        return {"order_id": asked.order_id, "status": "terminated"}

    def _claim(self, order: Order) -> StartRecord:
        """The id's record; a forgetting that somebody did not finish is finished first."""
        record = self._starts.claim(order)
        if record.is_being_forgotten:
            self._forgetting.forget(order.id)
            record = self._starts.claim(order)
        return record

    def _started_before(self, order: Order, record: StartRecord) -> Instance | None:
        """The order's workflow; None when it is started now, or was purged.

        Raises Conflict for one that the engine was given for another order.
        """
        found = self._workflows.find_of(order.id, record.instance)
        if record.started:
            return found
        if found is None:
            ticket = Ticket(order=Order.model_validate(record.order), terms=self._terms)
            self._workflows.start(order.id, dumped(ticket))
        elif found.order and not order.same_content(Order.model_validate(found.order)):
            self._starts.mark_started(order.id, {"order_id": order.id, **found.order})
            raise Conflict(f"Order {order.id} was already started with other content.")
        self._starts.mark_started(order.id)
        return found

    def _known(self, order_id: str) -> Instance:
        found = self._workflows.find(order_id)
        if found is None:
            raise NotFound(f"There is no order {order_id}.")
        return found

    def _decide(self, asked: Validation, slip: Slip, etag: str) -> None:
        """Write the decision, then tell the workflow; one that was written and not told is told.

        That happens when the process ended, or the sidecar was away, in between. Who then sends
        the same again is given the answer that the first did not get.
        """
        if slip.decision is None:
            slip = self._slips.decide(asked.order_id, slip, etag, asked.decision())
        elif slip.raised:
            raise already_decided(asked.order_id, slip.decision)
        event = {**(slip.decision or {}), "on_slip": True}
        self._workflows.tell(asked.order_id, VALIDATION_COMPLETE, event)
        self._slips.mark_raised(asked.order_id, slip)
        if slip.decision != {**asked.decision(), "round": slip.round}:
            raise already_decided(asked.order_id, slip.decision)

    def _switch(
        self, order_id: str, wanted: str, ask: Callable[[str], None], by: str | None
    ) -> None:
        """Ask the engine and wait until it is so: a second pause would wedge the worker."""
        found, last, etag = self._settled(order_id)
        if found.runtime_status not in _TOLD or found.runtime_status == wanted:
            raise Conflict(f"Order {order_id} is {found.runtime_status}.")
        with self._switches.claimed(order_id, last.following(wanted, by), etag):
            ask(order_id)
        found, _, _ = self._settled(order_id)
        if found.runtime_status != wanted:
            raise Conflict(f"Order {order_id} is {found.runtime_status}.")

    def _settled(self, order_id: str) -> tuple[Instance, Switch, str]:
        """The state, once it has begun and shows the last switch; that switch, and its ETag.

        A switch whose maker died before the engine was asked counts no longer after a while. One
        that shows is told, by whoever sees it first: its maker, or who asks after that one failed.
        """
        switch, etag = self._switches.read(order_id)
        if switch.step == SHOWN:
            return self._await(order_id, _has_begun), switch, etag
        try:
            found = self._await(order_id, lambda seen: _shows(seen, switch))
        except Unavailable:
            if switch.step != CLAIMED:
                raise
            return self._await(order_id, _has_begun), switch, etag
        if found.runtime_status == switch.wanted:
            told = {"repeat": switch.number, "by": switch.by, "at": switch.at}
            self._announce(found, order_id, _TOLD[switch.wanted], **told)
        self._switches.mark_shown(order_id, switch.wanted)
        return found, *self._switches.read(order_id)

    def _await(self, order_id: str, ready: Callable[[Instance], bool]) -> Instance:
        """The first state that is ready. Raises Unavailable when none comes in time."""
        deadline = time.monotonic() + self._confirm_seconds
        while not ready(found := self._known(order_id)):
            if time.monotonic() > deadline:
                raise Unavailable(f"Order {order_id} has not changed yet; ask for its status.")
            time.sleep(_LOOK_SECONDS)
        return found

    def _announce(self, found: Instance, order_id: str, status: Status, **said: Any) -> None:
        if found.order is not None:
            order = Order.model_validate({"order_id": order_id, **found.order})
            self._sidecar.publish(OrderEvent.announce(order, status, "pizza-workflow", **said))


def _not_waiting(asked: Validation, slip: Slip | None) -> Conflict:
    if slip and (decision := slip.decision_on(asked.round)):
        return already_decided(asked.order_id, decision)
    return Conflict(f"Order {asked.order_id} is not waiting for validation.")


def _check_round(asked: Validation, slip: Slip) -> None:
    """Raises Conflict for another round than the slip's, or what may repeat one from before."""
    if asked.round not in (None, slip.round):
        if decision := slip.decision_on(asked.round):
            raise already_decided(asked.order_id, decision)
        raise Conflict(f"Order {asked.order_id} waits for a decision on round {slip.round}.")
    if asked.round is None and slip.decision is None and slip.repeats(asked.decision()):
        raise Conflict(
            f"An earlier round of order {asked.order_id} was decided just so; "
            f'to decide this one like it, send "round": {slip.round}, too.'
        )


def _check_cancellable(found: Instance, order_id: str) -> None:
    _check_unfinished(found, order_id)
    if found.custom_status not in CANCELLABLE:
        place = found.custom_status or "nowhere"
        why = TOO_LATE.get(place, f"is {place}")
        raise Conflict(f"Order {order_id} {why}; it cannot be cancelled.")


def _cancelling(found: Instance, order_id: str) -> Answer:
    """Whether a cancel would be accepted now and, if not, why not."""
    try:
        _check_cancellable(found, order_id)
    except Conflict as refused:
        return {"cancellable": False, "why_not": refused.detail}
    return {"cancellable": True, "why_not": None}


def _check_unfinished(found: Instance, order_id: str) -> None:
    if found.is_final:
        raise Conflict(f"Order {order_id} is finished: {found.runtime_status}.")


def _has_begun(seen: Instance) -> bool:
    return seen.is_final or seen.runtime_status != "PENDING"


def _shows(seen: Instance, switch: Switch) -> bool:
    return seen.is_final or seen.runtime_status == switch.wanted


def _is_being_cancelled(found: Instance) -> bool:
    return not found.is_final and found.custom_status == Place.CANCELLING


def _handed_over_or_not(seen: Instance) -> bool:
    """At `validated` the workflow has not yet looked whether a cancel came beside the approval."""
    return seen.is_final or seen.custom_status != Place.VALIDATED
