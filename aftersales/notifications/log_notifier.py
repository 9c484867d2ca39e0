"""Notifications in the worker's log: where no channel is configured."""

import structlog

from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder


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

    async def tell_trouble(self, trouble: ActionRequired, key: str) -> None:  # noqa: ARG002
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
