"""How long the shop remembers orders that are over, and for how long what it forgot is marked."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pizza_common.event import moment

_DAY = 86400.0


@dataclass(frozen=True)
class Retention:
    """`days` of 0 keep everything for ever."""

    days: float = 0.0

    def ended_before(self, now: datetime | None = None) -> str | None:
        """An order that is over since before this time may be forgotten; None keeps all."""
        return self._ago(self.days * _DAY, now) if self.days else None

    @property
    def mark_seconds(self) -> int | None:
        """How long the mark of what was forgotten lasts; None for ever.

        At least a day, also where orders are forgotten sooner: the topic may be late by hours.
        """
        return math.ceil(max(self.days * _DAY, _DAY)) if self.days else None

    def is_beyond_marks(self, at: str, now: datetime | None = None) -> bool:
        """Whether a mark that would tell a late event of this time from a new one may be gone."""
        return self.mark_seconds is not None and at < self._ago(self.mark_seconds, now)

    def _ago(self, seconds: float, now: datetime | None) -> str:
        return moment((now or datetime.now(UTC)) - timedelta(seconds=seconds))
