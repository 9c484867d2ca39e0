"""Structured logs: one JSON object a line, with case, process, shop and rule; nothing of buyers' data."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from temporalio import activity, workflow

CASE_NAMES = ("case_id", "process", "shop", "rule")


def _about(_: Any, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the case a line is about, from what Temporal's loggers attach to it."""
    told = line.pop("temporal_workflow", None) or line.pop("temporal_activity", None) or {}
    line.pop("temporal_activity", None)
    names = {"case_id": told.get("workflow_id"), "process": told.get("workflow_type")}
    for name in CASE_NAMES:
        line[name] = line.get(name) or names.get(name)
    if "activity_type" in told:
        line.update(activity=told["activity_type"], attempt=told["attempt"])
    return line


def configure_logs(level: str, form: Literal["json", "console"]) -> None:
    """Send every logger's lines to standard error, ours and the libraries' alike."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _about,
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
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    workflow.logger.workflow_info_on_message = False  # who a line is about stands in fields of its own
    activity.logger.activity_info_on_message = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would write a line for every call
