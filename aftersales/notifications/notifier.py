"""Notifying a shop's operators through all its channels: says what is to be sent and when, and sends it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aftersales.notifications.channels import Channel, ShopChannels
from aftersales.notifications.delivery import Delivery, NotificationClock, sender_of
from aftersales.notifications.delivery_log import DeliveryLog
from aftersales.notifications.notice import (
    Notice,
    NoticeContext,
    action_required_notice,
    outcome_notice,
    reminder_notice,
)
from aftersales.notifications.robot_queues import robot_queue
from aftersales.runtime.http.http_client import Transport
from cases.errors import PlatformRefused
from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, NoticeDeliveries, NoticeDelivery, NoticeSent, Reminder
from cases.models import read
from cases.ports import Notifier

LOG_FILE: Final = "notices.db"

SendApart = Callable[[str, NoticeDeliveries], Awaitable[None]]
"""Has a notice sent, once for its key, that belongs to no running case."""


class ChannelNotifier:
    """Notifies through the channels of the case's shop, or the ``fallback`` if no channel takes the notice.

    It leaves the sending to the case, which waits for quiet hours and robots and shows what could not be sent.
    """

    def __init__(
        self,
        channels: ShopChannels,
        context: NoticeContext,
        fallback: Notifier,
        delivery: Delivery,
        *,
        task_queue: str,
        send_apart: SendApart,
        clock: NotificationClock,
    ) -> None:
        self._channels, self._context, self._fallback = channels, context, fallback
        self._delivery, self._task_queue, self._clock = delivery, task_queue, clock
        self._send_apart = send_apart

    async def remind(self, reminder: Reminder, key: str) -> NoticeDeliveries | None:
        """Notify of a deadline."""
        notice = reminder_notice(reminder, key, self._context)
        return self._left(notice) if self._channels_for(notice) else await self._fallback.remind(reminder, key)

    async def notify_action_required(self, required: ActionRequired, key: str) -> NoticeDeliveries | None:
        """Notify of a step that waits for a person."""
        notice = action_required_notice(required, key, self._context)
        if self._channels_for(notice):
            return self._left(notice)
        return await self._fallback.notify_action_required(required, key)

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> NoticeDeliveries | None:
        """Notify of a case's outcome."""
        notice = outcome_notice(outcome, key, self._context)
        return self._left(notice) if self._channels_for(notice) else await self._fallback.notify_outcome(outcome, key)

    async def send(self, delivery: NoticeDelivery) -> NoticeSent:
        """Send a notice once, unless it is late or the channel's quiet hours have begun meanwhile."""
        notice = read(Notice, delivery.notice, "notice")
        named = (channel for channel in self._channels.of(notice.shop_id) if channel.name == delivery.channel)
        channel = next(named, None)
        if channel is None:
            raise PlatformRefused(f"{delivery.channel}: 渠道文件中已没有它 / is no longer in the file of channels")
        now = self._clock.now()
        at = channel.send_at(notice, now)
        # What has waited for that instant is not put off again because this machine's clock is slow.
        if at > max(now, delivery.at or now) and not self._delivery.is_closed(channel, notice):
            return NoticeSent(put_off_until=at)
        await self._delivery.deliver(channel, notice)
        return NoticeSent()

    async def send_apart(self, key: str, left: NoticeDeliveries) -> None:
        """Have a notice sent that belongs to no running case, once for its key."""
        await self._send_apart(key, left)

    def _left(self, notice: Notice) -> NoticeDeliveries | None:
        """Return what is to be sent: through every channel that takes the notice and has not sent it."""
        now, written = self._clock.now(), notice.model_dump(mode="json")
        deliveries = []
        for channel in self._channels_for(notice):
            if self._delivery.is_closed(channel, notice):
                continue
            at = channel.send_at(notice, now)
            deliveries.append(
                NoticeDelivery(
                    channel=channel.name,
                    notice=written,
                    task_queue=robot_queue(channel, self._task_queue),
                    at=at if at > now else None,
                )
            )
        return NoticeDeliveries(deliveries=tuple(deliveries)) if deliveries else None

    def _channels_for(self, notice: Notice) -> list[Channel]:
        return [channel for channel in self._channels.of(notice.shop_id) if channel.takes(notice)]


@asynccontextmanager
async def channel_notifier(
    channels: ShopChannels,
    context: NoticeContext,
    fallback: Notifier,
    folder: Path,
    *,
    task_queue: str,
    send_apart: SendApart,
) -> AsyncIterator[ChannelNotifier]:
    """Open a notifier over real connections, with its log in a data folder."""
    clock = NotificationClock()
    with DeliveryLog(folder / LOG_FILE) as log:
        async with Transport("通知渠道") as transport:
            delivery = Delivery(lambda channel: sender_of(channel, transport), log, clock)
            yield ChannelNotifier(
                channels, context, fallback, delivery, task_queue=task_queue, send_apart=send_apart, clock=clock
            )
