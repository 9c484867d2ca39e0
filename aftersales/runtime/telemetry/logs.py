"""Structured logs: one JSON object a line, with case, process, shop and rule, and no personal data of buyers."""

import json
import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from functools import cache
from typing import Any, Literal, TextIO

import structlog
from temporalio import activity, workflow
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from aftersales.runtime.settings import names_keys
from aftersales.runtime.telemetry.log_privacy import (
    PlatformWords,
    hide_phones,
    hide_platform_words,
    outline,
    plain_values,
    without_objects,
)

CASE_NAMES = ("case_id", "process", "shop", "rule")
CORE_LOGGING = LoggingConfig(
    TelemetryFilter(core_level="WARN", other_level="ERROR"),
    forwarding=LogForwardingConfig(
        logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,
    ),
)
"""Temporal's core would print its lines on standard output."""
QUOTING_FIELD = "failure"
"""The field in which the core repeats the message and the traceback of a failure, which Python's own line tells."""


@cache
def logging_runtime() -> Runtime:
    """Return a Temporal runtime whose core logs through Python's logging."""
    return Runtime(telemetry=TelemetryConfig(logging=CORE_LOGGING))


def _name_case(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the case of a line, from what Temporal's loggers attach."""
    attached = line.pop("temporal_workflow", None) or line.pop("temporal_activity", None) or {}
    line.pop("temporal_activity", None)
    if (of_core := line.pop("temporal_log", None)) is not None:
        fields = {name: value for name, value in of_core.fields.items() if name != QUOTING_FIELD}
        line.update({"fields": fields} if fields else {})
    names = {"case_id": attached.get("workflow_id"), "process": attached.get("workflow_type")}
    for name in CASE_NAMES:
        line[name] = line.get(name) or names.get(name)
    if "activity_type" in attached:
        line.update(activity=attached["activity_type"], attempt=attached["attempt"])
    return line


class _Handler(logging.StreamHandler[TextIO]):
    """A handler that says in one line that a line could not be written: the usual one prints it as it came."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as logging calls it
        fault = sys.exc_info()[1]
        with suppress(OSError, ValueError):
            why = type(fault).__name__ if fault else None
            self.stream.write(
                json.dumps({"event": "a line cannot be logged", "logger": record.name, "why": why}) + "\n"
            )


def configure_logs(level: str, form: Literal["json", "console"]) -> None:
    """Send the lines of every logger, and of Temporal's core, to standard error."""
    PlatformWords.hidden = names_keys()
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
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        # It finds every traceback already written: its own would show local variables, and with them buyers' data.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    private: list[Any] = [
        structlog.processors.ExceptionRenderer(outline),
        without_objects,
        hide_platform_words,
        hide_phones,
        plain_values,
    ]
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *private, renderer],
        )
    )
    workflow.logger.workflow_info_on_message = False  # the case is in fields of its own
    activity.logger.activity_info_on_message = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # else a line for every call
    Runtime.set_default(logging_runtime(), error_if_already_set=False)
