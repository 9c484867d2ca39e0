"""Opening cases.  A case id is used once: it is never opened again, even after the case has closed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDReusePolicy

from cases.messages import Opening
from cases.models import whole_seconds
from workflows.engine.continue_as_new import opening_record
from workflows.engine.details import static_details, static_summary
from workflows.engine.limits import refuse_oversized_opening
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process
from workflows.engine.search_attributes import opening_attributes


async def start_case(
    client: Client,
    task_queue: str,
    process: Process,
    opening: Opening,
    report: dict[str, Any] | None = None,
    *,
    begins_in: timedelta | None = None,
) -> "WorkflowHandle[object, object]":
    """Start a case's workflow with its figures pinned; raises BadForm, or WorkflowAlreadyStartedError.

    ``begins_in``: it does nothing before so long has passed.

    With a ``report`` a new case is opened and signalled in one call; a case that is already open is only signalled,
    and WorkflowAlreadyStartedError means that it has closed.
    """
    refuse_oversized_opening(opening.model_dump(mode="json"))
    now = whole_seconds(datetime.now(UTC))
    case = process.open_case(opening, opened_at=now)
    case_id = f"{process.name}/{case.facts.own_id}"
    machine = CaseMachine(process, case_id, case, now=now)
    return await client.start_workflow(
        process.name,
        arg=opening_record(case),
        id=case_id,
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        search_attributes=opening_attributes(machine),
        static_summary=static_summary(machine),
        static_details=static_details(machine),
        start_delay=begins_in,
        start_signal="report" if report is not None else None,
        start_signal_args=[report] if report is not None else [],
    )


def refusal_text(failed: WorkflowUpdateFailedError) -> str:
    """Return the text with which a case refused an update."""
    return str(getattr(failed.cause, "message", failed.cause))
