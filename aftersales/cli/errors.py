"""How a command runs: what went wrong becomes one line and an exit status."""

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

REFUSED, BAD_INPUT, INTERRUPTED = 1, 2, 130

NO_WORKER = "没有 worker 应答 / no worker answers: start one with `aftersales worker`"


def run(work: Coroutine[Any, Any, int | None]) -> NoReturn:
    """Run a command's work and end with its exit status: 0, 1 (the rules refused) or 2 (bad input)."""
    try:
        status = asyncio.run(work)
    except CaseError as bad:
        _end(bad)
    except WorkflowUpdateFailedError as failed:
        _end(_refusal(failed.cause))
    except WorkflowQueryFailedError as failed:
        _end(BadForm(str(failed)))
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        _end(CaseError(NO_WORKER))
    except RPCError as failed:
        _end(unanswered(failed))
    except KeyboardInterrupt:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(status or 0)


def _end(bad: CaseError) -> NoReturn:
    complain(str(bad))
    raise typer.Exit(REFUSED if isinstance(bad, Refused) else BAD_INPUT) from None


def _refusal(cause: BaseException) -> CaseError:
    known: dict[str, type[CaseError]] = {"Refused": Refused}
    kind = cause.type if isinstance(cause, ApplicationError) and cause.type else ""
    return known.get(kind, BadForm)(_words(cause))


def refused_in_words(failed: WorkflowUpdateFailedError) -> str:
    """What an update's refusal says to people."""
    return _words(failed.cause)


def _words(cause: BaseException) -> str:
    return str(getattr(cause, "message", cause))


def unanswered(failed: RPCError) -> CaseError:
    """What a failed call of Temporal's interface says to people."""
    if failed.status is RPCStatusCode.NOT_FOUND:
        if "completed" in failed.message or "closing workflow" in failed.message:
            return Refused(CLOSED)
        return BadForm(f"没有这个案件 / no such case ({failed.message})")
    if failed.status in (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED):
        return CaseError(NO_WORKER)
    if failed.status is RPCStatusCode.INVALID_ARGUMENT and "search attribute" in failed.message.lower():
        return CaseError(f"search attributes are missing: run `aftersales setup` once ({failed.message})")
    return CaseError(f"Temporal: {failed.message}")
