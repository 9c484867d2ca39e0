"""How a command ends: an error becomes one line on standard error and an exit status."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn

import typer
from temporalio.client import (
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from aftersales.cli.output import complain
from cases.errors import BadForm, CaseError, Refused
from workflows.engine.decisions import CLOSED
from workflows.opening import refusal_text

REFUSED, BAD_INPUT, INTERRUPTED = 1, 2, 130

_NO_WORKER = "没有 worker 应答 / no worker answers: start one with `aftersales worker`"


def run(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run a command's work and exit: with its status or 0, 1 (refused by the rules), 2 (bad input) or 130."""
    try:
        status = asyncio.run(work)
    except CaseError as bad:
        _exit(bad)
    except WorkflowUpdateFailedError as failed:
        _exit(_refusal(failed))
    except WorkflowQueryFailedError as failed:
        _exit(BadForm(str(failed)))
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        _exit(CaseError(_NO_WORKER))
    except RPCError as failed:
        _exit(case_error(failed))
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(status or 0)


def _exit(bad: CaseError) -> NoReturn:
    complain(str(bad))
    raise typer.Exit(REFUSED if isinstance(bad, Refused) else BAD_INPUT) from None


def _refusal(failed: WorkflowUpdateFailedError) -> CaseError:
    cause = failed.cause
    refused = isinstance(cause, ApplicationError) and cause.type == Refused.__name__
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
