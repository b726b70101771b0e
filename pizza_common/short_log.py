"""The short form of the log, for a person at a terminal: time, level, what happened, which order.

The service is not in it, for localdapr puts that before each line; nor are the ids of requests and
traces, nor the state before, which the JSON form has.
"""

import os
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.dev import Column, ConsoleRenderer, KeyValueColumnFormatter
from structlog.typing import EventDict, Processor

_LEFT_OUT = ("service", "request_id", "trace_id", "span_id", "previous")
_LEVEL_WIDTH = 8
_EVENT_WIDTH = 22
_ORDER_WIDTH = 12
_PLAIN, _DIM, _BOLD, _RED, _YELLOW = "\x1b[0m", "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[33m"
_LEVELS = {"warning": _YELLOW, "error": _RED, "critical": _RED}


def is_for_a_person(output: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the output ends on a terminal, or on one that the parent process writes to."""
    return output.isatty() or environ.get("TTY_COMPATIBLE") == "1"


def wants_color(output: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """By the conventions of NO_COLOR and FORCE_COLOR; else on a terminal that has colors."""
    if environ.get("NO_COLOR"):
        return False
    if forced := environ.get("FORCE_COLOR"):
        return forced != "0"
    return output.isatty() and environ.get("TERM") != "dumb"


def short_form(color: bool) -> list[Processor]:
    """Renders a line, and below it the traceback that it may have."""
    columns = [
        Column("timestamp", _value(_DIM, color)),
        Column("level", _level(color)),
        Column("event", _value(_BOLD, color, _EVENT_WIDTH)),
        Column("order_id", _value("", color, _ORDER_WIDTH)),
        Column("", _named_value(color)),
    ]
    renderer = ConsoleRenderer(
        columns=columns, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )
    return [_shorten, renderer]


def _shorten(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Without what a person does not need, and what is not so."""
    kept = {
        name: value
        for name, value in event.items()
        if name not in _LEFT_OUT and value is not None and value is not False
    }
    return {"order_id": "", **kept}


def _value(style: str, color: bool, width: int = 0) -> KeyValueColumnFormatter:
    style, reset = (style, _PLAIN) if color else ("", "")
    return KeyValueColumnFormatter(None, style, reset, _text, width)


def _named_value(color: bool) -> KeyValueColumnFormatter:
    key, reset = (_DIM, _PLAIN) if color else ("", "")
    return KeyValueColumnFormatter(key, "", reset, _text)


def _level(color: bool) -> structlog.dev.ColumnFormatter:
    def level(key: str, value: object) -> str:  # noqa: ARG001  structlog names them
        padded = f"{value:<{_LEVEL_WIDTH}}"
        style = _LEVELS.get(str(value), "") if color else ""
        return f"{style}{padded}{_PLAIN}" if style else padded

    return level


def _text(value: object) -> str:
    """A value from outside may hold what a terminal obeys."""
    text = str(value)
    return text if text.isprintable() else repr(text)
