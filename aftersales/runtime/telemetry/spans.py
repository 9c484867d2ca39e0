"""Spans from a platform's push to its case and to the platform's call; without tracing they cost and do nothing."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Any, Final, Protocol

Attributes = Mapping[str, str | int]


class SpanSide(StrEnum):
    """Whether a span handles what another program asked, asks another program, or neither."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"
    INTERNAL = "INTERNAL"


class SpanNotes(Protocol):
    """Takes what is learned while a span lasts."""

    def set_attribute(self, key: str, value: str | int) -> None:
        """Note it; only names that ``ATTRIBUTES`` of ``open_telemetry`` lists are sent."""


class Tracing(Protocol):
    """The tracing of a process, without the types of OpenTelemetry."""

    def interceptor(self) -> Any:
        """Return the interceptor of every client of Temporal, and so of its workers."""

    def span(self, name: str, side: SpanSide, attributes: Attributes) -> AbstractContextManager[SpanNotes]:
        """Return a span around a block."""

    def continued(self, traceparent: str | None) -> AbstractContextManager[object]:
        """Return a block whose spans follow upon another one's, or begin a trace if there is none."""

    def traceparent(self) -> str | None:
        """Return the current span in W3C's form, None outside of one."""

    def send_rest(self, seconds: float) -> None:
        """Send what was not sent yet, and stop."""


class ProcessTracing:
    """The tracing of this process, None while it does not trace."""

    current: Tracing | None = None


class _Unnoted:
    def set_attribute(self, key: str, value: str | int) -> None:
        del key, value


_UNNOTED: Final = _Unnoted()


def span(name: str, side: SpanSide, attributes: Attributes) -> AbstractContextManager[SpanNotes]:
    """Trace a block."""
    tracing = ProcessTracing.current
    return nullcontext(_UNNOTED) if tracing is None else tracing.span(name, side, attributes)


def traceparent() -> str | None:
    """Return the current span in W3C's form, to be kept until the work goes on elsewhere."""
    return None if ProcessTracing.current is None else ProcessTracing.current.traceparent()


def continued(traceparent: str | None) -> AbstractContextManager[object]:
    """Go on with the trace of a span that was kept; without one each span begins a trace."""
    tracing = ProcessTracing.current
    return nullcontext() if tracing is None else tracing.continued(traceparent)
