"""The limit of activities per second and shop, which Temporal enforces on the task queue."""

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cases.errors import BadForm, CaseError

_REASON = "aftersales: limit per shop"


async def limit_per_shop(client: Client, task_queue: str, per_second: float | None) -> None:
    """Limit the activities that each fairness key of a queue may start per second; None removes the limit.

    The server enforces the limit over all workers of the queue.  A shop may run ahead by one second's worth; retries
    count; activities without a key share one limit.  The queue must have a single partition, or shops get less, and
    workers must not start activities eagerly, which bypasses the queue.  Local activities bypass it too: each worker
    limits its own (``activities.local_calls``).  Raises BadForm if the figure is not positive, CaseError if the server
    does not support it.
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
    update.reason = _REASON
    if per_second is not None:
        update.rate_limit.requests_per_second = per_second
    try:
        await client.workflow_service.update_task_queue_config(request, retry=True)
    except RPCError as refused:
        if refused.status is RPCStatusCode.UNIMPLEMENTED:
            why = "此 Temporal 服务器不支持 / not supported by this Temporal server"
        else:
            why = refused.message
        raise CaseError(f"每店限速未能设置 / the limit per shop could not be set on {task_queue!r}: {why}") from refused
