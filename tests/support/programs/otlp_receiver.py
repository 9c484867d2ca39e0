"""A receiver of spans for tests, which takes them over real HTTP, as OTLP describes it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACES = "/v1/traces"


@dataclass(frozen=True)
class ReceivedSpan:
    """One span: ids are hexadecimal, ``parent`` is empty for the first one of a trace, ``links`` are (trace, span)."""

    name: str
    trace: str
    span: str
    parent: str
    attributes: dict[str, Any]
    links: list[tuple[str, str]]
    failed: bool


@dataclass
class OtlpReceiver:
    """What has arrived: ``raw`` are the bodies."""

    address: str = ""
    raw: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[ReceivedSpan]:
        """Every span, in the order of their arrival."""
        return [
            ReceivedSpan(
                name=span.name,
                trace=span.trace_id.hex(),
                span=span.span_id.hex(),
                parent=span.parent_span_id.hex(),
                attributes={each.key: each.value.string_value or each.value.int_value for each in span.attributes},
                links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                failed=span.status.code == span.status.STATUS_CODE_ERROR,
            )
            for body in self.raw
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def services(self) -> set[str]:
        """Return the names of the programs that have sent spans."""
        return {
            each.value.string_value
            for body in self.raw
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for each in resource.resource.attributes
            if each.key == "service.name"
        }

    def named(self, name: str) -> list[ReceivedSpan]:
        """Return the spans of a name."""
        return [span for span in self.spans if span.name == name]

    def above(self, span: ReceivedSpan) -> list[str]:
        """Return the names of a span's ancestors, the nearest first."""
        known = {each.span: each for each in self.spans}
        names = []
        while span.parent:
            span = known[span.parent]
            names.append(span.name)
        return names


@contextmanager
def receiving() -> Iterator[OtlpReceiver]:
    """Receive until the block ends."""
    receiver = OtlpReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            right = self.path == TRACES and self.headers["content-type"] == "application/x-protobuf"
            if right:
                receiver.raw.append(body)
            self.send_response(200 if right else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
