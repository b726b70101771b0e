import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localdapr.cloudevent import Publication, encode, wrap_raw
from localdapr.tracing import NONE, Trace, next_trace

NOW = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def event(data: bytes, content_type: str = "", **metadata: str) -> dict[str, Any]:
    renamed = {name.replace("_", "."): value for name, value in metadata.items()}
    publication = Publication("shop", "pubsub", "orders", data, content_type, renamed)
    decoded: dict[str, Any] = json.loads(encode(publication, "id-1", NOW))
    return decoded


def test_a_payload_is_wrapped_with_the_fields_of_dapr() -> None:
    assert event(b'{"a":1}', "application/json") == {
        "id": "id-1",
        "source": "shop",
        "specversion": "1.0",
        "type": "com.dapr.event.sent",
        "time": "2024-05-06T07:08:09Z",
        "datacontenttype": "application/json",
        "data": {"a": 1},
        "topic": "orders",
        "pubsubname": "pubsub",
        "traceid": NONE,
        "traceparent": NONE,
        "tracestate": "",
    }


@pytest.mark.parametrize(
    ("data", "content_type", "field", "value"),
    [
        (b'"5"', "application/json", "data", "5"),
        (b"{bad", "application/json; charset=utf-8", "data", "{bad"),
        (b"NaN", "application/json", "data", "NaN"),
        (b'{"x":2}', "application/vnd.pizza+json", "data", {"x": 2}),
        (b"caf\xc3\xa9", "", "data", "café"),
        (b"\xff\x00", "application/octet-stream", "data_base64", "/wA="),
        (b"\xff\x00", "text/plain", "data_base64", "/wA="),
    ],
)
def test_the_content_type_decides_how_data_is_carried(
    data: bytes, content_type: str, field: str, value: object
) -> None:
    assert event(data, content_type)[field] == value


def test_metadata_replace_fields_of_the_envelope() -> None:
    made = event(b"x", cloudevent_id="mine", cloudevent_type="t", cloudevent_topic="no")
    assert (made["id"], made["type"], made["topic"]) == ("mine", "t", "orders")


@pytest.mark.parametrize(("ttl", "expires"), [("60", True), ("abc", False), ("0", False)])
def test_a_ttl_becomes_an_expiration_unless_it_is_no_number(ttl: str, expires: bool) -> None:
    assert ("expiration" in event(b"x", ttlInSeconds=ttl)) is expires


def test_a_cloud_event_is_passed_on_with_its_own_fields() -> None:
    sent = b'{"specversion":"1.0","id":"7","source":"s","type":"t","ext":"e","topic":"other"}'
    made = event(sent, "application/cloudevents+json")
    assert {**json.loads(sent), "topic": "orders"}.items() <= made.items()
    assert "data" not in made
    assert made["pubsubname"] == "pubsub"


@pytest.mark.parametrize("data", [b"{bad", b"[1]", b"", b"[" * 100_000])
def test_what_only_claims_to_be_a_cloud_event_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own message
        event(data, "application/cloudevents+json")


def test_a_raw_payload_stays_as_it_is_and_is_wrapped_for_raw_subscribers_only() -> None:
    raw = Publication("shop", "pubsub", "orders", b"\x00raw", metadata={"rawPayload": "true"})
    assert encode(raw, "id-1", NOW) == b"\x00raw"
    wrapped = json.loads(wrap_raw(b"\x00raw", "id-1", "pubsub", "orders"))
    assert (wrapped["source"], wrapped["data_base64"]) == ("Dapr", "AHJhdw==")


@given(st.text(), st.sampled_from(["application/json", "text/plain", ""]))
def test_no_text_is_lost(text: str, content_type: str) -> None:
    body = json.dumps(text) if content_type == "application/json" else text
    try:
        data = body.encode("utf-8")
    except UnicodeEncodeError:
        return
    assert event(data, content_type)["data"] == text


def test_a_trace_goes_on_as_it_came() -> None:
    trace = next_trace(GIVEN, "a=b", "k=v", 0)
    assert trace.headers() == {"traceparent": GIVEN, "tracestate": "a=b", "baggage": "k=v"}


def test_without_a_trace_the_sampling_rate_decides() -> None:
    assert next_trace("nonsense", "", "", 0) == Trace(NONE)
    assert next_trace("", "", "", 1).traceparent.endswith("-01")
