"""Times as users write and read them: durations like 1h30m, RFC 3339, ages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from localdapr.resiliency import seconds

UNITS = ((2 * 86_400, 86_400, "d"), (2 * 3600, 3600, "h"), (120, 60, "m"), (1, 1, "s"))


def from_now(text: str) -> datetime:
    """The type of an option: a duration from now, or a time (local unless it names its zone)."""
    return _moment(text, 1)


def ago(text: str) -> datetime:
    """The same, the duration back from now."""
    return _moment(text, -1)


def shown_span(span: timedelta) -> str:
    """A span in its largest fitting unit, as 250ms, 90s, 5h or 3d."""
    for least, unit, name in UNITS:
        if span.total_seconds() >= least:
            return f"{int(span.total_seconds()) // unit}{name}"
    return f"{max(0, span // timedelta(milliseconds=1))}ms"


def age(at: str) -> str:
    """The span from then, in RFC 3339, until now."""
    return shown_span(datetime.now(UTC) - datetime.fromisoformat(at))


def _moment(text: str, sign: int) -> datetime:
    try:
        return _read(text, sign)
    except OverflowError as cause:
        raise click.BadParameter(f"{text!r} is before the year 1 or after 9999") from cause


def _read(text: str, sign: int) -> datetime:
    try:
        return datetime.now(UTC) + sign * timedelta(seconds=seconds(text))
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as cause:
        text = f"{text!r} is neither like 300ms, 1.5h nor like 2023-01-02T15:04:05"
        raise click.BadParameter(text) from cause
