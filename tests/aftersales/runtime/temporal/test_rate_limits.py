"""The limit per shop, on the embedded server: a shop is held to it, and does not hold up others."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from temporalio import activity, workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue, TaskQueueConfig
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.common import Priority
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from aftersales.runtime.temporal.embedded_server import temporal_binary
from aftersales.runtime.temporal.rate_limits import limit_per_shop
from cases.errors import BadForm, CaseError
from tests.support.temporal.life import eventually

PER_SECOND, MANY, FEW = 10, 30, 3
LEAST_SECONDS = (MANY - PER_SECOND) / PER_SECOND
"""A shop may run ahead by a second's worth; the others of MANY come one by one."""
FLAGS = ("matching.enableFairness=true", *(f"matching.numTaskqueue{kind}Partitions=1" for kind in ("Read", "Write")))


@activity.defn
async def call_platform() -> None:
    pass


@workflow.defn
class Calls:
    @workflow.run
    async def run(self, shop: str, number: int) -> None:
        calls = (
            workflow.execute_activity(
                call_platform, start_to_close_timeout=timedelta(minutes=1), priority=Priority(fairness_key=shop)
            )
            for _ in range(number)
        )
        await asyncio.gather(*calls)


@pytest_asyncio.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    started = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(),
        dev_server_log_level="error",
        dev_server_extra_args=[part for flag in FLAGS for part in ("--dynamic-config-value", flag)],
    )
    yield started.client
    await started.shutdown()


@pytest.fixture
def queue() -> str:
    return f"shops-{uuid.uuid4().hex}"


async def config(client: Client, queue: str) -> TaskQueueConfig:
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            report_config=True,
        ),
        retry=True,
    )
    return described.config


async def played(client: Client, queue: str, shops: dict[str, int]) -> dict[str, float]:
    """Let each shop make its calls at once; return the seconds that each shop took, in order of completion."""
    took: dict[str, float] = {}
    began = time.monotonic()

    async def play(shop: str, number: int) -> None:
        await client.execute_workflow(Calls.run, args=[shop, number], id=f"{queue}-{shop}", task_queue=queue)
        took[shop] = time.monotonic() - began

    worker = Worker(
        client,
        task_queue=queue,
        workflows=[Calls],
        activities=[call_platform],
        workflow_runner=UnsandboxedWorkflowRunner(),
        disable_eager_activity_execution=True,
    )
    async with worker:
        await asyncio.gather(*(play(shop, number) for shop, number in shops.items()))
    return took


async def test_a_shop_is_held_to_its_limit_and_holds_up_nobody_else(client: Client, queue: str) -> None:
    await limit_per_shop(client, queue, PER_SECOND)

    took = await played(client, queue, {"S1": MANY, "S2": FEW})

    assert took["S1"] >= LEAST_SECONDS
    assert list(took) == ["S2", "S1"]


async def test_a_limit_that_was_removed_holds_nobody(client: Client, queue: str) -> None:
    await limit_per_shop(client, queue, 0.1)
    assert (
        await config(client, queue)
    ).fairness_keys_rate_limit_default.rate_limit.requests_per_second == pytest.approx(0.1)

    async def is_removed() -> bool:
        return not (await config(client, queue)).fairness_keys_rate_limit_default.HasField("rate_limit")

    await limit_per_shop(client, queue, None)
    await eventually("the limit is removed", is_removed)  # the server may describe the queue from before
    async with asyncio.timeout(30):  # with the limit it would take minutes
        await played(client, queue, {"S1": MANY})


@pytest.mark.parametrize("figure", [0, -1.0, float("nan"), float("inf")])
async def test_an_invalid_limit_is_refused(client: Client, queue: str, figure: float) -> None:
    with pytest.raises(BadForm, match="must be positive"):
        await limit_per_shop(client, queue, figure)


async def test_an_error_of_the_server_is_quoted(client: Client, queue: str) -> None:
    elsewhere = await Client.connect(client.service_client.config.target_host, namespace="nowhere")

    with pytest.raises(CaseError, match=r"每店限速未能设置 .*nowhere is not found"):
        await limit_per_shop(elsewhere, queue, PER_SECOND)


async def test_a_server_without_limits_is_reported_in_words(
    client: Client, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(_: object, **__: object) -> None:
        raise RPCError("unknown method", RPCStatusCode.UNIMPLEMENTED, b"")

    monkeypatch.setattr(client.workflow_service, "update_task_queue_config", unknown)
    with pytest.raises(CaseError, match="not supported by this Temporal server"):
        await limit_per_shop(client, queue, PER_SECOND)
