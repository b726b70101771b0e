"""Logging: one line per event, JSON for machines or a short form for a person at a terminal."""

import logging
import sys
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import Processor

from pizza_common.settings import Settings
from pizza_common.short_log import is_for_a_person, short_form, wants_color

# They log each request or wait, or a full queue that shows anyway in answering times.
_NOISY = ("waitress", "waitress.queue", "werkzeug", "urllib3", "dapr")


def configure_logs(settings: Settings, service: str) -> None:
    """Send this process's logs, and those of its libraries, to stderr, each naming the service."""
    level = logging.getLevelName(settings.pizza_log_level.upper())
    is_short = _is_short(settings)
    before = list(_common(service, is_short))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before, processors=[_drop_meta, *_rendering(is_short)]
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _common(service: str, is_short: bool) -> Iterable[Processor]:
    def name_service(_logger: Any, _method: str, event: structlog.typing.EventDict) -> Any:
        event.setdefault("service", service)
        return event

    yield structlog.contextvars.merge_contextvars
    yield name_service
    yield structlog.stdlib.add_log_level
    yield structlog.processors.TimeStamper(fmt="%H:%M:%S" if is_short else "iso", utc=not is_short)


def _is_short(settings: Settings) -> bool:
    chosen = settings.pizza_log_format
    return chosen == "console" or (chosen == "auto" and is_for_a_person(sys.stderr))


def _rendering(is_short: bool) -> list[Processor]:
    if is_short:
        return short_form(wants_color(sys.stderr))
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _drop_meta(logger: Any, method: str, event: structlog.typing.EventDict) -> Any:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, method, event)
