"""The slip on which a manager's decision is written: one per order, kept in the state store.

The kitchen's answer opens a round on it, also while the workflow is paused; the first writer
decides the round, by ETag, so that of two managers one is refused. `raised` says that the
workflow was told: a decision that was written by someone who then died is told by the next.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import uuid4

from pizza_common.errors import Conflict, EtagMismatch
from pizza_common.sidecar import Sidecar
from pizza_common.writing import is_first

TIMED_OUT = {"timed_out": True}


@dataclass(frozen=True)
class Slip:
    """One round. `decision` is None while it is open; `writer` tells who wrote it from others."""

    round: int
    decision: dict[str, Any] | None = None
    raised: bool = False
    writer: str = field(default="", compare=False)


class ValidationSlips:
    """Reads and writes slips. Every method raises SidecarUnavailable."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    def read(self, order_id: str) -> tuple[Slip | None, str]:
        """The slip and its ETag; None and "" before the first pizza is cooked."""
        value, etag = self._sidecar.get_state(_key(order_id))
        return (Slip(**value) if value else None), etag

    def open(self, order_id: str, round_: int) -> None:
        """Begin a round, unless it was begun before. Raises EtagMismatch: do it again."""
        slip, etag = self.read(order_id)
        if slip is None or slip.round < round_:
            self._write(order_id, Slip(round_), etag)

    def decide(self, order_id: str, slip: Slip, etag: str, decision: dict[str, Any]) -> Slip:
        """Write the decision on an open slip. Raises Conflict when another was first.

        Raises EtagMismatch when nobody was and it is not written.
        """
        written = {**decision, "round": slip.round}
        decided = replace(slip, decision=written, writer=uuid4().hex)
        if not is_first(self._sidecar, _key(order_id), asdict(decided), etag):
            raise Conflict(f"Order {order_id} was already decided.")
        return decided

    def mark_raised(self, order_id: str, told: Slip) -> None:
        """Note that the workflow was told; needless when it has gone on to the next round."""
        slip, etag = self.read(order_id)
        if slip == told:
            with suppress(EtagMismatch):
                self._write(order_id, replace(told, raised=True), etag)

    def close(self, order_id: str, round_: int) -> dict[str, Any] | None:
        """End the round undecided, or give the decision that was accepted before.

        Raises EtagMismatch: a decision came at this moment, do it again.
        """
        slip, etag = self.read(order_id)
        if slip and slip.round == round_ and slip.decision:
            return None if slip.decision == TIMED_OUT else slip.decision
        self._write(order_id, Slip(round_, TIMED_OUT, raised=True), etag)
        return None

    def forget(self, order_id: str) -> None:
        """Drop the slip. Raises EtagMismatch: do it again."""
        _, etag = self.read(order_id)
        if etag:
            self._sidecar.delete_state(_key(order_id), etag)

    def _write(self, order_id: str, slip: Slip, etag: str) -> None:
        self._sidecar.save_state(_key(order_id), asdict(slip), etag)


def _key(order_id: str) -> str:
    return f"validation_{order_id}"
