"""A collector of spans in the test's own process: OTLP over HTTP, on a port of 127.0.0.1."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan


@dataclass(frozen=True)
class Span:
    """What tests look at; ids as hex, `parent` empty for a root."""

    trace: str
    id: str
    parent: str
    name: str
    service: str
    attributes: dict[str, str]

    def is_of(self, order_id: str) -> bool:
        """Whether it is a step of this order, of its workflow or of a child's."""
        instance = self.attributes.get("dapr.ext.workflow._durabletask.task.instance_id", "")
        return instance.partition(":")[0] == f"pizza-order-{order_id}"


@dataclass
class Collector:
    """The spans that came, and where to send them."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What sends the spans of services, and of daprd, here and soon."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def steps(self, order_id: str) -> list[Span]:
        """The runs of the order's steps, as the workflow worker told them."""
        return [span for span in list(self.spans) if span.is_of(order_id)]

    def trace(self, order_id: str) -> dict[str, Span]:
        """The spans, by id, of the trace in which the order's steps are; there is one."""
        (trace,) = {span.trace for span in self.steps(order_id)}
        return {span.id: span for span in list(self.spans) if span.trace == trace}

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Keep the spans of a request."""
        for of_service in request.resource_spans:
            service = {each.key: each.value for each in of_service.resource.attributes}
            name = service["service.name"].string_value
            for scope in of_service.scope_spans:
                self.spans += [_span(each, name) for each in scope.spans]


def _span(span: SentSpan, service: str) -> Span:
    attributes = {each.key: each.value.string_value for each in span.attributes}
    return Span(
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        name=span.name,
        service=service,
        attributes=attributes,
    )


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """A collector, for as long as the block lasts."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
