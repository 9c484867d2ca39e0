"""What Temporal's errors mean for operators."""

from typing import Final

from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from cases.errors import BadForm, CaseError, PlatformRefused, Refused
from workflows.engine.decisions import CLOSED
from workflows.opening import refusal_text

UNANSWERED_STATUSES: Final = (RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)
"""The statuses of a call that was not answered in time."""
_NO_WORKER: Final = "没有 worker 应答 / no worker answers: start one with `aftersales worker`"


def meaning_of(failed: Exception) -> CaseError | None:
    """Return what an error means for operators; None for an error that is not Temporal's."""
    if isinstance(failed, WorkflowUpdateFailedError):
        return _refusal(failed)
    if isinstance(failed, WorkflowQueryFailedError):
        return BadForm(str(failed))
    return case_error(failed) if isinstance(failed, RPCError) else None


def _refusal(failed: WorkflowUpdateFailedError) -> CaseError:
    cause = failed.cause
    refused = isinstance(cause, ApplicationError) and cause.type in {Refused.__name__, PlatformRefused.__name__}
    return Refused(refusal_text(failed)) if refused else BadForm(refusal_text(failed))


def case_error(failed: RPCError) -> CaseError:
    """Return what a failed call to Temporal means for operators."""
    if failed.status is RPCStatusCode.NOT_FOUND:
        if "completed" in failed.message or "closing workflow" in failed.message:
            return Refused(CLOSED)
        if "amespace" in failed.message:
            return BadForm(
                f"没有这个命名空间 / no such namespace ({failed.message}): "
                "set TEMPORAL_NAMESPACE, or the namespace of the profile in TEMPORAL_PROFILE"
            )
        return BadForm(f"没有这个案件 / no such case ({failed.message})")
    if failed.status in UNANSWERED_STATUSES:
        return CaseError(_NO_WORKER)
    if failed.status is RPCStatusCode.INVALID_ARGUMENT and "search attribute" in failed.message.lower():
        return CaseError(f"search attributes are missing: run `aftersales setup` once ({failed.message})")
    return CaseError(f"Temporal: {failed.message}")
