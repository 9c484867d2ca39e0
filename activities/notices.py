"""Telling operators that a deadline is near (G-5)."""

from collections.abc import Callable
from typing import Any, Protocol

import structlog
from temporalio import activity

from cases.messages import Reminder


class Notifier(Protocol):
    """How operators are told."""

    async def remind(self, reminder: Reminder, key: str) -> None:
        """Tell them of a deadline; ``key`` makes telling it twice the same as once."""


class LogNotifier:
    """Writes reminders to the log, where no other way is configured."""

    async def remind(self, reminder: Reminder, key: str) -> None:  # noqa: ARG002 - twice in a log does no harm
        """Write one line; a deadline that is near is worth a warning."""
        structlog.get_logger("notices").warning(
            "reminder",
            state=reminder.state_label,
            then=reminder.rule_label,
            deadline=reminder.deadline.isoformat(),
            **({"order": reminder.order} if reminder.order else {}),
        )


def reminder_activity(notifier: Notifier) -> Callable[..., Any]:
    """The activity that sends a reminder."""

    @activity.defn(name="remind")
    async def remind(reminder: Reminder) -> None:
        # Every reminder is an activity of its own, and all its tries have the same number.
        info = activity.info()
        await notifier.remind(reminder, f"{reminder.case_id}/{info.workflow_run_id}/{info.activity_id}")

    return remind
