"""Every robot has a task queue of its own, whose rate Temporal keeps over all workers."""

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from structlog.testing import capture_logs
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from aftersales.notifications.channels import Channels
from aftersales.notifications.robot_queues import RATES, robot_queue, robot_queues, serve_robots
from cases.errors import BadForm
from tests.support.notifications.bots import KEY
from tests.support.notifications.notices import channel, one

ALLOWED = {"feishu": ((100, 60), (5, 1)), "dingtalk": ((20, 60),), "wecom": ((20, 60),)}
"""What the services allow: messages in seconds."""
PARTITIONS = 4
PER_SECOND = 4.0
MESSAGES = 13
TIME = timedelta(seconds=60)
DELAY = 0.5
"""Seconds that the first message may be late."""


@pytest.mark.parametrize("kind", ALLOWED)
def test_no_stretch_of_time_has_more_messages_than_the_service_allows(kind: str) -> None:
    for messages, seconds in ALLOWED[kind]:
        assert PARTITIONS + RATES[kind] * seconds <= messages


def test_two_shops_that_share_a_robot_share_its_queue() -> None:
    robot, other = channel("http://a", "dingtalk"), channel("http://a", "dingtalk", key="other-key")
    mail = {"type": "webhook", "name": "w", "address": "http://a", "secret": "s"}
    shared = Channels.model_validate(
        {"S1": (robot, mail), "S2": ({**robot, "name": "二群"}, {**other, "name": "三群"})}
    )

    assert robot_queue(one(robot), "q") == robot_queue(one({**robot, "name": "二群"}), "q")
    assert list(robot_queues(shared, "q").values()) == [RATES["dingtalk"]] * 2
    assert robot_queue(one(mail), "q") is None


def test_a_queues_name_tells_nothing_of_the_key() -> None:
    name = robot_queue(one(channel("http://a", "wecom")), "q")

    assert name is not None
    assert name.startswith("q/robots/wecom/")
    assert KEY not in name


@workflow.defn(name="burst")
class Burst:
    """Sends many messages at once."""

    @workflow.run
    async def run(self, queue: str) -> None:
        sending = (
            workflow.execute_activity(
                "send_notice", number, task_queue=queue, start_to_close_timeout=timedelta(seconds=30)
            )
            for number in range(MESSAGES)
        )
        await asyncio.gather(*sending)


@workflow.defn(name="one")
class One:
    """Sends one message."""

    @workflow.run
    async def run(self, queue: str) -> None:
        await workflow.execute_activity(
            "send_notice", 1, task_queue=queue, schedule_to_close_timeout=timedelta(seconds=60)
        )


async def test_one_rate_holds_for_all_workers_of_a_robot(environment: WorkflowEnvironment) -> None:
    queue, gone = uuid.uuid4().hex, list[float]()

    @activity.defn(name="send_notice")
    async def send(_: Any) -> None:
        gone.append(monotonic())

    target = environment.client.service_client.config.target_host
    clients: Sequence[Client] = [await Client.connect(target, data_converter=pydantic_data_converter) for _ in range(2)]
    async with AsyncExitStack() as stack:
        for client in clients:
            await stack.enter_async_context(
                serve_robots(client, lambda: {queue: PER_SECOND}, send, timedelta(seconds=1))
            )
        worker = Worker(
            clients[0], task_queue=f"{queue}/w", workflows=[Burst], workflow_runner=UnsandboxedWorkflowRunner()
        )
        await stack.enter_async_context(worker)
        await clients[0].execute_workflow(Burst.run, queue, id=queue, task_queue=f"{queue}/w")

    assert len(gone) == MESSAGES
    assert max(gone) - min(gone) >= (MESSAGES - PARTITIONS) / PER_SECOND - DELAY


async def test_a_robot_that_is_new_in_the_file_is_served_without_restart(environment: WorkflowEnvironment) -> None:
    first, second = uuid.uuid4().hex, uuid.uuid4().hex
    queues, sent = {first: PER_SECOND}, list[Any]()

    @activity.defn(name="send_notice")
    async def send(number: Any) -> None:
        sent.append(number)

    target = environment.client.service_client.config.target_host
    client = await Client.connect(target, data_converter=pydantic_data_converter)
    async with (
        serve_robots(client, lambda: queues, send, timedelta(seconds=1), every=0.01),
        Worker(client, task_queue=f"{second}/w", workflows=[One], workflow_runner=UnsandboxedWorkflowRunner()),
    ):
        queues[second] = PER_SECOND
        await client.execute_workflow(One.run, second, id=second, task_queue=f"{second}/w")
    assert sent == [1]


async def test_what_goes_wrong_with_a_later_robot_is_logged_and_the_others_are_served_on(
    environment: WorkflowEnvironment,
) -> None:
    asked = asyncio.Event()

    def queues() -> dict[str, float]:
        if calls:
            asked.set()
            raise BadForm("no more")
        calls.append(1)
        return {}

    async def send(_: Any) -> None: ...

    calls: list[int] = []
    with capture_logs() as lines:
        async with serve_robots(environment.client, queues, send, timedelta(seconds=1), every=0.01):
            await asked.wait()
            await asyncio.sleep(0)
    (line,) = lines
    assert (line["event"], line["why"]) == ("new robots are served only after a restart", "no more")
