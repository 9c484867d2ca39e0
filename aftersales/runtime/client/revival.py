"""Reviving a case whose workflow was terminated, failed, cancelled or timed out: it goes on with all its state."""

import uuid
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from aftersales.runtime.client.case_search import ended_case
from aftersales.runtime.client.known_cases import find_workflow, known_from, where_it_ended
from cases.errors import BadForm, Refused
from cases.messages import EndedCase

REASON: Final = "aftersales revive"


async def revive(client: Client, case_id: str) -> EndedCase:
    """Bring a case back to its last good workflow task; return how it had ended.

    Decisions and messages that arrived after that task are applied again.  Raises Refused if the case runs or has
    ended by its rules, BadForm if Temporal does not know it.
    """
    found = await find_workflow(client, case_id)
    if found is None:
        raise BadForm(f"没有这个案件 / no such case: {case_id}")
    known = known_from(found)
    if found.close_time is None:
        raise Refused(f"{case_id}: 案件正在进行,无须恢复 / the case runs, there is nothing to revive")
    if known.ending is None:
        raise Refused(f"{case_id}: {where_it_ended(known)}")
    handle = client.get_workflow_handle(case_id, run_id=found.run_id)
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=case_id, run_id=found.run_id),
        reason=REASON,
        workflow_task_finish_event_id=await _last_good_task(handle),
        request_id=str(uuid.uuid4()),
        identity=client.identity,
    )
    try:
        await client.workflow_service.reset_workflow_execution(request, retry=True)
    except RPCError as failed:
        if failed.status is RPCStatusCode.INVALID_ARGUMENT:
            raise Refused(f"{case_id}: 不能恢复 / cannot be revived: {failed.message}") from failed
        raise
    return ended_case(found)


async def _last_good_task(handle: "WorkflowHandle[object, object]") -> int:
    """Return the event at which the last workflow task ended that went well; without one, that of the first.

    What follows it is undone, and the task is done again: a failure that came of it may not come again with a worker
    that has been put right.
    """
    last = first = 0
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            last = event.event_id
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED and not first:
            first = event.event_id + 1
    return last or first
