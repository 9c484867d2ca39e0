"""Tells a shop's operators through all its channels; what comes in quiet hours waits, over restarts too."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Self

import structlog

from aftersales.notifications.channels import Channel, Channels
from aftersales.notifications.clock import NotificationClock
from aftersales.notifications.delivery import Delivery, mark_of
from aftersales.notifications.delivery_log import DeliveryLog, Waiting
from aftersales.notifications.notice import Notice, NoticeContext, of_outcome, of_reminder, of_trouble
from aftersales.notifications.senders import sender_of
from aftersales.runtime.http_client import Transport
from cases.errors import BadForm, CaseError, PlatformRefused
from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder
from cases.models import read
from cases.ports import Notifier

BOOKS: Final = "notices.db"
AT_ONCE: Final = 60.0
"""Seconds of one pause: a machine that slept looks at its clock again."""
TRIES: Final = (1.0, 5.0, 25.0, 60.0, *[300.0] * 11)
"""Seconds between the tries of a notice that has waited: an hour in all."""


async def _always(_: Notice) -> bool:
    return True


class RobotNotifier:
    """Tells through the channels of the case's shop; ``otherwise`` where it has none that takes it.

    ``holds``: asked of a notice that has waited, whether it still is about what is so.
    """

    def __init__(
        self,
        channels: Channels,
        words: NoticeContext,
        otherwise: Notifier,
        delivery: Delivery,
        books: DeliveryLog,
        *,
        clock: NotificationClock,
        holds: Callable[[Notice], Awaitable[bool]] = _always,
    ) -> None:
        self._channels, self._words, self._otherwise = channels, words, otherwise
        self._delivery, self._books, self._clock, self._holds = delivery, books, clock, holds
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def remind(self, reminder: Reminder, key: str) -> None:
        """Tell of a deadline."""
        if not await self._told(of_reminder(reminder, key, self._words)):
            await self._otherwise.remind(reminder, key)

    async def tell_trouble(self, trouble: ActionRequired, key: str) -> None:
        """Tell of a step that waits for a person."""
        if not await self._told(of_trouble(trouble, key, self._words)):
            await self._otherwise.tell_trouble(trouble, key)

    async def tell_outcome(self, outcome: CaseOutcome, key: str) -> None:
        """Tell how a case ended."""
        if not await self._told(of_outcome(outcome, key, self._words)):
            await self._otherwise.tell_outcome(outcome, key)

    async def _told(self, notice: Notice) -> bool:
        """Tell through the shop's channels; whether it has any for this."""
        if not self._through(notice):
            return False
        await self.tell(notice)
        return True

    async def tell(self, notice: Notice) -> None:
        """Tell through every channel that takes it, each at its time; a channel that fails stops no other."""
        now, at_once = self._clock.now(), []
        for channel in self._through(notice):
            at = channel.send_at(notice, now)
            if at > now:
                self._put_off(channel, notice, at)
            else:
                at_once.append(self._delivery.deliver(channel, notice))
        results = await asyncio.gather(*at_once, return_exceptions=True)
        _raise_worst([each for each in results if isinstance(each, BaseException)])

    async def aclose(self) -> None:
        """Let nothing wait any more; what waited does so again after the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        """Go on with what waited when an earlier process ended."""
        for row in self._books.waiting():
            try:
                notice = read(Notice, row.notice, "notice")
            except BadForm as bad:  # of another version: no reason not to begin
                structlog.get_logger("notices").error("notice not sent", notice=row.mark, why=str(bad))
                continue
            named = [each for each in self._channels.of(notice.shop_id) if each.name == row.channel]
            for channel in named:
                self._put_off(channel, notice, row.at)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _through(self, notice: Notice) -> list[Channel]:
        return [each for each in self._channels.of(notice.shop_id) if each.takes(notice)]

    def _put_off(self, channel: Channel, notice: Notice, at: datetime) -> None:
        mark = mark_of(channel, notice)
        if self._delivery.is_over(channel, notice) or mark in self._tasks:
            return
        self._books.put_off(Waiting(mark, channel.name, at, notice.model_dump(mode="json")))
        self._tasks[mark] = asyncio.create_task(self._later(channel, notice, at))
        self._tasks[mark].add_done_callback(partial(self._ended, mark))

    def _ended(self, mark: str, task: asyncio.Task[None]) -> None:
        del self._tasks[mark]
        if not task.cancelled() and (failed := task.exception()):
            structlog.get_logger("notices").error("notice not sent", notice=mark, why=str(failed))

    async def _later(self, channel: Channel, notice: Notice, at: datetime) -> None:
        while (rest := (at - self._clock.now()).total_seconds()) > 0:
            await self._clock.pause(min(rest, AT_ONCE))
        became = "given up"
        for pause in (*TRIES, 0.0):
            if not await self._holds(notice):
                became = "dropped"
                break
            try:
                await self._delivery.deliver(channel, notice)
            except PlatformRefused as refused:
                became = str(refused)
                break
            except CaseError as failed:
                structlog.get_logger("notices").info("notice delayed", channel=channel.name, why=str(failed))
            else:
                return
            await self._clock.pause(pause)
        structlog.get_logger("notices").warning("notice not sent", channel=channel.name, why=became)
        self._delivery.close(channel, notice, became)


def _raise_worst(failed: Sequence[BaseException]) -> None:
    """Raise what is worth another try before what was refused for good, and before both what nobody expected."""
    for error in sorted(failed, key=lambda each: (isinstance(each, CaseError), isinstance(each, PlatformRefused))):
        raise error


@asynccontextmanager
async def robot_notifier(
    channels: Channels,
    words: NoticeContext,
    otherwise: Notifier,
    folder: Path,
    holds: Callable[[Notice], Awaitable[bool]] = _always,
) -> AsyncIterator[RobotNotifier]:
    """A notifier over real connections, with its books in a data folder."""
    clock = NotificationClock()
    with DeliveryLog(folder / BOOKS) as books:
        async with Transport("通知渠道") as transport:
            delivery = Delivery(lambda channel: sender_of(channel, transport), books, clock)
            made = RobotNotifier(channels, words, otherwise, delivery, books, clock=clock, holds=holds)
            async with made:
                yield made
