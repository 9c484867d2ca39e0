"""Notifications in the worker's log, for shops without a channel."""

import structlog

from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder


class LogNotifier:
    """Writes notifications to the log; a repeated line does no harm."""

    async def remind(self, reminder: Reminder, key: str) -> None:  # noqa: ARG002
        """Log a warning of a near deadline."""
        structlog.get_logger("notices").warning(
            "reminder",
            state=reminder.state_label,
            then=reminder.rule_label,
            deadline=reminder.deadline.isoformat(),
            **_order_of(reminder.order),
        )

    async def notify_action_required(self, trouble: ActionRequired, key: str) -> None:  # noqa: ARG002
        """Log a step that waits for a person: a failure as a warning, a console task as information."""
        log = structlog.get_logger("notices")
        if trouble.why or trouble.escalates:
            log.warning("needs operator", step=trouble.step, why=trouble.why, **_order_of(trouble.order))
        else:
            log.info("console task", step=trouble.step, **_order_of(trouble.order))

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> None:  # noqa: ARG002
        """Log a case's outcome."""
        structlog.get_logger("notices").info("case closed", state=outcome.state_label, by=outcome.decided_by)


def _order_of(order: str | None) -> dict[str, str]:
    return {"order": order} if order else {}
