"""Tracing by OpenTelemetry: spans are sent by OTLP over HTTP, as its standard variables (``OTEL_*``) say.

No buyer's data is sent: of a span's attributes only those of a list, of an exception only its type.
"""

import os
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context, attach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio.api.common.v1 import Payload
from temporalio.contrib.opentelemetry import TracingInterceptor, TracingWorkflowInboundInterceptor
from temporalio.converter import DefaultPayloadConverter
from temporalio.worker import (
    HandleSignalInput,
    HandleUpdateInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from aftersales.runtime.telemetry.spans import Attributes, SpanNotes, SpanSide
from cases.errors import BadForm
from cases.models import clipped
from cases.plain_text import plain

ATTRIBUTES: Final = frozenset(
    {
        "aftersales.messages",
        "aftersales.platform",
        "aftersales.shop",
        "http.request.method",
        "http.response.status_code",
        "server.address",
        "server.port",
        "temporalActivityID",
        "temporalActivityType",
        "temporalRunID",
        "temporalUpdateID",
        "temporalWorkflowID",
    }
)
"""What is sent of a span: ids, numbers and names of ours, which logs hold as well."""
EXCEPTION_TYPE: Final = "exception.type"
TRACE_HEADER: Final = "_tracer-data"
"""The header of Temporal that carries the context; the SDK's own name for it."""
LONGEST_SPAN_NAME: Final = 200
SERVICE: Final = "aftersales"
"""The service's name, unless a standard variable names it."""
_PROTOCOL: Final = "http/protobuf"
_PROPAGATOR: Final = TraceContextTextMapPropagator()
"""Ids alone; the SDK's own would carry what other libraries call baggage as well."""


class OpenTelemetryTracing:
    """The tracing of a process, made from the standard variables; raises BadForm for one that cannot be used."""

    def __init__(self) -> None:
        protocols = (OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL)
        name = next((name for name in protocols if os.environ.get(name)), protocols[0])
        if os.environ.get(name, _PROTOCOL) != _PROTOCOL:
            raise BadForm(f"{name}: 仅支持 {_PROTOCOL} / only {_PROTOCOL} is supported, got {os.environ[name]!r}")
        try:
            self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
            self._provider.add_span_processor(BatchSpanProcessor(WithoutWords(OTLPSpanExporter())))
        except ValueError as bad:
            raise BadForm(f"OTEL_*: 无法使用 / a variable cannot be used: {bad}") from bad
        self._tracer = self._provider.get_tracer("aftersales")

    def interceptor(self) -> TracingInterceptor:
        """Return the interceptor of every client of Temporal, and so of its workers."""
        return CaseTracing(self._tracer)

    def span(self, name: str, side: SpanSide, attributes: Attributes) -> AbstractContextManager[SpanNotes]:
        """Trace a block."""
        return self._tracer.start_as_current_span(name, kind=trace.SpanKind[side], attributes=attributes)

    def continued(self, traceparent: str | None) -> AbstractContextManager[object]:
        """Follow upon a span that was kept; without one each span of the block begins a trace."""
        kept = _span_of({"traceparent": traceparent} if traceparent else {})
        return trace.use_span(kept, record_exception=False, set_status_on_exception=False)

    def traceparent(self) -> str | None:
        """Return the current span in W3C's form, None outside of one."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier.get("traceparent")

    def send_rest(self, seconds: float) -> None:
        """Send what was not sent yet, and stop; a collector that does not answer is given up after a while."""
        sending = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        sending.start()
        sending.join(seconds)


def _resource() -> Resource:
    named = "OTEL_SERVICE_NAME" in os.environ or f"{SERVICE_NAME}=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create(None if named else {SERVICE_NAME: SERVICE})


def _span_of(carrier: dict[str, str]) -> trace.Span:
    """Return the span that a carrier names, an invalid one if it names none."""
    return trace.get_current_span(_PROPAGATOR.extract(carrier, context=Context()))


class WithoutWords(SpanExporter):
    """An exporter that passes spans on without the words of errors, and without attributes that nobody has approved."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export what may be told of each span."""
        return self._exporter.export([_without_words(span) for span in spans])

    def shutdown(self) -> None:
        """Stop."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is held back."""
        return self._exporter.force_flush(timeout_millis)


def _without_words(span: ReadableSpan) -> ReadableSpan:
    attributes = {name: value for name, value in (span.attributes or {}).items() if name in ATTRIBUTES}
    events = [
        Event(plain(event.name), _type_alone(event), event.timestamp)
        for event in span.events
        if event.name == "exception"
    ]
    return ReadableSpan(
        name=clipped(plain(span.name), LONGEST_SPAN_NAME),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=events,
        links=[trace.Link(link.context) for link in span.links],
        kind=span.kind,
        status=trace.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _type_alone(event: Event) -> dict[str, Any]:
    kind = (event.attributes or {}).get(EXCEPTION_TYPE)
    return {} if kind is None else {EXCEPTION_TYPE: kind}


class Carriers(DefaultPayloadConverter):
    """Reads the header of a trace; one that is not ours is no trace, and must not hold up a case."""

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """Return the header's fields, none if it cannot be read."""
        del type_hints
        return [self._fields(payload) for payload in payloads]

    def _fields(self, payload: Payload) -> dict[str, str]:
        try:
            (read,) = super().from_payloads([payload])
        except Exception:  # noqa: BLE001 - whoever may signal a case may put anything there
            return {}
        if not isinstance(read, dict):
            return {}
        return {name: value for name, value in read.items() if isinstance(name, str) and isinstance(value, str)}


class CaseTracing(TracingInterceptor):
    """The SDK's interceptor, for cases: what a decision leads to is in the decision's trace, not in that of the start.

    A case lives for days. What its clocks lead to is in the trace that opened it; handlers are linked to their senders.
    """

    def __init__(self, tracer: trace.Tracer) -> None:
        super().__init__(tracer)
        self.text_map_propagator, self.payload_converter = _PROPAGATOR, Carriers()

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[TracingWorkflowInboundInterceptor]:
        """Intercept every workflow."""
        super().workflow_interceptor_class(input)  # lends it the function that makes spans
        return _TracedWorkflow


class _TracedWorkflow(TracingWorkflowInboundInterceptor):
    def __init__(self, next: WorkflowInboundInterceptor) -> None:  # noqa: A002
        super().__init__(_UnderSender(next))
        self.text_map_propagator, self.payload_converter = _PROPAGATOR, Carriers()


class _UnderSender(WorkflowInboundInterceptor):
    """Makes the sender's span the parent of all that a handler does; it is inside the span of the handler itself.

    A handler is a task with a context of its own, which ends with it: there is nothing to put back.
    """

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        _follow(input)
        await super().handle_signal(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        _follow(input)
        return await super().handle_update_handler(input)


def _follow(given: HandleSignalInput | HandleUpdateInput) -> None:
    header = given.headers.get(TRACE_HEADER)
    sender = _span_of(Carriers().from_payloads([header])[0] if header else {})
    if sender.get_span_context().is_valid:
        attach(trace.set_span_in_context(sender))
