"""How a command ends: an error becomes one line on standard error and an exit status."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn

import typer
from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.cli.output import complain
from aftersales.runtime.decision_client import DecisionUnknown
from aftersales.runtime.logs import configure_logs
from cases.errors import BadForm, CaseError, PlatformRefused, Refused
from workflows.engine.decisions import CLOSED
from workflows.opening import refusal_text

REFUSED, BAD_INPUT, UNANSWERED, INTERRUPTED = 1, 2, 3, 130
"""UNANSWERED: a decision was sent and no answer came; it may have been taken, or may be taken later."""

_NO_WORKER = "没有 worker 应答 / no worker answers: start one with `aftersales worker`"


def run(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run a command's work and exit.

    The exit status is the work's own or 0, or 1 (refused by the rules or the platform), 2 (bad input, or no answer),
    3 (a decision that may have been taken) or 130 (interrupted).
    """
    # Temporal's core warns of every repeated call; only the one line of how it ended is meant for people.
    configure_logs("ERROR", "json")
    try:
        status = asyncio.run(work)
    except CaseError as bad:
        _exit(bad)
    except WorkflowUpdateFailedError as failed:
        _exit(_refusal(failed))
    except WorkflowQueryFailedError as failed:
        _exit(BadForm(str(failed)))
    except RPCError as failed:
        _exit(case_error(failed))
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(status or 0)


def _exit(bad: CaseError) -> NoReturn:
    complain(str(bad))
    if isinstance(bad, DecisionUnknown):
        raise typer.Exit(UNANSWERED) from None
    raise typer.Exit(REFUSED if isinstance(bad, Refused | PlatformRefused) else BAD_INPUT) from None


def _refusal(failed: WorkflowUpdateFailedError) -> CaseError:
    cause = failed.cause
    refused = isinstance(cause, ApplicationError) and cause.type in {Refused.__name__, PlatformRefused.__name__}
    return Refused(refusal_text(failed)) if refused else BadForm(refusal_text(failed))


def case_error(failed: RPCError) -> CaseError:
    """Return what a failed call to Temporal means for operators."""
    if failed.status is RPCStatusCode.NOT_FOUND:
        if "completed" in failed.message or "closing workflow" in failed.message:
            return Refused(CLOSED)
        return BadForm(f"没有这个案件 / no such case ({failed.message})")
    if failed.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
        return CaseError(_NO_WORKER)
    if failed.status is RPCStatusCode.INVALID_ARGUMENT and "search attribute" in failed.message.lower():
        return CaseError(f"search attributes are missing: run `aftersales setup` once ({failed.message})")
    return CaseError(f"Temporal: {failed.message}")
