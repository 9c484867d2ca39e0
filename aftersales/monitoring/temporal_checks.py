"""Whether Temporal answers, and whether it hears the pollers of a worker."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.worker import Worker

from cases.errors import CaseError

RPC_SECONDS: Final = 3.0
"""How long Temporal may take to answer, however often it is asked meanwhile."""
POLL_HEARD: Final = timedelta(seconds=150)
"""How long ago the last poll may have begun: each lasts up to a minute if there is no task."""


class PollersLost(CaseError):
    """Temporal has not heard a worker's pollers for some minutes."""


async def check_temporal(client: Client) -> None:
    """Raise RPCError or TimeoutError if the namespace cannot be asked."""
    async with asyncio.timeout(RPC_SECONDS):
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace), retry=True
        )


async def check_pollers(client: Client, worker: Worker) -> None:
    """Raise PollersLost unless Temporal has lately heard this worker poll for workflow tasks.

    Temporal's word counts, not the worker's: a connection that is dead looks alive from this side.  Polls for
    activities go by the same connection, and say less: a worker that runs as many as it may polls for none.
    """
    if not worker.is_running:
        raise PollersLost("worker 未在运行 / the worker does not run")
    asked = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=worker.task_queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    async with asyncio.timeout(RPC_SECONDS):
        described = await client.workflow_service.describe_task_queue(asked, retry=True)
    since = datetime.now(UTC) - POLL_HEARD
    heard = (
        poller.last_access_time.ToDatetime(UTC) for poller in described.pollers if poller.identity == client.identity
    )
    if not any(at >= since for at in heard):
        raise PollersLost(f"Temporal 收不到轮询 / Temporal does not hear the worker poll: {worker.task_queue}")
