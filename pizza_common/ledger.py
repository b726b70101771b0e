"""One shared document and a record per member, changed together though the store cannot.

The state store writes one key at a time, and a transaction of several is not undone when it
breaks. So a change is one write of the document, which also carries the member's new record as
a note until that stands under the member's own key:

    document  {"content": ..., "notes": {<member>: {"version": n, "value": ...}}}
    member    {"version": n, "value": ...}

The change has happened when the document is written. A note outranks the member's key, and is
dropped only after the key holds its version or a later one. Whoever changes a member reads the
document first and the member's key after it, and writes the document only if it is still the
same: a note that was dropped in between left its value in the key that was read later.

A member's key may expire, when its value is None or by the `ttl` of its change, and the member may
begin anew. So its first version is the time: no note, no key and no process's memory of what is
settled that is left from before outranks it.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from pizza_common.sidecar import FOR_EVER, Sidecar
from pizza_common.writing import until_written

Content = dict[str, Any]
Value = dict[str, Any]
Change = Callable[[Content, Value | None], tuple[Content, Value | None] | None]
"""Given content and the member's record, gives both anew, or None to leave them; it may raise.

A record of None is that of a member which never was.
"""


class Beside(NamedTuple):
    """A second member whose record is changed by the same write, whenever the first one's is.

    `change` is given the content before and after it, and the second member's record.
    """

    member: str
    change: Callable[[Content, Content, Value | None], Value]


_MANY_NOTES = 64
_EMPTY_SECONDS = 86400
"""How long the key of an empty member stays: longer than any process takes to settle a note."""


class Note(NamedTuple):
    """A member's record and its version; version 0 is a member that has no key."""

    version: int
    value: Value | None


Notes = dict[str, Note]
Stored = tuple[Note, str]
"""What stands under a member's key, and the key's ETag."""


class Turn(NamedTuple):
    """A member's note after a change, and what was read under its key, if that was read."""

    member: str
    note: Note
    before: Stored | None


class Ledger:
    """Every method raises Unavailable. `begin` gives the content before the first change.

    Threads of this process take turns; other processes are met by ETag.
    """

    def __init__(self, sidecar: Sidecar, key: str, begin: Callable[[], Content]) -> None:
        self._sidecar = sidecar
        self._key = key
        self._begin = begin
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._settled: dict[str, int] = {}
        self._sweep_is_due = True

    def content(self) -> Content:
        """What the document holds now."""
        return self._document()[0]

    def record(self, member: str) -> Value | None:
        """The member's record now; None when it has none."""
        _, notes, _ = self._document()
        return (notes.get(member) or self._stored(member)[0]).value

    def change(
        self, member: str, change: Change, ttl: int | None = None, beside: Beside | None = None
    ) -> Value | None:
        """Change the document and the member's record together; gives the record.

        With a `ttl`, the record is kept for so many seconds. What `change` raises passes through,
        and then nothing was changed, nor `beside`.
        """
        with self._turn:
            self._sweep()
            turns = until_written(lambda: self._change_once(member, change, beside))
        for name, note, before in turns:
            if before is None or before[0].version < note.version:
                self._settle(name, note, before, ttl if name == member else None)
        return turns[0].note.value

    def _change_once(self, member: str, change: Change, beside: Beside | None) -> list[Turn]:
        content, notes, etag = self._document()
        current, before = self._current(member, notes)
        changed = change(content, current.value)
        if changed is None:
            return [Turn(member, current, before)]
        turns = [Turn(member, _next(current, changed[1]), before)]
        if beside:
            current, before = self._current(beside.member, notes)
            value = beside.change(content, changed[0], current.value)
            turns.append(Turn(beside.member, _next(current, value), before))
        self._write(changed[0], {**notes, **{name: note for name, note, _ in turns}}, etag)
        return turns

    def _current(self, member: str, notes: Notes) -> tuple[Note, Stored | None]:
        """The member's record, and what was read under its key, if that was read."""
        if member in notes:
            return notes[member], None
        stored = self._stored(member)
        return stored[0], stored

    def _write(self, content: Content, notes: Notes, etag: str) -> None:
        with self._guard:
            settled = dict(self._settled)
        kept = {name: note for name, note in notes.items() if settled.get(name, 0) < note.version}
        self._sidecar.save_state(self._key, {"content": content, "notes": _as_json(kept)}, etag)
        with self._guard:
            for name in settled.keys() - kept.keys():
                del self._settled[name]
        self._sweep_is_due = len(kept) > _MANY_NOTES

    def _sweep(self) -> None:
        """Settle what processes that died left behind."""
        if self._sweep_is_due:
            for member, note in self._document()[1].items():
                self._settle(member, note)
            self._sweep_is_due = False

    def _settle(
        self, member: str, note: Note, before: Stored | None = None, ttl: int | None = None
    ) -> None:
        """See to it that the member's key holds this note or a later one."""
        first = [before]
        ttl = _EMPTY_SECONDS if note.value is None else ttl
        until_written(lambda: self._settle_once(member, note, first.pop() if first else None, ttl))
        with self._guard:
            self._settled[member] = max(note.version, self._settled.get(member, 0))

    def _settle_once(self, member: str, note: Note, before: Stored | None, ttl: int | None) -> None:
        stored, etag = before or self._stored(member)
        if stored.version < note.version:
            outlives = FOR_EVER if stored.version else None
            self._sidecar.save_state(member, note._asdict(), etag, outlives if ttl is None else ttl)

    def _document(self) -> tuple[Content, Notes, str]:
        document, etag = self._sidecar.get_state(self._key)
        if document is None:
            return self._begin(), {}, etag
        notes = {name: Note(**note) for name, note in document["notes"].items()}
        return document["content"], notes, etag

    def _stored(self, member: str) -> Stored:
        stored, etag = self._sidecar.get_state(member)
        return (Note(**stored) if stored else Note(0, None)), etag


def _next(current: Note, value: Value | None) -> Note:
    return Note(current.version + 1 if current.version else time.time_ns() // 1000, value)


def _as_json(notes: Notes) -> dict[str, Any]:
    return {name: note._asdict() for name, note in notes.items()}
