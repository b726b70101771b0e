"""Which timer fires next, as a virtual clock has to know. Reads only; times in microseconds."""

import sqlite3

_NEXT = "SELECT fire_at, id FROM timers WHERE fire_at <= ? ORDER BY fire_at, id LIMIT 1"
_NEXT_OF_FAMILY = """
WITH RECURSIVE family(app_id, instance_id) AS (
    VALUES (?, ?)
    UNION
    SELECT child.app_id, child.instance_id FROM instances AS child
    JOIN family ON child.parent_app = family.app_id AND child.parent_id = family.instance_id
)
SELECT timers.id FROM timers JOIN instances USING (run) JOIN family USING (app_id, instance_id)
ORDER BY fire_at, timers.id LIMIT 1
"""


def next_timer(db: sqlite3.Connection, until: int | None) -> tuple[int, int] | None:
    """When the next timer is due and its id; None when there is none, or none up to `until`."""
    found = db.execute(_NEXT, (2**62 if until is None else until,)).fetchone()
    return None if found is None else (found[0], found[1])


def next_of_family(db: sqlite3.Connection, app_id: str, instance_id: str) -> int | None:
    """The id of the next timer of an instance and of all below it."""
    found = db.execute(_NEXT_OF_FAMILY, (app_id, instance_id)).fetchone()
    return None if found is None else int(found[0])
