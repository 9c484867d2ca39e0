"""Telling operators from a worker: through their shop's channels, in our words, only of what is still so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from temporalio.client import Client
from temporalio.exceptions import TemporalError

from aftersales.notifications.channels import read_channels
from aftersales.notifications.notice import Notice, NoticeContext
from aftersales.notifications.notifier import ChannelNotifier, channel_notifier
from aftersales.runtime.settings import Settings
from aftersales.runtime.web_ui import list_address
from cases.ports import Notifier
from statecharts.rules import Party
from workflows.registry import PROCESSES

DECIDERS = {**{each.value: each.label for each in Party}, "default": "默认决定", "clock": "时限届满"}
"""Who decides a case, in Chinese."""
WAITING = ("needs_operator", "console_task")


@asynccontextmanager
async def open_notifier(
    channels_file: Path, settings: Settings, client: Client, otherwise: Notifier
) -> AsyncIterator[ChannelNotifier]:
    """A notifier through the channels of a file; raises BadForm where it cannot be used."""
    words = NoticeContext(
        list_address(settings.ui_address, client.namespace),
        {each.name: each.label for each in PROCESSES.values()},
        DECIDERS,
        [(each.name, rule) for each in PROCESSES.values() for rule, clock in each.clocks.items() if clock.escalates],
    )
    channels = read_channels(channels_file)
    async with channel_notifier(channels, words, otherwise, settings.data_dir, partial(holds, client)) as notifier:
        yield notifier


async def holds(client: Client, notice: Notice) -> bool:
    """Whether what a notice is about is still so; where nobody answers it is taken to be."""
    if notice.rule is None and notice.serial is None:
        return True
    try:
        seen = await client.get_workflow_handle(notice.case_id).query("view")
    except TemporalError:
        return True
    if notice.serial is not None:
        waiting = {each["serial"] for each in seen["effects"] if each["status"] in WAITING}
        return notice.serial in waiting
    running = {
        (each["order"], each["state"], each["rule"], datetime.fromisoformat(each["due"])) for each in seen["deadlines"]
    }
    return (notice.order, notice.state, notice.rule, notice.deadline) in running
