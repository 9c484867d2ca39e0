"""Delivery of notices: each once through a channel, within the channel's rate limit, and never when it is late."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol, assert_never
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
from aftersales.runtime.http_client import Transport
from cases.errors import PlatformRefused, PlatformUnreachable

LONGEST_WAIT: Final = 15.0
"""Seconds that a notice waits for the rate limit; beyond that it is tried again later."""
RATE_MARGIN: Final = 0.5
"""Seconds that a message may be under way longer than the one after it."""


class NotificationClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)

    def ticks(self) -> float:
        """Return the seconds of a monotonic clock."""
        return time.monotonic()

    async def pause(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)


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


class Rate(NamedTuple):
    """At most this many messages within any period of this many seconds."""

    messages: int
    seconds: float


RATES: Final = {
    "feishu": (Rate(100, 60), Rate(5, 1)),
    "dingtalk": (Rate(20, 60),),
    "wecom": (Rate(20, 60),),
}
"""Rates by type of channel; the others have none."""


class RateLimit:
    """The rate limit of one bot; times are seconds of a monotonic clock.

    Bots count real minutes, and a bucket that refills would allow two full bursts within one; so the instants of the
    last messages are kept.
    """

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._rates = tuple(rates)
        self._sent: deque[float] = deque(maxlen=max((rate.messages for rate in rates), default=1))

    def wait(self, now: float) -> float:
        """Return the seconds until one more message may be sent, after all that were reserved."""
        full = (rate for rate in self._rates if len(self._sent) >= rate.messages)
        return max(now, *(self._sent[-rate.messages] + rate.seconds + RATE_MARGIN for rate in full), now) - now

    def take(self, at: float) -> None:
        """Reserve an instant for a message."""
        self._sent.append(at)


def delivery_id(channel: Channel, notice: Notice) -> str:
    """Return the id of one notice's delivery through one channel."""
    return f"{notice.key}@{notice.shop_id}/{channel.name}"


class Delivery:
    """Sends through all channels; the log remembers every notice that is closed, whatever its outcome."""

    def __init__(self, sender: Callable[[Channel], Sender], log: DeliveryLog, clock: NotificationClock) -> None:
        self._sender, self._log, self._clock = sender, log, clock
        self._senders: dict[tuple[str, str], Sender] = {}
        self._limits: dict[Hashable, RateLimit] = {}
        self._refused: dict[str, str] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def is_closed(self, channel: Channel, notice: Notice) -> bool:
        """Return whether nothing is left to send."""
        return self._log.is_closed(delivery_id(channel, notice))

    def close(self, channel: Channel, notice: Notice, outcome: str) -> None:
        """Record the outcome of a notice for good."""
        self._log.close(delivery_id(channel, notice), notice.kind, outcome, self._clock.now())

    async def deliver(self, channel: Channel, notice: Notice) -> None:
        """Send a notice unless it is closed or late; raises PlatformRefused, also on a repeat, or PlatformUnreachable.

        If the answer is lost, it is unknown whether the notice arrived: it is sent again.
        """
        key = delivery_id(channel, notice)
        # A try that was given up may still be running when the next one begins.
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if self.is_closed(channel, notice):
                return
            if refused := self._refused.get(key):
                raise PlatformRefused(refused)
            await self._wait_for_turn(channel)
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
            key = delivery_id(channel, notice)
            self._refused[key] = f"{channel.name}: {refusal}"
            raise PlatformRefused(self._refused[key]) from refusal
        except PlatformUnreachable as failed:
            raise PlatformUnreachable(f"{channel.name}: {failed}") from failed

    async def _wait_for_turn(self, channel: Channel) -> None:
        limit = self._limits.setdefault(_rate_key(channel), RateLimit(RATES.get(channel.type, ())))
        now = self._clock.ticks()
        wait = limit.wait(now)
        if wait > LONGEST_WAIT:
            raise PlatformUnreachable(
                f"{channel.name}: 超出频率限制,{wait:.0f} 秒后才可发送 / over its rate limit for another {wait:.0f} s"
            )
        limit.take(now + wait)
        if wait:
            await self._clock.pause(wait)

    def _sender_of(self, channel: Channel, notice: Notice) -> Sender:
        place = (notice.shop_id, channel.name)
        if place not in self._senders:
            self._senders[place] = self._sender(channel)
        return self._senders[place]


def _rate_key(channel: Channel) -> Hashable:
    """Return what a rate limit applies to: two shops may share a bot."""
    match channel:
        case FeishuChannel() | DingtalkChannel() | WecomChannel():
            return channel.type, channel.address, channel.key
        case WebhookChannel():
            return channel.type, channel.address
        case MailChannel():
            return channel.type, channel.host, channel.port
        case _:
            assert_never(channel)
