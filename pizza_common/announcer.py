"""What a service says of orders on topic `orders`."""

import threading
from collections import OrderedDict

import structlog
from flask import g, has_request_context

from pizza_common.event import OrderEvent, event_id
from pizza_common.order import Order
from pizza_common.principal import NOBODY, Principal
from pizza_common.sidecar import Sidecar
from pizza_common.status import Status

_REMEMBERED = 10000

log = structlog.get_logger()


class Announcer:
    """Announces in the name of one service. Every method raises Unavailable.

    Saying something twice does no harm: the event's id is the same.
    """

    def __init__(self, sidecar: Sidecar, service: str) -> None:
        self._sidecar = sidecar
        self._service = service
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._guard = threading.Lock()

    def tell(
        self,
        order: Order,
        status: Status,
        *,
        attempt: int = 1,
        detail: str | None = None,
        life: str = "",
    ) -> None:
        """Say that the order reached a status, and who asked for it, if a person did."""
        event = OrderEvent.announce(
            order, status, self._service, attempt=attempt, detail=detail, by=_person()
        )
        self._sidecar.publish(event)
        self._remember((life, event.event_id))
        log.debug("announced", service=self._service, order_id=order.id, status=status.value)

    def tell_first(self, order: Order, status: Status, *, attempt: int = 1, life: str = "") -> None:
        """Say it, unless this process did lately: it spares the shop a repetition.

        `life` tells an order from one that was forgotten and had the same id.
        """
        if (life, event_id(order.id, status, attempt)) not in self._told:
            self.tell(order, status, attempt=attempt, life=life)

    def _remember(self, name: tuple[str, str]) -> None:
        with self._guard:
            self._told[name] = None
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)


def _person() -> str | None:
    """Whose request this is, as an operator's who refunds by hand; None for another service's."""
    who: Principal = g.get("principal", NOBODY) if has_request_context() else NOBODY
    return None if who.has("service") else who.by
