"""The id by which a request is found in the logs, and which its answer has as X-Request-ID."""

import re
import uuid

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(given: str) -> str:
    """The client's, unless it could spoil a log; else a new one."""
    return given if _SANE.fullmatch(given) else uuid.uuid4().hex
