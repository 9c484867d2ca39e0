"""What a case has the world do: effects, questions to the platform, reminders, each an activity with its budget."""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError

from cases.messages import Outcome, Reminder, Settlement
from cases.models import whole_seconds
from workflows import calls
from workflows.budgets import EFFECT, REMIND, SETTLE
from workflows.docket import Docket
from workflows.record import Owed, Reminded, Settling


def now() -> datetime:
    """The workflow's time, in whole seconds."""
    return whole_seconds(workflow.now())


async def perform(docket: Docket, owed: Owed) -> None:
    """Perform an effect; what fails for good needs an operator (G-7), what has no interface is a console task (G-8)."""
    name, call = calls.effect(docket, owed)
    summary = docket.process.effects()[owed.effect].label
    try:
        outcome = await workflow.execute_activity(name, call, result_type=Outcome, summary=summary, **EFFECT)
    except ActivityError as failed:
        owed.status, owed.why = "needs_operator", calls.why(failed)
    else:
        owed.status, owed.task = "console_task" if outcome.console_task else "done", outcome.console_task
    owed.ended = now()


async def settle(docket: Docket, settling: Settling) -> None:
    """Ask the platform what its clock led to (G-2)."""
    question, summary = calls.question(docket, settling), calls.settle_summary(docket, settling)
    name = calls.settle_activity(docket.process.name)
    try:
        answer = await workflow.execute_activity(name, question, result_type=Settlement, summary=summary, **SETTLE)
    except ActivityError as failed:
        settling.why = calls.why(failed)
    else:
        docket.settle(settling.serial, answer, now())


async def remind(reminded: Reminded, reminder: Reminder) -> None:
    """Remind the operator of a deadline (G-5)."""
    summary = calls.remind_summary(reminded)
    try:
        await workflow.execute_activity(calls.REMIND, reminder, summary=summary, **REMIND)
    except ActivityError as failed:
        workflow.logger.warning("reminder not delivered", extra={"why": calls.why(failed)})
        reminded.delivered = False
    else:
        reminded.delivered = True
