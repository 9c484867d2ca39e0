"""The activities that notify operators of near deadlines (G-5) and of steps that wait for them (G-7, G-8)."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from cases.messages import ActionRequired, NoticeDeliveries, NoticeDelivery, NoticeSent, Reminder
from cases.ports import NoticeChannels, Notifier


def notification_activities(notifier: Notifier) -> list[Callable[..., Any]]:
    """Return the activities that notify operators, each message once by its own key.

    What they return is left to be sent by the case.
    """

    @activity.defn(name="remind")
    async def remind(reminder: Reminder) -> NoticeDeliveries | None:
        return await notifier.remind(reminder, reminder.key)

    @activity.defn(name="notify_action_required")
    async def notify_action_required(required: ActionRequired) -> NoticeDeliveries | None:
        return await notifier.notify_action_required(required, required.key)

    return [remind, notify_action_required]


def sending_activity(channels: NoticeChannels) -> Callable[..., Any]:
    """Return the activity that sends a notice through one channel: on any queue, or on that of the channel's robot."""

    @activity.defn(name="send_notice")
    async def send_notice(delivery: NoticeDelivery) -> NoticeSent:
        return await channels.send(delivery)

    return send_notice
