"""Task queues whose worker comes and goes, and updates that wait for one."""

import uuid
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.update.v1 import UpdateRef
from temporalio.api.workflowservice.v1 import PollWorkflowExecutionUpdateRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.runtime.settings import Settings
from tests.support.rules.stage import Stage


class Queue:
    """A task queue of its own, whose worker comes and goes."""

    def __init__(self, environment: WorkflowEnvironment, stage: Stage) -> None:
        self.environment, self.name, self.world = environment, uuid.uuid4().hex, Dependencies(stage, stage, stage)

    def worker(self, **options: Any) -> Any:
        settings = Settings(task_queue=self.name, graceful_shutdown_seconds=0.1, **options)
        return make_worker(self.environment.client, settings, self.world)

    async def holds(self, case_id: str, update_id: str) -> bool:
        """Return whether an update of a case waits at the server, or has been answered."""
        return await holds_update(self.environment.client, case_id, update_id)


async def holds_update(client: Client, case_id: str, update_id: str) -> bool:
    """Ask the server, not the case: return whether an update waits there, or has been answered."""
    asked = PollWorkflowExecutionUpdateRequest(
        namespace=client.namespace,
        update_ref=UpdateRef(workflow_execution=WorkflowExecution(workflow_id=case_id), update_id=update_id),
    )
    try:
        await client.workflow_service.poll_workflow_execution_update(asked, retry=True)
    except RPCError as missing:
        if missing.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
