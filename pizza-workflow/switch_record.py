"""The last pause or resume of an order, kept in the state store until it shows.

A second pause before the first one shows would wedge the worker, and with several replicas of
this service the two may come to different processes: the first writer of this record, by ETag,
is the one who may ask the engine.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

from pizza_common.errors import Conflict, EtagMismatch
from pizza_common.sidecar import Sidecar
from pizza_common.writing import delete_key, is_first

CLAIMED, ASKED, SHOWN = "claimed", "asked", "shown"


@dataclass(frozen=True)
class Switch:
    """The runtime status that is wanted, how far that came, and who claimed it."""

    wanted: str
    step: str = CLAIMED
    writer: str = ""


class SwitchRecords:
    """Reads and writes switch records. Every method raises SidecarUnavailable."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    def read(self, order_id: str) -> tuple[Switch | None, str]:
        """The switch that does not show yet, if there is one, and the record's ETag."""
        value, etag = self._sidecar.get_state(_key(order_id))
        switch = Switch(**value) if value else None
        return (None if switch and switch.step == SHOWN else switch), etag

    @contextmanager
    def claimed(self, order_id: str, wanted: str, etag: str) -> Iterator[None]:
        """Ask the engine inside. Raises Conflict when another was first.

        Raises EtagMismatch when nobody was and it is not written.
        """
        claim = Switch(wanted, writer=uuid4().hex)
        if not is_first(self._sidecar, _key(order_id), asdict(claim), etag):
            raise Conflict(f"Order {order_id} is being paused or resumed.")
        yield
        self._mark(order_id, Switch(wanted, ASKED))

    def mark_shown(self, order_id: str, wanted: str) -> None:
        """Note that the order has the status that was wanted."""
        self._mark(order_id, Switch(wanted, SHOWN))

    def forget(self, order_id: str) -> None:
        """Drop the record. Raises EtagMismatch: do it again."""
        delete_key(self._sidecar, _key(order_id))

    def _mark(self, order_id: str, switch: Switch) -> None:
        """A note that comes late, when the next switch was claimed, is not needed any more."""
        found, etag = self.read(order_id)
        if found and found.wanted == switch.wanted:
            with suppress(EtagMismatch):
                self._write(order_id, switch, etag)

    def _write(self, order_id: str, switch: Switch, etag: str) -> None:
        record: dict[str, Any] = asdict(switch)
        self._sidecar.save_state(_key(order_id), record, etag)


def _key(order_id: str) -> str:
    return f"switch_{order_id}"
