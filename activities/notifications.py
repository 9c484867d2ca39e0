"""The activities that notify operators of near deadlines (G-5) and of steps that wait for them (G-7, G-8)."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from cases.messages import ActionRequired, Reminder
from cases.ports import Notifier


def notification_activities(notifier: Notifier) -> list[Callable[..., Any]]:
    """Return the activities that notify operators, each message once by its own key."""

    @activity.defn(name="remind")
    async def remind(reminder: Reminder) -> None:
        await notifier.remind(reminder, reminder.key)

    @activity.defn(name="notify_action_required")
    async def notify_action_required(required: ActionRequired) -> None:
        await notifier.notify_action_required(required, required.key)

    return [remind, notify_action_required]
