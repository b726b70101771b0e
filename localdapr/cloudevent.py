"""CloudEvents 1.0 as Dapr writes them: made from a published payload, or from an event.

Pure: ids, times and traces are arguments.
"""

import base64
import contextlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from localdapr.tracing import NO_TRACE, Trace

CONTENT_TYPE = "application/cloudevents+json"
EVENT_TYPE = "com.dapr.event.sent"
OVERRIDABLE = ("id", "source", "type", "subject", "traceid", "traceparent", "tracestate")
LONGEST_TTL = timedelta(days=36500)
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Publication:
    """One message as an app publishes it."""

    source: str
    pubsub: str
    topic: str
    data: bytes
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    trace: Trace = NO_TRACE

    @property
    def raw(self) -> bool:
        return self.metadata.get("rawPayload", "").lower() == "true"

    @property
    def ttl(self) -> timedelta | None:
        """None without a TTL and for one that is not a number above zero, as with Dapr."""
        text = self.metadata.get("ttlInSeconds", "")
        digits = text.lstrip("0")[:20]  # more than that is too much in any case
        if not text.isdecimal() or not digits:
            return None
        return min(timedelta(seconds=min(int(digits), 10**10)), LONGEST_TTL)


def encode(publication: Publication, event_id: str, now: datetime) -> bytes:
    """The bytes to deliver. Raises ValueError when what claims to be a CloudEvent is not one."""
    if publication.raw:
        return publication.data
    if _media_type(publication.content_type) == CONTENT_TYPE:
        event = _passed_on(publication, event_id, now)
    else:
        event = _wrapped(publication, event_id, now)
    if publication.ttl:
        event["expiration"] = _stamp(now + publication.ttl)
    return to_json(event)


def wrap_raw(payload: bytes, event_id: str, pubsub: str, topic: str) -> bytes:
    """What a rawPayload subscription gets: the stored bytes inside a bare CloudEvent."""
    return to_json(
        {
            "data_base64": base64.b64encode(payload).decode("ascii"),
            "datacontenttype": "application/octet-stream",
            "id": event_id,
            "pubsubname": pubsub,
            "source": "Dapr",
            "specversion": "1.0",
            "topic": topic,
            "type": EVENT_TYPE,
        }
    )


def to_json(value: Any) -> bytes:
    """Compact JSON in UTF-8. Raises ValueError for text that UTF-8 cannot hold."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def from_json(data: bytes | str) -> Any:
    """Strict JSON; NaN and numbers beyond a double are refused. Raises ValueError."""
    try:
        return json.loads(data, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def from_json_text(data: bytes) -> Any:
    """Strict JSON that can be written again: half of a surrogate pair is a ValueError, too."""
    value = from_json(data)
    if SURROGATE.search(data):
        to_json(value)
    return value


def _wrapped(publication: Publication, event_id: str, now: datetime) -> dict[str, Any]:
    content_type = publication.content_type or "text/plain"
    event = {
        **_envelope(event_id, now),
        "source": publication.source,
        "datacontenttype": content_type,
        **_data(publication.data, content_type),
        **_context(publication),
    }
    given = {name: publication.metadata.get(f"cloudevent.{name}") for name in OVERRIDABLE}
    return event | {name: value for name, value in given.items() if value}


def _passed_on(publication: Publication, event_id: str, now: datetime) -> dict[str, Any]:
    event = from_json(publication.data)
    if not isinstance(event, dict):
        raise ValueError("a CloudEvent must be a JSON object")
    return _envelope(event_id, now) | event | _context(publication)


def _envelope(event_id: str, now: datetime) -> dict[str, Any]:
    return {
        "id": event_id,
        "source": "Dapr",
        "specversion": "1.0",
        "type": EVENT_TYPE,
        "time": _stamp(now),
    }


def _context(publication: Publication) -> dict[str, str]:
    return {
        "topic": publication.topic,
        "pubsubname": publication.pubsub,
        "traceid": publication.trace.traceparent,
        "traceparent": publication.trace.traceparent,
        "tracestate": publication.trace.tracestate,
    }


def _data(data: bytes, content_type: str) -> dict[str, Any]:
    media_type = _media_type(content_type)
    try:
        text = None if media_type == "application/octet-stream" else data.decode("utf-8")
    except UnicodeDecodeError:
        text = None  # a text would lose bytes
    if text is None:
        return {"data_base64": base64.b64encode(data).decode("ascii")}
    with contextlib.suppress(ValueError):
        if media_type == "application/json" or media_type.endswith("+json"):
            return {"data": from_json(text)}
    return {"data": text}


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number
