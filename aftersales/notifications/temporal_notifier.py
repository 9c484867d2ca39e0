"""The notifier of a worker, which also serves the queues of the robots that its file of channels names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.notifications import sending_activity
from aftersales.notifications.channels import CurrentChannels
from aftersales.notifications.notice import NoticeContext
from aftersales.notifications.notifier import ChannelNotifier, channel_notifier
from aftersales.notifications.robot_queues import robot_queues, serve_robots
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.web_ui import list_address
from cases.errors import PlatformUnreachable
from cases.messages import NoticeDeliveries
from cases.ports import Notifier
from statecharts.rules import Party
from workflows.notices import SendNoticesWorkflow
from workflows.registry import PROCESSES

DECIDERS = {**{party.value: party.label for party in Party}, "default": "默认决定", "clock": "时限届满"}
"""The labels of those who decide a case."""


@asynccontextmanager
async def open_notifier(
    channels_file: Path, settings: Settings, client: Client, fallback: Notifier
) -> AsyncIterator[ChannelNotifier]:
    """Open a notifier with the channels of a file; raises BadForm if it cannot be used."""
    context = NoticeContext(
        list_address(settings.ui_address, client.namespace),
        {process.name: process.label for process in PROCESSES.values()},
        DECIDERS,
        [
            (name, rule)
            for name, process in PROCESSES.items()
            for rule, clock in process.clocks.items()
            if clock.escalates
        ],
        settings.desk_address,
    )
    channels, queue = CurrentChannels(channels_file), settings.task_queue
    apart = partial(send_apart, client, queue)
    grace = timedelta(seconds=settings.graceful_shutdown_seconds)
    async with (
        channel_notifier(
            channels, context, fallback, settings.data_dir, task_queue=queue, send_apart=apart
        ) as notifier,
        serve_robots(client, lambda: robot_queues(channels.all(), queue), sending_activity(notifier), grace),
    ):
        yield notifier


async def send_apart(client: Client, task_queue: str, key: str, left: NoticeDeliveries) -> None:
    """Start the workflow that sends a notice, unless it was started before for the same key."""
    try:
        with suppress(WorkflowAlreadyStartedError):
            await client.start_workflow(
                SendNoticesWorkflow.run,
                left,
                id=f"notices/{key}",
                task_queue=task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
    except RPCError as failed:
        raise PlatformUnreachable(f"Temporal 无响应 / Temporal cannot be reached: {failed.message}") from failed
