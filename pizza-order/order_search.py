"""Which orders a list is asked for: by status, by customer, by what waits for a person."""

from dataclasses import dataclass

from order_document import Document, summary
from pizza_common.order import Customer
from pizza_common.status import Status
from pizza_common.timeline import status_of


@dataclass(frozen=True)
class OrderSearch:
    """`customer` is a customer's key, or a part of the name in any case; None asks for all.

    So does no status. `needs_attention` asks for those that wait for a person.
    """

    statuses: frozenset[Status] = frozenset()
    customer: str | None = None
    needs_attention: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether some orders are left out."""
        return self != OrderSearch()

    def finds(self, known: Document) -> bool:
        """Whether the order of this document is asked for."""
        if self.statuses and status_of(known["timeline"]) not in self.statuses:
            return False
        if self.needs_attention and "needs_attention" not in summary(known):
            return False
        return self.customer is None or self._is_for(known["order"]["customer"])

    def _is_for(self, customer: dict[str, str]) -> bool:
        wanted = (self.customer or "").casefold()
        key = Customer.model_validate(customer).key
        return wanted == key or wanted in customer["name"].casefold()


EVERY_ORDER = OrderSearch()
