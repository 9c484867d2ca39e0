"""Notifications in the worker's log, for shops without a channel."""

import structlog

from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder


class LogNotifier:
    """Writes notifications to the log; a repeated line bears the same key, and does no harm."""

    async def remind(self, reminder: Reminder, key: str) -> None:
        """Log a warning of a near deadline."""
        structlog.get_logger("notices").warning(
            "reminder",
            state=reminder.state_label,
            then=reminder.rule_label,
            deadline=reminder.deadline.isoformat(),
            key=key,
            **_order_of(reminder.order),
        )

    async def notify_action_required(self, required: ActionRequired, key: str) -> None:
        """Log a step that waits for a person: a failure as a warning, a console task as information."""
        log = structlog.get_logger("notices")
        if required.why or required.escalates:
            log.warning("needs operator", step=required.step, why=required.why, key=key, **_order_of(required.order))
        else:
            log.info("console task", step=required.step, key=key, **_order_of(required.order))

    async def notify_outcome(self, outcome: CaseOutcome, key: str) -> None:
        """Log a case's outcome."""
        log = structlog.get_logger("notices")
        log.info("case closed", state=outcome.state_label, by=outcome.decided_by, key=key)


def _order_of(order: str | None) -> dict[str, str]:
    return {"order": order} if order else {}
