"""What a case has the world do: effects, questions to the platform, reminders, each an activity with its budget."""

from datetime import datetime

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError

from cases.messages import Outcome, Reminder, Settlement
from cases.models import whole_seconds
from workflows import calls, outcome, settlements
from workflows.budgets import EFFECT, OUTCOME, REMIND, SETTLE
from workflows.docket import Docket
from workflows.fairness import case_share, shop_share
from workflows.record import Owed, Reminded, Settling


def now() -> datetime:
    """The workflow's time, in whole seconds."""
    return whole_seconds(workflow.now())


async def perform(docket: Docket, owed: Owed) -> None:
    """Perform an effect; what fails for good needs an operator (G-7), what has no interface is a console task (G-8)."""
    name, call = calls.effect(docket, owed)
    summary = calls.effect_summary(docket, owed)
    try:
        outcome = await workflow.execute_activity(
            name, call, result_type=Outcome, summary=summary, priority=_share(docket, owed), **EFFECT
        )
    except ActivityError as failed:
        if owed.status == "owed":
            owed.status, owed.why, owed.ended = "needs_operator", calls.why(failed), now()
    else:
        if owed.status == "owed":  # else the case has moved on meanwhile and needs it no more
            owed.status, owed.ended = "console_task" if outcome.console_task else "done", now()
            owed.task = outcome.console_task


def _share(docket: Docket, owed: Owed) -> Priority:
    commands = docket.process.effects()[owed.effect].commands
    return shop_share(docket.case.facts.shop) if commands else case_share(docket.case_id)


async def settle(docket: Docket, settling: Settling) -> None:
    """Ask the platform what its clock led to (G-2)."""
    question, summary = calls.question(docket, settling), calls.settle_summary(docket, settling)
    name = calls.settle_activity(docket.process.name)
    try:
        answer = await workflow.execute_activity(
            name,
            question,
            result_type=Settlement,
            summary=summary,
            priority=shop_share(docket.case.facts.shop),
            **SETTLE,
        )
    except ActivityError as failed:
        settling.why = calls.why(failed)
    else:
        settlements.settle(docket, settling.serial, answer, now())


async def remind(reminded: Reminded, reminder: Reminder) -> None:
    """Remind the operator of a deadline (G-5)."""
    summary = calls.remind_summary(reminded)
    try:
        await workflow.execute_activity(
            calls.REMIND, reminder, summary=summary, priority=case_share(reminder.case_id), **REMIND
        )
    except ActivityError as failed:
        workflow.logger.warning("reminder not delivered", extra={"why": calls.why(failed)})
        reminded.delivered = False
    else:
        reminded.delivered = True


async def record_outcome(docket: Docket) -> None:
    """Record how the case ended; what cannot be recorded at all is told to the log, and the case ends."""
    told = outcome.outcome(docket, whole_seconds(workflow.info().workflow_start_time))
    try:
        await workflow.execute_activity(
            outcome.RECORD_OUTCOME, told, summary="记录结果", priority=case_share(docket.case_id), **OUTCOME
        )
    except ActivityError as failed:
        workflow.logger.error("outcome not recorded", extra={"why": calls.why(failed)})
