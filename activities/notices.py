"""Telling operators: that a deadline is near (G-5), that a step waits for them (G-7, G-8), how a case ended."""

from collections.abc import Callable
from typing import Any

import structlog
from temporalio import activity

from cases.books import CaseOutcome
from cases.messages import Reminder, Trouble
from notices.port import Notifier


class LogNotifier:
    """Writes to the log, where no other way is configured; twice in a log does no harm."""

    async def remind(self, reminder: Reminder, key: str) -> None:  # noqa: ARG002
        """Write one line; a deadline that is near is worth a warning."""
        structlog.get_logger("notices").warning(
            "reminder",
            state=reminder.state_label,
            then=reminder.rule_label,
            deadline=reminder.deadline.isoformat(),
            **_of(reminder.order),
        )

    async def tell_trouble(self, trouble: Trouble, key: str) -> None:  # noqa: ARG002
        """Write one line; what failed is worth a warning, a task in the console is everyday work."""
        log = structlog.get_logger("notices")
        if trouble.why or trouble.escalates:
            log.warning("needs operator", step=trouble.step, why=trouble.why, **_of(trouble.order))
        else:
            log.info("console task", step=trouble.step, **_of(trouble.order))

    async def tell_outcome(self, outcome: CaseOutcome, key: str) -> None:  # noqa: ARG002
        """Write one line."""
        structlog.get_logger("notices").info("case closed", state=outcome.state_label, by=outcome.decided_by)


def _of(order: str | None) -> dict[str, str]:
    return {"order": order} if order else {}


def notice_activities(notifier: Notifier) -> list[Callable[..., Any]]:
    """The activities that tell operators."""

    @activity.defn(name="remind")
    async def remind(reminder: Reminder) -> None:
        await notifier.remind(reminder, _key(reminder))

    @activity.defn(name="tell_trouble")
    async def tell_trouble(trouble: Trouble) -> None:
        await notifier.tell_trouble(trouble, _key(trouble))

    @activity.defn(name="tell_outcome")
    async def tell_outcome(outcome: CaseOutcome) -> None:
        await notifier.tell_outcome(outcome, _key(outcome))

    return [remind, tell_trouble, tell_outcome]


def _key(told: Reminder | Trouble | CaseOutcome) -> str:
    """Each notice is an activity of its own, and all its tries have the same number."""
    info = activity.info()
    return f"{told.case_id}/{info.workflow_run_id}/{info.activity_id}"
