"""The activities that notify operators of near deadlines (G-5), waiting steps (G-7, G-8) and outcomes."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder
from cases.ports import Notifier


def notification_activities(notifier: Notifier) -> list[Callable[..., Any]]:
    """Return the activities that notify operators."""

    @activity.defn(name="remind")
    async def remind(reminder: Reminder) -> None:
        await notifier.remind(reminder, _key(reminder))

    @activity.defn(name="tell_trouble")
    async def notify_action_required(required: ActionRequired) -> None:
        await notifier.notify_action_required(required, _key(required))

    @activity.defn(name="tell_outcome")
    async def notify_outcome(outcome: CaseOutcome) -> None:
        await notifier.notify_outcome(outcome, _key(outcome))

    return [remind, notify_action_required, notify_outcome]


def _key(notice: Reminder | ActionRequired | CaseOutcome) -> str:
    """Return the idempotency key of a notification: all attempts of its activity share it."""
    info = activity.info()
    return f"{notice.case_id}/{info.workflow_run_id}/{info.activity_id}"
