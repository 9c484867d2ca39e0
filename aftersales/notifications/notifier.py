"""Notifying a shop's operators through all its channels; notices of quiet hours wait, across restarts too."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Self

import structlog

from aftersales.notifications.channels import Channel, Channels
from aftersales.notifications.delivery import Delivery, NotificationClock, delivery_id, sender_of
from aftersales.notifications.delivery_log import DelayedNotice, DeliveryLog
from aftersales.notifications.notice import (
    Notice,
    NoticeContext,
    action_required_notice,
    outcome_notice,
    reminder_notice,
)
from aftersales.runtime.http_client import Transport
from cases.errors import BadForm, CaseError, PlatformRefused
from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder
from cases.models import read
from cases.ports import Notifier

LOG_FILE: Final = "notices.db"
_LONGEST_PAUSE: Final = 60.0
"""Seconds: a machine that was suspended checks its clock again after this."""
_RETRY_PAUSES: Final = (1.0, 5.0, 25.0, 60.0, *[300.0] * 11)
"""Seconds between the tries of a delayed notice: an hour in all."""


async def _always(_: Notice) -> bool:
    return True


class ChannelNotifier:
    """Notifies through the channels of the case's shop, or the ``fallback`` if no channel takes the notice.

    ``is_current`` is asked of a delayed notice before it is sent.
    """

    def __init__(
        self,
        channels: Channels,
        context: NoticeContext,
        fallback: Notifier,
        delivery: Delivery,
        log: DeliveryLog,
        *,
        clock: NotificationClock,
        is_current: Callable[[Notice], Awaitable[bool]] = _always,
    ) -> None:
        self._channels, self._context, self._fallback = channels, context, fallback
        self._delivery, self._log, self._clock, self._is_current = delivery, log, clock, is_current
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def remind(self, reminder: Reminder, key: str) -> None:
        """Notify of a deadline."""
        if not await self._send(reminder_notice(reminder, key, self._context)):
            await self._fallback.remind(reminder, key)

    async def notify_action_required(self, required: ActionRequired, key: str) -> None:
        """Notify of a step that waits for a person."""
        if not await self._send(action_required_notice(required, key, self._context)):
            await self._fallback.notify_action_required(required, key)

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> None:
        """Notify of a case's outcome."""
        if not await self._send(outcome_notice(outcome, key, self._context)):
            await self._fallback.notify_outcome(outcome, key)

    async def _send(self, notice: Notice) -> bool:
        """Notify through the shop's channels; return False if no channel takes the notice."""
        if not self._channels_for(notice):
            return False
        await self.notify(notice)
        return True

    async def notify(self, notice: Notice) -> None:
        """Send a notice through every channel that takes it, at the channel's time; a failure stops no other."""
        now, due = self._clock.now(), []
        for channel in self._channels_for(notice):
            at = channel.send_at(notice, now)
            if at > now:
                self._delay(channel, notice, at)
            else:
                due.append(self._delivery.deliver(channel, notice))
        results = await asyncio.gather(*due, return_exceptions=True)
        _raise_worst([result for result in results if isinstance(result, BaseException)])

    async def aclose(self) -> None:
        """Stop waiting; delayed notices continue to wait after the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        """Resume the notices that an earlier process left delayed."""
        for delayed in self._log.delayed():
            try:
                notice = read(Notice, delayed.notice, "notice")
            except BadForm as bad:  # written by another version: no reason not to start
                structlog.get_logger("notices").error("notice not sent", notice=delayed.delivery_id, why=str(bad))
                continue
            for channel in self._channels.of(notice.shop_id):
                if channel.name == delayed.channel:
                    self._delay(channel, notice, delayed.at)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _channels_for(self, notice: Notice) -> list[Channel]:
        return [channel for channel in self._channels.of(notice.shop_id) if channel.takes(notice)]

    def _delay(self, channel: Channel, notice: Notice, at: datetime) -> None:
        key = delivery_id(channel, notice)
        if self._delivery.is_closed(channel, notice) or key in self._tasks:
            return
        self._log.delay(DelayedNotice(key, channel.name, at, notice.model_dump(mode="json")))
        self._tasks[key] = asyncio.create_task(self._deliver_later(channel, notice, at))
        self._tasks[key].add_done_callback(partial(self._ended, key))

    def _ended(self, key: str, task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        if not task.cancelled() and (failed := task.exception()):
            structlog.get_logger("notices").error("notice not sent", notice=key, why=str(failed))

    async def _deliver_later(self, channel: Channel, notice: Notice, at: datetime) -> None:
        while (rest := (at - self._clock.now()).total_seconds()) > 0:
            await self._clock.pause(min(rest, _LONGEST_PAUSE))
        outcome = "given up"
        for pause in (*_RETRY_PAUSES, 0.0):
            if not await self._is_current(notice):
                outcome = "dropped"
                break
            try:
                await self._delivery.deliver(channel, notice)
            except PlatformRefused as refused:
                outcome = str(refused)
                break
            except CaseError as failed:
                structlog.get_logger("notices").info("notice delayed", channel=channel.name, why=str(failed))
            else:
                return
            await self._clock.pause(pause)
        structlog.get_logger("notices").warning("notice not sent", channel=channel.name, why=outcome)
        self._delivery.close(channel, notice, outcome)


def _raise_worst(failed: Sequence[BaseException]) -> None:
    """Raise an unexpected error first, then one that is worth another try, then a refusal."""
    for error in sorted(failed, key=lambda error: (isinstance(error, CaseError), isinstance(error, PlatformRefused))):
        raise error


@asynccontextmanager
async def channel_notifier(
    channels: Channels,
    context: NoticeContext,
    fallback: Notifier,
    folder: Path,
    is_current: Callable[[Notice], Awaitable[bool]] = _always,
) -> AsyncIterator[ChannelNotifier]:
    """Open a notifier over real connections, with its log in a data folder."""
    clock = NotificationClock()
    with DeliveryLog(folder / LOG_FILE) as log:
        async with Transport("通知渠道") as transport:
            delivery = Delivery(lambda channel: sender_of(channel, transport), log, clock)
            async with ChannelNotifier(
                channels, context, fallback, delivery, log, clock=clock, is_current=is_current
            ) as notifier:
                yield notifier
