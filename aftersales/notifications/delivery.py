"""Each notice once a channel, as often as the channel allows, and never once it is late."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Final
from weakref import WeakValueDictionary

import structlog

from aftersales.notifications.channels import Channel
from aftersales.notifications.clock import NotificationClock
from aftersales.notifications.delivery_log import DeliveryLog
from aftersales.notifications.notice import Notice
from aftersales.notifications.rate_limit import Limit
from aftersales.notifications.senders import Sender, rates_of, robot_of
from cases.errors import PlatformRefused, PlatformUnreachable

PATIENCE: Final = 15.0
"""Seconds that a notice waits for its turn before it is to be tried again later."""


def mark_of(channel: Channel, notice: Notice) -> str:
    """What says of a notice and a channel that the one was sent through the other."""
    return f"{notice.key}@{notice.shop_id}/{channel.name}"


class Delivery:
    """Sends through all channels; the books know what is over and done with, whatever became of it."""

    def __init__(self, sender: Callable[[Channel], Sender], books: DeliveryLog, clock: NotificationClock) -> None:
        self._sender, self._books, self._clock = sender, books, clock
        self._senders: dict[tuple[str, str], Sender] = {}
        self._limits: dict[Hashable, Limit] = {}
        self._refused: dict[str, str] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def is_over(self, channel: Channel, notice: Notice) -> bool:
        """Whether nothing is to be sent any more."""
        return self._books.is_closed(mark_of(channel, notice))

    def close(self, channel: Channel, notice: Notice, became: str) -> None:
        """Keep for good what became of a notice."""
        self._books.close(mark_of(channel, notice), notice.kind, became, self._clock.now())

    async def deliver(self, channel: Channel, notice: Notice) -> None:
        """Send where it was not sent yet and is not late; raises PlatformRefused, also the second time, or Unreachable.

        An answer that is lost on its way leaves open whether the notice arrived: it is sent again.
        """
        mark = mark_of(channel, notice)
        # A try that was given up may still be under way when the next one begins.
        lock = self._locks.setdefault(mark, asyncio.Lock())
        async with lock:
            if self.is_over(channel, notice):
                return
            if refused := self._refused.get(mark):
                raise PlatformRefused(refused)
            await self._turn(channel)
            if notice.is_late(self._clock.now()):
                structlog.get_logger("notices").warning("notice dropped", channel=channel.name, kind=notice.kind)
                self.close(channel, notice, "dropped")
                return
            try:
                await self._sender_of(channel, notice).send(notice)
            except PlatformRefused as refusal:
                self._refused[mark] = f"{channel.name}: {refusal}"
                raise PlatformRefused(self._refused[mark]) from refusal
            except PlatformUnreachable as failed:
                raise PlatformUnreachable(f"{channel.name}: {failed}") from failed
            self.close(channel, notice, "sent")

    async def _turn(self, channel: Channel) -> None:
        limit = self._limits.setdefault(robot_of(channel), Limit(rates_of(channel)))
        now = self._clock.ticks()
        wait = limit.wait(now)
        if wait > PATIENCE:
            what = f"{wait:.0f} 秒后才可发送 / may be sent in {wait:.0f} s only"
            raise PlatformUnreachable(f"{channel.name}: 超出频率限制 / over its rate: {what}")
        limit.take(now + wait)
        if wait:
            await self._clock.pause(wait)

    def _sender_of(self, channel: Channel, notice: Notice) -> Sender:
        place = (notice.shop_id, channel.name)
        if place not in self._senders:
            self._senders[place] = self._sender(channel)
        return self._senders[place]
