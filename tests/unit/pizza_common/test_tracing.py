from typing import Any, NamedTuple

import grpc
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pizza_common.tracing import TracedCalls


class Details(NamedTuple):
    """A call as gRPC hands it to an interceptor."""

    method: str
    metadata: Any = None


class Answer:
    def __init__(self, code=grpc.StatusCode.OK):
        self.code = lambda: code


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test")


@pytest.fixture
def call(tracer):
    """Makes a call; gives the metadata that it was sent with."""

    def call(method, answer=None, metadata=None):
        sent = []

        def continuation(details, _request):
            sent.append(details.metadata)
            return answer or Answer()

        TracedCalls(tracer).intercept_unary_unary(continuation, Details(method, metadata), None)
        return sent[0]

    return call


def test_a_call_of_a_trace_is_a_span_of_it_and_takes_it_along(tracer, exporter, call):
    with tracer.start_as_current_span("request"):
        sent = dict(call("/dapr.proto.runtime.v1.Dapr/SaveState", metadata=[("token", "x")]))
    span, request = exporter.get_finished_spans()
    assert (span.name, span.parent.span_id) == ("SaveState", request.context.span_id)
    assert f"{span.context.trace_id:032x}-{span.context.span_id:016x}" in sent["traceparent"]
    assert sent["token"] == "x"


def test_a_call_that_fails_is_a_span_that_says_so(tracer, exporter, call):
    with tracer.start_as_current_span("request"):
        call("/x/GetState", Answer(grpc.StatusCode.UNAVAILABLE))
    assert not exporter.get_finished_spans()[0].status.is_ok


def test_a_call_outside_of_any_trace_begins_none(exporter, call):
    assert call("/x/GetInstance") is None
    assert not exporter.get_finished_spans()


def test_what_a_worker_answers_to_the_engine_is_no_part_of_a_trace(tracer, exporter, call):
    with tracer.start_as_current_span("activity"):
        assert call("/TaskHubSidecarService/CompleteActivityTask") is None
    assert [span.name for span in exporter.get_finished_spans()] == ["activity"]
