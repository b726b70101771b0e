"""The last pause or resume of an order, kept in the state store until it shows and is told.

A second pause before the first one shows would wedge the worker, and with several replicas of
this service the two may come to different processes: the first writer of this record, by ETag,
is the one who may ask the engine.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import uuid4

from pizza_common.errors import Conflict, EtagMismatch
from pizza_common.event import moment
from pizza_common.sidecar import Sidecar
from pizza_common.writing import delete_key, is_first

CLAIMED, ASKED, SHOWN = "claimed", "asked", "shown"


@dataclass(frozen=True)
class Switch:
    """The runtime status that is wanted, how far that came, and which replica claimed it.

    `by` wanted it, `at` that time; `counts` says how often each status was wanted until now.
    """

    wanted: str
    step: str = CLAIMED
    writer: str = ""
    by: str | None = None
    at: str | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """How often this status was wanted."""
        return self.counts.get(self.wanted, 1)

    def following(self, wanted: str, by: str | None) -> "Switch":
        """The next one, claimed now."""
        counts = self.counts | {wanted: self.counts.get(wanted, 0) + 1}
        return Switch(wanted, writer=uuid4().hex, by=by, at=moment(), counts=counts)


NONE = Switch("", SHOWN)


class SwitchRecords:
    """Reads and writes switch records. Every method raises SidecarUnavailable."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    def read(self, order_id: str) -> tuple[Switch, str]:
        """The last switch and the record's ETag; one that shows is of no interest any more."""
        value, etag = self._sidecar.get_state(_key(order_id))
        return (Switch(**value) if value else NONE), etag

    @contextmanager
    def claimed(self, order_id: str, claim: Switch, etag: str) -> Iterator[None]:
        """Ask the engine inside. Raises Conflict when another was first.

        Raises EtagMismatch when nobody was and it is not written.
        """
        if not is_first(self._sidecar, _key(order_id), asdict(claim), etag):
            raise Conflict(f"Order {order_id} is being paused or resumed.")
        yield
        self._mark(order_id, claim.wanted, ASKED)

    def mark_shown(self, order_id: str, wanted: str) -> None:
        """Note that the order has the status that was wanted, and that it was told."""
        self._mark(order_id, wanted, SHOWN)

    def forget(self, order_id: str) -> None:
        """Drop the record. Raises EtagMismatch: do it again."""
        delete_key(self._sidecar, _key(order_id))

    def _mark(self, order_id: str, wanted: str, step: str) -> None:
        """A note that comes late, when the next switch was claimed, is not needed any more."""
        found, etag = self.read(order_id)
        if found.step != SHOWN and found.wanted == wanted:
            with suppress(EtagMismatch):
                self._write(order_id, replace(found, step=step), etag)

    def _write(self, order_id: str, switch: Switch, etag: str) -> None:
        record: dict[str, Any] = asdict(switch)
        self._sidecar.save_state(_key(order_id), record, etag)


def _key(order_id: str) -> str:
    return f"switch_{order_id}"
