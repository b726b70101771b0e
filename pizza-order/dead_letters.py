"""The events that no subscriber took, kept until an operator publishes them again or deletes them.

`dead_letter_<id>` is one letter. `dead_letters` is `{"letters": [{"id", "at", "arrival"}]}`, oldest
first: at most LIMIT, none older than KEPT. A letter's id follows from its event, so the same event
is one letter, however often it comes. `arrival` tells one coming from the next: what came again
while it was being published stays.
"""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from pizza_common.errors import Conflict, NotFound
from pizza_common.event import OrderEvent, moment
from pizza_common.locks import KeyLocks
from pizza_common.metrics import Metrics
from pizza_common.problems import bad_input
from pizza_common.sidecar import Sidecar
from pizza_common.writing import until_written

LIMIT = 500
KEPT = timedelta(days=30)
FAILED = "a subscriber refused it, or failed at every try"

_LIST = "dead_letters"
_LONGEST_REASON = 500

Letter = dict[str, Any]
Entry = dict[str, str]

log = structlog.get_logger()


class DeadLetters:
    """Every method raises Unavailable and may be called again."""

    def __init__(self, sidecar: Sidecar, metrics: Metrics) -> None:
        self._sidecar = sidecar
        self._locks = KeyLocks()
        self._came = metrics.counter(
            "pizza_order_dead_letters_total",
            "Events that came to the dead letters, by whether they can be published again; one "
            "that is delivered twice is counted twice.",
            "publishable",
        )
        for publishable in ("true", "false"):
            self._came.labels(publishable)

    def keep(self, event: dict[str, Any]) -> None:
        """Keep an event as the sidecar delivered it."""
        letter = _letter(event)
        with self._locks.held(letter["id"]):
            letter = until_written(lambda: self._write(letter))
        for dropped in until_written(lambda: self._enter(letter)):
            self._erase(dropped)
        self._came.labels(str(letter["publishable"]).lower()).inc()
        shown = {name: letter[name] for name in ("reason", "times", "event_id")}
        log.warning("dead letter", letter_id=letter["id"], order_id=letter["order_id"], **shown)

    def newest(self, limit: int) -> list[Letter]:
        """The letters, the one that came last first."""
        entries, _ = self._entries()
        ids = [entry["id"] for entry in reversed(_not_expired(entries))][:limit]
        found = self._sidecar.get_states([_key(letter_id) for letter_id in ids])
        return [found[_key(letter_id)] for letter_id in ids if _key(letter_id) in found]

    def find(self, letter_id: str) -> Letter:
        """The letter with its event. Raises NotFound."""
        letter, _ = self._sidecar.get_state(_key(letter_id))
        if letter is None:
            raise NotFound(f"there is no dead letter {letter_id}")
        return letter

    def publish(self, letter_id: str) -> Letter:
        """Publish its event again and strike the letter out. Raises NotFound, Conflict.

        A crash between the two leaves the letter, and subscribers take an event twice.
        """
        letter = self.find(letter_id)
        if not letter["publishable"]:
            raise Conflict(f"dead letter {letter_id} cannot be published: {letter['reason']}")
        self._sidecar.publish(OrderEvent.model_validate(letter["event"]["data"]))
        self._strike(letter)
        log.info("dead letter published", letter_id=letter_id, order_id=letter["order_id"])
        return letter

    def delete(self, letter_id: str) -> None:
        """Forget a letter. Raises NotFound."""
        self._strike(self.find(letter_id))

    def _write(self, letter: Letter) -> Letter:
        known, etag = self._sidecar.get_state(_key(letter["id"]))
        if known is not None:
            letter = {**letter, "first_at": known["first_at"], "times": known["times"] + 1}
        seconds = int(KEPT.total_seconds())
        self._sidecar.save_state(_key(letter["id"]), letter, etag, seconds)
        return letter

    def _enter(self, letter: Letter) -> list[str]:
        """Put the letter at the end of the list; the ids for which there is no more room."""
        entries, etag = self._entries()
        others = [entry for entry in _not_expired(entries) if entry["id"] != letter["id"]]
        entry = {name: letter[name] for name in ("id", "at", "arrival")}
        self._sidecar.save_state(_LIST, {"letters": [*others, entry][-LIMIT:]}, etag)
        return [each["id"] for each in others[: max(0, len(others) + 1 - LIMIT)]]

    def _strike(self, letter: Letter) -> None:
        """Erase a letter, and then its entry, unless it came again meanwhile."""
        with self._locks.held(letter["id"]):
            self._erase(letter["id"], letter["arrival"])
        until_written(lambda: self._strike_once(letter["arrival"]))

    def _strike_once(self, arrival: str) -> None:
        entries, etag = self._entries()
        left = [entry for entry in entries if entry["arrival"] != arrival]
        if left != entries:
            self._sidecar.save_state(_LIST, {"letters": left}, etag)

    def _erase(self, letter_id: str, arrival: str | None = None) -> None:
        until_written(lambda: self._erase_once(letter_id, arrival))

    def _erase_once(self, letter_id: str, arrival: str | None) -> None:
        letter, etag = self._sidecar.get_state(_key(letter_id))
        if letter is not None and arrival in (None, letter["arrival"]):
            self._sidecar.delete_state(_key(letter_id), etag)

    def _entries(self) -> tuple[list[Entry], str]:
        known, etag = self._sidecar.get_state(_LIST)
        return list(known["letters"]) if known else [], etag


def _letter(event: dict[str, Any]) -> Letter:
    """The letter of an event that came for the first time, and what can be known of it."""
    reason, told = _understood(event.get("data"))
    now = moment()
    return {
        "id": _id(event, told),
        "arrival": uuid.uuid4().hex,
        "at": now,
        "first_at": now,
        "times": 1,
        "reason": reason,
        "publishable": told is not None,
        "event_id": str(event.get("id", ""))[:200],
        "order_id": told.order_id if told else None,
        "status": told.status.value if told else None,
        "service": told.service if told else None,
        "event": event,
    }


def _understood(data: Any) -> tuple[str, OrderEvent | None]:
    try:
        return FAILED, OrderEvent.model_validate(data)
    except ValidationError as error:
        return f"it is no order event: {bad_input(error).detail}"[:_LONGEST_REASON], None


def _id(event: dict[str, Any], told: OrderEvent | None) -> str:
    """An order event is known by its own id, whatever its time: a step that runs twice repeats it.

    Of anything else only what is the same is the same letter.
    """
    same = told.event_id if told else [event.get(name) for name in ("id", "data", "data_base64")]
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:32]


def _not_expired(entries: list[Entry]) -> list[Entry]:
    oldest = moment(datetime.now(UTC) - KEPT)
    return [entry for entry in entries if entry["at"] > oldest]


def _key(letter_id: str) -> str:
    return f"dead_letter_{letter_id}"
