"""A task queue of its own for every robot: Temporal keeps the robot's rate, whichever worker sends."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from activities.error_interceptor import ErrorInterceptor
from aftersales.notifications.channels import Channel, Channels, DingtalkChannel, FeishuChannel, WecomChannel
from aftersales.runtime.telemetry.log_privacy import in_words
from workflows.worker_options import for_cases

# The services count 100 messages a minute and 5 a second (Feishu), and 20 a minute (DingTalk, WeCom), and block a robot
# that sends more.  Each of a queue's partitions, four by default, may be one message ahead of its rate.
RATES: Final[Mapping[str, float]] = {"feishu": 1.0, "dingtalk": 0.25, "wecom": 0.25}
"""Messages a second, by type of channel; the others have no rate."""
NEW_ROBOTS_SECONDS: Final = 2.0
"""How often the file of channels is looked at for robots that are new."""


def robot_queue(channel: Channel, task_queue: str) -> str | None:
    """Return the queue of a channel's robot, which all who use the robot share; None if its type has no rate.

    Its name tells nothing of the robot's key.
    """
    if not isinstance(channel, FeishuChannel | DingtalkChannel | WecomChannel):
        return None
    robot = f"{channel.type}\n{channel.address}\n{channel.key.get_secret_value()}"
    return f"{task_queue}/robots/{channel.type}/{hashlib.sha256(robot.encode()).hexdigest()[:16]}"


def robot_queues(channels: Channels, task_queue: str) -> dict[str, float]:
    """Return the queue of every robot with its rate."""
    everywhere = (channel for of_shop in channels.root.values() for channel in of_shop)
    queues = ((robot_queue(channel, task_queue), RATES.get(channel.type)) for channel in everywhere)
    return {queue: rate for queue, rate in queues if queue is not None and rate is not None}


@asynccontextmanager
async def serve_robots(
    client: Client,
    queues: Callable[[], Mapping[str, float]],
    send: Callable[..., Any],
    grace: timedelta,
    *,
    every: float = NEW_ROBOTS_SECONDS,
) -> AsyncIterator[None]:
    """Send what comes to the robots' queues until the block ends.

    ``queues`` is asked again and again, as robots get new keys.  The queue of one that is gone is served on: cases may
    have sent notices there.
    """
    config = client.config()
    config["data_converter"] = for_cases(client.data_converter)
    own = Client(**config)
    served: set[str] = set()

    async def serve_new(stack: AsyncExitStack) -> None:
        for queue, rate in queues().items():
            if queue in served:
                continue
            worker = Worker(
                own,
                task_queue=queue,
                activities=[send],
                interceptors=[ErrorInterceptor()],
                max_concurrent_activities=1,
                max_task_queue_activities_per_second=rate,
                graceful_shutdown_timeout=grace,
            )
            await stack.enter_async_context(worker)
            served.add(queue)

    async def serve_later() -> None:
        try:
            async with AsyncExitStack() as stack:
                while True:
                    await asyncio.sleep(every)
                    await serve_new(stack)
        except Exception as failed:  # noqa: BLE001 - the others are served on
            log = structlog.get_logger("notices")
            log.error("new robots are served only after a restart", why=in_words(failed))  # noqa: TRY400

    async with AsyncExitStack() as stack:
        await serve_new(stack)
        later = asyncio.create_task(serve_later())
        try:
            yield
        finally:
            later.cancel()
            with suppress(asyncio.CancelledError):
                await later
