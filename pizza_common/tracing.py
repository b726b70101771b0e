"""Traces: one order is one trace, from its start through every step to every service.

Imported only where traces are sent: it needs the extra `tracing`, and it wraps what Flask, requests
and gRPC do in this process. The steps' own spans are the workflow SDK's, which makes one for
each activity, in the trace that the engine hands it; replayed workflow code makes none.

OpenTelemetry's own settings hold (OTEL_EXPORTER_OTLP_..., OTEL_BSP_..., OTEL_TRACES_SAMPLER).
"""

import threading
from collections.abc import Callable
from typing import Any

import grpc
import structlog
from flask_openapi.openapi import OpenAPI
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from requests import PreparedRequest
from wrapt import wrap_function_wrapper

_UNTRACED = "healthz,readyz,metrics,v1.0/metadata"
_LAST_SECONDS = 2.0

# What a step answers to the engine belongs to the engine's work, not to the order's.
_ANSWERS = frozenset({"CompleteActivityTask", "CompleteOrchestratorTask"})


def trace_service(app: OpenAPI) -> None:
    """Send the spans of this process, in the name of this app; once in a process."""
    provider, exporter = TracerProvider(resource=_resource(app.name)), OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    FlaskInstrumentor().instrument_app(app, excluded_urls=_UNTRACED)  # type: ignore[no-untyped-call]
    RequestsInstrumentor().instrument(excluded_urls=_UNTRACED, request_hook=_name_invocation)
    wrap_function_wrapper(grpc, "insecure_channel", _with_traces)
    app.before_request(_name_trace)
    app.extensions["hooks"].stopped.append(lambda: _send_the_rest(provider, exporter))


class TracedCalls(grpc.UnaryUnaryClientInterceptor):
    """A call to the sidecar that belongs to a trace is a span of it, and takes it along.

    OpenTelemetry's own interceptor is not taken: where it is installed, the SDK wraps each
    channel with it by itself, and each turn and poll of the worker becomes a trace of its own.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def intercept_unary_unary(
        self, continuation: Callable[..., Any], details: Any, request: Any
    ) -> Any:
        """Called by gRPC in place of the call."""
        method = details.method.rpartition("/")[2]
        if method in _ANSWERS or not trace.get_current_span().get_span_context().is_valid:
            return continuation(details, request)
        with self._tracer.start_as_current_span(method, kind=trace.SpanKind.CLIENT) as span:
            context: dict[str, str] = {}
            propagate.inject(context)
            metadata = [*(details.metadata or ()), *context.items()]
            answer = continuation(details._replace(metadata=metadata), request)
            if answer.code() is not grpc.StatusCode.OK:
                span.set_status(trace.StatusCode.ERROR, str(answer.code()))
            return answer


def _resource(service: str) -> Resource:
    return Resource.create({SERVICE_NAME: service})


def _send_the_rest(provider: TracerProvider, exporter: OTLPSpanExporter) -> None:
    """At the end of the process; a collector that is away does not hold it up for long."""
    give_up = threading.Timer(_LAST_SECONDS, exporter.shutdown)
    give_up.start()
    provider.shutdown()
    give_up.cancel()


def _with_traces(make: Callable[..., Any], _instance: Any, given: Any, named: Any) -> Any:
    """A channel as `grpc.insecure_channel` makes it, whose calls are traced."""
    return grpc.intercept_channel(make(*given, **named), TracedCalls(trace.get_tracer(__name__)))


def _name_invocation(span: trace.Span, request: PreparedRequest) -> None:
    app_id = request.headers.get("dapr-app-id")
    if app_id:
        span.update_name(f"invoke {app_id}")


def _name_trace() -> None:
    """Each line that is logged for a request names its trace."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        trace_id = trace.format_trace_id(context.trace_id)
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
