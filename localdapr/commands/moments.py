"""Times as users write and read them: durations like 1h30m, RFC 3339, ages.

Times are microseconds since the epoch everywhere else.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from localdapr.resiliency import seconds

UNITS = ((2 * 86_400, 86_400, "d"), (2 * 3600, 3600, "h"), (120, 60, "m"), (1, 1, "s"))


def from_now(text: str) -> int:
    """The type of an option: a duration from now, or a time (local unless it names its zone)."""
    return _moment(text, 1)


def ago(text: str) -> int:
    """The same, the duration back from now."""
    return _moment(text, -1)


def shown_time(at: int) -> str:
    """RFC 3339, UTC, to the millisecond."""
    moment = datetime.fromtimestamp(at / 1_000_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_span(microseconds: int) -> str:
    """A span in its largest fitting unit, as 250ms, 90s, 5h or 3d."""
    for least, unit, name in UNITS:
        if microseconds >= least * 1_000_000:
            return f"{microseconds // (unit * 1_000_000)}{name}"
    return f"{max(0, microseconds) // 1000}ms"


def age(at: int) -> str:
    """The span from then until now."""
    return shown_span(int(time.time() * 1_000_000) - at)


def _moment(text: str, sign: int) -> int:
    try:
        return int((time.time() + sign * seconds(text)) * 1_000_000)
    except ValueError:
        pass
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1_000_000)
    except ValueError as cause:
        text = f"{text!r} is neither like 300ms, 1.5h nor like 2023-01-02T15:04:05"
        raise click.BadParameter(text) from cause
