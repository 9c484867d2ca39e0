"""Cases whose workflows end before their cases do, in every way there is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest, ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from aftersales.runtime.client.known_cases import find_workflow
from cases.messages import Opening
from tests.support.temporal.life import PROCESS, eventually, facts
from workflows.opening import start_case
from workflows.registry import PROCESSES

Handle = WorkflowHandle[Any, Any]


@workflow.defn(name=PROCESS)
class Ended:
    """A case's workflow of a faulty release: it lets itself be cancelled, and fails if it is not."""

    @workflow.run
    async def run(self, _: Any) -> None:
        """Fail; nothing is awaited for long, so that a cancellation that came before counts."""
        await asyncio.sleep(0)
        if workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError
        raise ApplicationError("a fault", non_retryable=True)


async def opened(client: Client, queue: str, own_id: str, **changes: Any) -> Handle:
    return await start_case(client, queue, PROCESSES[PROCESS], Opening(facts=facts(own_id, **changes)))


async def terminated(client: Client, queue: str, own_id: str) -> Handle:
    handle = await opened(client, queue, own_id)
    await handle.terminate()
    return handle


async def _played(client: Client, queue: str, handle: Handle) -> None:
    """Let the faulty release end a case."""
    faulty = Worker(
        client,
        task_queue=queue,
        workflows=[Ended],
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=timedelta(seconds=0.1),
    )
    async with faulty:
        try:
            await handle.result()
        except WorkflowFailureError:
            return
    raise AssertionError("it did not end early")


async def failed(client: Client, queue: str, own_id: str) -> Handle:
    handle = await opened(client, queue, own_id)
    await _played(client, queue, handle)
    return handle


async def cancelled(client: Client, queue: str, own_id: str) -> Handle:
    handle = await opened(client, queue, own_id)
    await handle.cancel()
    await _played(client, queue, handle)
    return handle


async def timed_out(client: Client, queue: str, own_id: str) -> Handle:
    """Start a case with a time limit, which ours never have, and wait until it is over."""

    class Limited(Client):
        async def start_workflow(self, *arguments: Any, **options: Any) -> Any:
            return await super().start_workflow(*arguments, **options, run_timeout=timedelta(seconds=1))

    handle = await opened(Limited(**client.config()), queue, own_id)
    try:
        await handle.result()
    except WorkflowFailureError:
        return handle
    raise AssertionError("it did not end early")


EARLY_ENDS: Mapping[str, Callable[[Client, str, str], Awaitable[Handle]]] = {
    "terminated": terminated,
    "failed": failed,
    "cancelled": cancelled,
    "timed_out": timed_out,
}


async def reset_by_hand(client: Client, case_id: str) -> None:
    """Reset a case to its first workflow task, as people do in the Web UI."""
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=case_id),
        reason="by hand",
        workflow_task_finish_event_id=3,
        request_id=case_id,
    )
    await client.workflow_service.reset_workflow_execution(request, retry=True)


async def forgotten(client: Client, case_id: str) -> None:
    """Delete a closed case from Temporal, as its retention does."""
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=case_id)
    )
    await client.workflow_service.delete_workflow_execution(request, retry=True)

    async def gone() -> bool:
        return await find_workflow(client, case_id) is None

    await eventually("the case is forgotten", gone)
