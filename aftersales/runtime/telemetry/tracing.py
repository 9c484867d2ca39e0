"""Turning tracing on; OpenTelemetry, which need not be installed, is imported only then."""

from collections.abc import Sequence
from typing import Any, Final

from aftersales.runtime.telemetry.spans import ProcessTracing
from cases.errors import BadForm

LAST_SPANS_SECONDS: Final = 2.0
"""How long a program that ends waits for its last spans to be taken: a command must not hang for a collector."""
EXTRA_MISSING: Final = (
    "AFTERSALES_TRACING: 未安装 tracing 组件 / the extra is not installed: pip install 'aftersales[tracing]'"
)


def start_tracing(*, wanted: bool) -> None:
    """Trace from now on, if that is wanted; raises BadForm that names the variable or the missing extra."""
    if not wanted or ProcessTracing.current is not None:
        return
    try:
        from aftersales.runtime.telemetry.open_telemetry import OpenTelemetryTracing  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith("opentelemetry"):
            raise
        raise BadForm(EXTRA_MISSING) from None
    ProcessTracing.current = OpenTelemetryTracing()


def stop_tracing() -> None:
    """Send the last spans, for a limited time, and trace no more."""
    tracing, ProcessTracing.current = ProcessTracing.current, None
    if tracing is not None:
        tracing.send_rest(LAST_SPANS_SECONDS)


def tracing_interceptors() -> Sequence[Any]:
    """Return the interceptors of every client of Temporal: one that traces, if this process does."""
    return [] if ProcessTracing.current is None else [ProcessTracing.current.interceptor()]
