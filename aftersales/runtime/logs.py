"""Structured logs: one JSON object a line, with case, process, shop and rule, and no personal data of buyers."""

import logging
import sys
from collections.abc import MutableMapping
from functools import cache
from typing import Any, Literal

import structlog
from temporalio import activity, workflow
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

CASE_NAMES = ("case_id", "process", "shop", "rule")
CORE_LOGGING = LoggingConfig(
    TelemetryFilter(core_level="WARN", other_level="ERROR"),
    forwarding=LogForwardingConfig(
        logging.getLogger("temporalio.core"), append_target_to_name=False, prepend_target_on_message=False
    ),
)
"""Temporal's core would print its lines on standard output."""


@cache
def logging_runtime() -> Runtime:
    """Return a Temporal runtime whose core logs through Python's logging."""
    return Runtime(telemetry=TelemetryConfig(logging=CORE_LOGGING))


def _name_case(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the case of a line, from what Temporal's loggers attach."""
    attached = line.pop("temporal_workflow", None) or line.pop("temporal_activity", None) or {}
    for surplus in ("temporal_activity", "temporal_log"):
        line.pop(surplus, None)
    names = {"case_id": attached.get("workflow_id"), "process": attached.get("workflow_type")}
    for name in CASE_NAMES:
        line[name] = line.get(name) or names.get(name)
    if "activity_type" in attached:
        line.update(activity=attached["activity_type"], attempt=attached["attempt"])
    return line


def configure_logs(level: str, form: Literal["json", "console"]) -> None:
    """Send the lines of every logger, and of Temporal's core, to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_case,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderers: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if form == "json"
        # The renderer's own tracebacks would show local variables, and with them buyers' data.
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    workflow.logger.workflow_info_on_message = False  # the case is in fields of its own
    activity.logger.activity_info_on_message = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # else a line for every call
    Runtime.set_default(logging_runtime(), error_if_already_set=False)
