"""The notifier of a worker: sends through the channels of a shop what is still true."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from pydantic import ValidationError
from temporalio.client import Client
from temporalio.exceptions import TemporalError

from aftersales.notifications.channels import read_channels
from aftersales.notifications.notice import Notice, NoticeContext
from aftersales.notifications.notifier import ChannelNotifier, channel_notifier
from aftersales.runtime.settings import Settings
from aftersales.runtime.web_ui import list_address
from cases.ports import Notifier
from statecharts.rules import Party
from workflows.engine.view import CaseView
from workflows.registry import PROCESSES

DECIDERS = {**{party.value: party.label for party in Party}, "default": "默认决定", "clock": "时限届满"}
"""The labels of those who decide a case."""
WAITING = ("needs_operator", "console_task")


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
    )
    channels = read_channels(channels_file)
    async with channel_notifier(
        channels, context, fallback, settings.data_dir, partial(is_current, client)
    ) as notifier:
        yield notifier


async def is_current(client: Client, notice: Notice) -> bool:
    """Return whether a notice is still true; without a worker to ask, assume that it is."""
    if notice.rule is None and notice.serial is None:
        return True
    try:
        case = await client.get_workflow_handle(notice.case_id).query("view", result_type=CaseView)
    except (TemporalError, ValidationError):  # nobody answered, or a worker of another release did
        return True
    if notice.serial is not None:
        return any(effect.serial == notice.serial and effect.status in WAITING for effect in case.effects)
    return any(
        (clock.order, clock.state, clock.rule, clock.due) == (notice.order, notice.state, notice.rule, notice.deadline)
        for clock in case.deadlines
    )
