"""The slip on which a manager's decision is written: one per order, kept in the state store.

The kitchen's answer opens a round on it, also while the workflow is paused; the first writer
decides the round, by ETag, so that of two managers one is refused. `raised` says that the
workflow was told: a decision that was written by someone who then died is told by the next.
`earlier` keeps the decisions on the rounds before. A decision that names no round and says word
for word what was said of an earlier one may be its repetition, so it decides nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import uuid4

from pizza_common.errors import Conflict, EtagMismatch
from pizza_common.sidecar import Sidecar
from pizza_common.writing import delete_key, is_first

TIMED_OUT = {"timed_out": True}

Said = dict[str, Any]


@dataclass(frozen=True)
class Slip:
    """One round. `decision` is None while it is open; `writer` tells who wrote it from others."""

    round: int
    decision: Said | None = None
    raised: bool = False
    writer: str = field(default="", compare=False)
    earlier: list[Said] = field(default_factory=list)

    def was_told(self, said: Said, round_: int | None) -> bool:
        """Whether the workflow was told so of that round; of the slip's own when none is named."""
        wanted = {**said, "round": round_ or self.round}
        return wanted in self.earlier or (self.raised and wanted == self.decision)

    def repeats(self, said: Said) -> bool:
        """Whether an earlier round was decided word for word like that."""
        return said in [_without_round(each) for each in self.earlier]

    def decision_on(self, round_: int | None) -> Said | None:
        """What was decided of that round; of the slip's own when none is named."""
        if round_ in (None, self.round):
            return self.decision
        return next((each for each in self.earlier if each["round"] == round_), None)

    @property
    def waits(self) -> bool:
        """Whether a manager may see to it: it is open, or its decision was never told."""
        return self.decision is None or not self.raised

    def following(self, round_: int) -> "Slip":
        """The slip of the next round."""
        decided = [self.decision] if self.decision and self.decision != TIMED_OUT else []
        return Slip(round_, earlier=[*self.earlier, *decided])


class ValidationSlips:
    """Reads and writes slips. Every method raises SidecarUnavailable."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    def read(self, order_id: str) -> tuple[Slip | None, str]:
        """The slip and its ETag; None and "" before the first pizza is cooked."""
        value, etag = self._sidecar.get_state(_key(order_id))
        return (Slip(**value) if value else None), etag

    def waiting_among(self, order_ids: Sequence[str]) -> dict[str, int]:
        """The rounds that wait for a decision, by the ids of their orders."""
        found = self._sidecar.get_states([_key(order_id) for order_id in order_ids])
        slips = {name: Slip(**found[_key(name)]) for name in order_ids if _key(name) in found}
        return {name: slip.round for name, slip in slips.items() if slip.waits}

    def open(self, order_id: str, round_: int) -> None:
        """Begin a round, unless it was begun before. Raises EtagMismatch: do it again."""
        slip, etag = self.read(order_id)
        if slip is None or slip.round < round_:
            self._write(order_id, slip.following(round_) if slip else Slip(round_), etag)

    def decide(self, order_id: str, slip: Slip, etag: str, said: Said) -> Slip:
        """Write the decision on an open slip. Raises Conflict when another was first.

        Raises EtagMismatch when nobody was and it is not written.
        """
        written = {**said, "round": slip.round}
        decided = replace(slip, decision=written, writer=uuid4().hex)
        if not is_first(self._sidecar, _key(order_id), _stored(decided), etag):
            other, _ = self.read(order_id)
            raise already_decided(order_id, other.decision_on(slip.round) if other else None)
        return decided

    def settle(self, order_id: str, round_: int, said: Said, named: bool) -> Said | None:
        """What the workflow obeys that was told so: the decision that was written first.

        That is this one on an open slip. None when this one may only repeat what was said of an
        earlier round and does not name its own, or the round is over. Raises EtagMismatch: another
        was first at this moment, do it again.
        """
        slip, etag = self.read(order_id)
        if slip is None or slip.round != round_ or slip.decision == TIMED_OUT:
            return None
        if slip.decision is None and not named and slip.repeats(said):
            return None
        settled = slip.decision or {**said, "round": round_}
        if not slip.raised:
            self._write(order_id, replace(slip, decision=settled, raised=True), etag)
        return settled

    def mark_raised(self, order_id: str, told: Slip) -> None:
        """Note that the workflow was told; needless when it has gone on to the next round."""
        slip, etag = self.read(order_id)
        if slip == told:
            with suppress(EtagMismatch):
                self._write(order_id, replace(told, raised=True), etag)

    def close(self, order_id: str, round_: int) -> Said | None:
        """End the round undecided, or give the decision that was accepted before.

        Raises EtagMismatch: a decision came at this moment, do it again.
        """
        slip, etag = self.read(order_id)
        if slip and slip.round == round_ and slip.decision:
            return None if slip.decision == TIMED_OUT else slip.decision
        earlier = slip.earlier if slip else []
        self._write(order_id, Slip(round_, TIMED_OUT, raised=True, earlier=earlier), etag)
        return None

    def forget(self, order_id: str) -> None:
        """Drop the slip. Raises EtagMismatch: do it again."""
        delete_key(self._sidecar, _key(order_id))

    def _write(self, order_id: str, slip: Slip, etag: str) -> None:
        self._sidecar.save_state(_key(order_id), _stored(slip), etag)


def already_decided(order_id: str, decision: Said | None) -> Conflict:
    """Tells who comes late what was decided, by whom and why."""
    said = f": {_in_words(decision)}" if decision else ""
    return Conflict(f"Order {order_id} was already decided{said}.")


def _in_words(decision: Said) -> str:
    if decision == TIMED_OUT:
        return "cancelled, as nobody decided in time"
    rejected = "rejected, to be made again" if decision.get("remake") else "rejected"
    verdict = "approved" if decision["approved"] else rejected
    by = f" by {decision['approver']}" if decision.get("approver") else ""
    reason = f" ({decision['reason']})" if decision.get("reason") else ""
    return verdict + by + reason


def _stored(slip: Slip) -> dict[str, Any]:
    """As it was always stored; `earlier`, which came later, only when there is something."""
    value = asdict(slip)
    return value if slip.earlier else {n: kept for n, kept in value.items() if n != "earlier"}


def _without_round(decision: Said) -> Said:
    return {name: value for name, value in decision.items() if name != "round"}


def _key(order_id: str) -> str:
    return f"validation_{order_id}"
