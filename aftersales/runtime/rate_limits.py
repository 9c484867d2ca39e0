"""How many activities a second each shop may have: kept by Temporal itself, on the task queue."""

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cases.errors import BadForm, CaseError

REASON = "aftersales: limit per shop"


async def limit_per_shop(client: Client, task_queue: str, per_second: float | None) -> None:
    """Let each fairness key of a queue start at most so many activities a second; None removes the limit.

    The limit is the queue's: it holds for all its workers together, and the server keeps it.  A shop may run ahead by
    a second's worth; a try counts like a first start; activities without a key share one.  The queue must have one
    partition, else a shop gets less, and workers must not take activities eagerly, past the queue.  Raises BadForm for
    a figure that is not positive, CaseError where the server cannot do it.
    """
    if per_second is not None and not 0 < per_second < float("inf"):
        raise BadForm(f"per_second: 须大于 0 / must be positive: {per_second}", ("per_second",))
    request = UpdateTaskQueueConfigRequest(
        namespace=client.namespace,
        identity=client.identity,
        task_queue=task_queue,
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    update = request.update_fairness_key_rate_limit_default
    update.reason = REASON
    if per_second is not None:
        update.rate_limit.requests_per_second = per_second
    try:
        await client.workflow_service.update_task_queue_config(request)
    except RPCError as refused:
        if refused.status is RPCStatusCode.UNIMPLEMENTED:
            why = "此 Temporal 服务器不支持 / this Temporal server cannot do it"
        else:
            why = refused.message
        raise CaseError(f"每店限速未能设置 / the limit per shop could not be set on {task_queue!r}: {why}") from refused
