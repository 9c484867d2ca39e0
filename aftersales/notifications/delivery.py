"""Delivery of notices: each once through a channel, and never when it is late."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, assert_never
from weakref import WeakValueDictionary

import structlog

from aftersales.notifications.channels import (
    Channel,
    DingtalkChannel,
    FeishuChannel,
    MailChannel,
    WebhookChannel,
    WecomChannel,
)
from aftersales.notifications.delivery_log import DeliveryLog
from aftersales.notifications.http_senders import DingtalkBot, FeishuBot, Webhook, WecomBot
from aftersales.notifications.mail import Mail
from aftersales.notifications.notice import Notice
from aftersales.runtime.http.http_client import Transport
from cases.errors import PlatformRefused, PlatformUnreachable


class NotificationClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


class Sender(Protocol):
    """Sends notices through one channel."""

    async def send(self, notice: Notice) -> None:
        """Send once; raises PlatformRefused or PlatformUnreachable."""


def sender_of(channel: Channel, transport: Transport) -> Sender:
    """Return the sender for a channel."""
    match channel:
        case FeishuChannel():
            return FeishuBot(channel, transport)
        case DingtalkChannel():
            return DingtalkBot(channel, transport)
        case WecomChannel():
            return WecomBot(channel, transport)
        case WebhookChannel():
            return Webhook(channel, transport)
        case MailChannel():
            return Mail(channel)
        case _:
            assert_never(channel)


def delivery_id(channel: Channel, notice: Notice) -> str:
    """Return the id of one notice's delivery through one channel."""
    return f"{notice.key}@{notice.shop_id}/{channel.name}"


class Delivery:
    """Sends through all channels; the log remembers every notice that is closed, whatever its outcome."""

    def __init__(self, sender: Callable[[Channel], Sender], log: DeliveryLog, clock: NotificationClock) -> None:
        self._sender, self._log, self._clock = sender, log, clock
        self._senders: dict[tuple[str, str], tuple[Channel, Sender]] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def is_closed(self, channel: Channel, notice: Notice) -> bool:
        """Return whether nothing is left to send."""
        return self._log.is_closed(delivery_id(channel, notice))

    def close(self, channel: Channel, notice: Notice, outcome: str) -> None:
        """Record the outcome of a notice for good."""
        self._log.close(delivery_id(channel, notice), notice.kind, outcome, self._clock.now())

    async def deliver(self, channel: Channel, notice: Notice) -> None:
        """Send a notice unless it is closed or late; raises PlatformRefused or PlatformUnreachable.

        If the answer is lost, it is unknown whether the notice arrived: it is sent again.
        """
        key = delivery_id(channel, notice)
        # A try that was given up may still be running when the next one begins.
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if self.is_closed(channel, notice):
                return
            if notice.is_late(self._clock.now()):
                structlog.get_logger("notices").warning("notice dropped", channel=channel.name, kind=notice.kind)
                self.close(channel, notice, "dropped")
                return
            if not self._log.begin(key, self._clock.now()):
                raise PlatformUnreachable(f"{channel.name}: 另一进程正在发送 / is being sent by another worker")
            try:
                if not self.is_closed(channel, notice):
                    await self._send(channel, notice)
                    self.close(channel, notice, "sent")
            finally:
                self._log.abandon(key)

    async def _send(self, channel: Channel, notice: Notice) -> None:
        try:
            await self._sender_of(channel, notice).send(notice)
        except PlatformRefused as refusal:
            raise PlatformRefused(f"{channel.name}: {refusal}") from refusal
        except PlatformUnreachable as failed:
            raise PlatformUnreachable(f"{channel.name}: {failed}") from failed

    def _sender_of(self, channel: Channel, notice: Notice) -> Sender:
        place = (notice.shop_id, channel.name)
        made_for, sender = self._senders.get(place, (None, None))
        if sender is None or made_for != channel:  # a new key or secret counts from the next notice on
            sender = self._sender(channel)
            self._senders[place] = channel, sender
        return sender
