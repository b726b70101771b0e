"""How long finished workflows are kept: for ever, unless the Configuration says otherwise.

Reads what the runtime reads, `spec.workflow.stateRetentionPolicy`, and sweeps by it. Decides
nothing else; forgetting is `purging`'s.
"""

import asyncio
import functools
import logging
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from localdapr import purging
from localdapr.engine.instance import Status
from localdapr.resiliency import Duration
from localdapr.store import Store
from localdapr.yaml_file import Model

SWEEP_SECONDS = 60.0
AT_ONCE = 500  # instances that one write forgets: others want to write too
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retention:
    """Seconds that a finished instance is kept, by its status; for ever where none is given."""

    seconds: Mapping[Status, float] = field(default_factory=dict)


FOR_EVER = Retention()


class RetentionPolicy(Model):
    """`stateRetentionPolicy` of a Configuration."""

    any_terminal: Duration | None = None
    completed: Duration | None = None
    failed: Duration | None = None
    terminated: Duration | None = None

    def retention(self) -> Retention:
        own = {
            Status.COMPLETED: self.completed,
            Status.FAILED: self.failed,
            Status.TERMINATED: self.terminated,
        }
        chosen = {status: kept or self.any_terminal for status, kept in own.items()}
        return Retention({status: kept for status, kept in chosen.items() if kept is not None})


async def sweep(store: Store, retentions: Mapping[str, Retention], now: int) -> int:
    """Forget what has been kept long enough at `now` (microseconds); gives how many."""
    forgotten = 0
    for app_id, retention in tuple(retentions.items()):
        for status, kept in retention.seconds.items():
            before = now - int(kept * 1_000_000)
            forget = functools.partial(
                purging.purge_ended, app_id=app_id, status=status, before=before, most=AT_ONCE
            )
            while count := await store.write(forget):
                forgotten += count
    return forgotten


async def sweep_forever(
    store: Store, retentions: Mapping[str, Retention], every: float = SWEEP_SECONDS
) -> None:
    """Sweep by the retention of each app. Ends when cancelled."""
    while True:
        try:
            if count := await sweep(store, retentions, time.time_ns() // 1000):
                log.info("%d finished workflows were forgotten, as configured", count)
        except sqlite3.Error as cause:
            log.warning("finished workflows could not be forgotten, trying again: %s", cause)
        await asyncio.sleep(every)
