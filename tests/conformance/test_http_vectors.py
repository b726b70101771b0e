"""The engine answers what the real runtime answered: each recorded request, in its order.

A vector may rely on earlier ones of its group, so a group is run whole (`-k 'st-'`).
"""

import base64
import http.client
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from localdapr.manifest import App
from tests.conformance.deviations import DEVIATIONS
from tests.conformance.vector_match import (
    body_difference,
    difference,
    parsed,
    shape_difference,
)
from tests.hub.processes import wait_until
from tools.shop_engine import until

VECTORS = json.loads((Path(__file__).parent / "http.json").read_text(encoding="utf-8"))
SUBSCRIBER_PORT = 24102
POLL_SECONDS = 60.0
DELIVERY_SECONDS = 30.0
SURPLUS_SECONDS = 0.1  # how long a delivery too many is given to show itself

Sidecars = dict[str, App]


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def json(self) -> Any:
        return parsed(self.body, self.content_type)


@pytest.fixture(scope="module")
def captured() -> dict[str, str]:
    """What earlier vectors captured, for `{{NAME}}` in later ones."""
    return {}


@pytest.fixture(scope="module")
def deviations(pytestconfig: pytest.Config) -> dict[str, dict[str, Any]]:
    """What this engine answers otherwise than it was recorded."""
    return DEVIATIONS if pytestconfig.getoption("--engine") == "localdapr" else {}


@pytest.mark.parametrize("recorded", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_the_engine_answers_as_recorded(
    recorded: dict[str, Any],
    sidecars: Sidecars,
    captured: dict[str, str],
    deviations: dict[str, dict[str, Any]],
) -> None:
    vector = {**recorded, **deviations.get(recorded["id"], {})}
    port = sidecars[vector["setup"]["sidecar"]].http_port
    if "delivered" in vector:
        ask(SUBSCRIBER_PORT, "DELETE", "/_events")
        ask(SUBSCRIBER_PORT, "POST", "/_behave", body=vector.get("subscriber_behave", {}))
    time.sleep(vector.get("wait_before_ms", 0) / 1000)
    answer = replay(port, vector, captured)
    assert answer_difference(vector, answer) == ""
    for name, place in vector.get("capture", {}).items():
        captured[name] = capture(answer, place)
    if "delivered" in vector:
        assert_delivered(vector["delivered"]["events"])


def test_every_deviation_names_a_vector_and_a_reason() -> None:
    ids = {vector["id"] for vector in VECTORS}
    assert [name for name in DEVIATIONS if name not in ids] == []
    assert all(deviation["why"] for deviation in DEVIATIONS.values())


def replay(port: int, vector: dict[str, Any], captured: dict[str, str]) -> Answer:
    """Send the request, for `poll` until the fields have their values.

    One that was recorded after a wait is sent until it is answered as recorded: how long the
    runtime needed then says nothing of another machine.
    """
    request = filled(vector["request"], captured)
    fields = filled(vector.get("poll", {}), captured)
    answers: list[Answer] = []

    def settled() -> bool:
        answers.append(
            ask(port, request["method"], request["path"], request["headers"], request["body"])
        )
        if "wait_before_ms" in vector and not fields:
            return answer_difference(vector, answers[-1]) == ""
        return not fields or difference({**fields, "<more>": True}, answers[-1].json) == ""

    for _ in until(POLL_SECONDS):
        if settled():
            break
    return answers[-1]


def answer_difference(vector: dict[str, Any], answer: Answer) -> str:
    """What differs from the record, in the strictness that the vector asks for."""
    expected, match = vector["response"], vector["match"]
    if expected["status"] != answer.status:
        return f"status: expected {expected['status']}, got {answer.status}: {answer.body[:500]!r}"
    if match == "status":
        return ""
    if match == "status+errorCode":
        wanted = (expected["body"] or {}).get("errorCode")
        got = answer.json.get("errorCode") if wanted else None
        return "" if wanted == got else f"errorCode: expected {wanted}, got {got}"
    if headers := header_difference(expected["headers"], answer):
        return headers
    if match == "shape":
        exact = {name: expected["body"][name] for name in vector.get("exact_fields", ())}
        return shape_difference(expected["body"], answer.json) or difference(
            {**exact, "<more>": True} if exact else "<any>", answer.json
        )
    return body_difference(expected["body"], answer.body, answer.content_type)


def header_difference(expected: dict[str, Any], answer: Answer) -> str:
    for name, value in expected.items():
        got = answer.headers.get_all(name, [])
        values = value if isinstance(value, list) else [value]
        if found := difference(values, got, name):
            return found
    return ""


def assert_delivered(expected: list[dict[str, Any]]) -> None:
    """Exactly these events arrive, in any order."""

    def arrived() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = ask(SUBSCRIBER_PORT, "GET", "/_events").json
        return events

    if expected:
        wait_until(
            lambda: len(arrived()) >= len(expected),
            f"{len(expected)} deliveries",
            DELIVERY_SECONDS,
        )
    time.sleep(SURPLUS_SECONDS)
    left = [shown(event) for event in arrived()]
    for event in expected:
        match = next((got for got in left if not difference(event, got, "event")), None)
        assert match is not None, f"{event} did not arrive; what did: {left}"
        left.remove(match)
    assert left == []


def shown(event: dict[str, Any]) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in event["headers"]}
    return {
        "path": event["path"],
        "contentType": headers.get("content-type"),
        "body": event["body"],
    }


def ask(
    port: int, method: str, path: str, headers: dict[str, str] | None = None, body: Any = None
) -> Answer:
    """One request on a connection of its own, its path sent untouched."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DELIVERY_SECONDS + 10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        payload = encoded(body)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if payload or method in ("POST", "PUT"):
            connection.putheader("Content-Length", str(len(payload)))
        connection.endheaders(payload or None)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def encoded(body: Any) -> bytes:
    """A body as the vectors write it: text as it is, `$base64`, `$repeat`, else compact JSON."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode("utf-8")
    if isinstance(body, dict) and "$base64" in body:
        return base64.b64decode(body["$base64"])
    if isinstance(body, dict) and "$repeat" in body:
        text, times = body["$repeat"]
        return (text * times).encode("utf-8")
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def filled(value: Any, captured: dict[str, str]) -> Any:
    """`{{NAME}}` replaced by what an earlier vector captured."""
    text = json.dumps(value)
    for name, found in captured.items():
        text = text.replace("{{" + name + "}}", json.dumps(found)[1:-1])
    assert "{{" not in text, f"{text} needs an earlier vector of its group"
    return json.loads(text)


def capture(answer: Answer, place: str) -> str:
    where, _, name = place.partition(".")
    return str(answer.headers[name] if where == "headers" else answer.json[name])
