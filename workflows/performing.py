"""What a case has the world do: effects, questions to the platform, reminders, each an activity with its budget."""

from datetime import datetime

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, is_cancelled_exception

from cases.books import CaseOutcome
from cases.messages import Outcome, Reminder, Settlement, Trouble
from cases.models import whole_seconds
from cases.texts import clipped
from workflows import calls, news, outcome, settlements
from workflows.budgets import EFFECT, OUTCOME, REMIND, SETTLE, TELL, Budget
from workflows.docket import Docket
from workflows.fairness import case_share, shop_share
from workflows.record import Owed, Reminded, Settling, Told


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
    await _deliver(reminded, calls.REMIND, reminder, calls.remind_summary(reminded), REMIND)


async def tell(told: Told, what: Trouble | CaseOutcome) -> None:
    """Tell operators that a step waits for a person, or how the case ended."""
    if isinstance(what, Trouble):
        summary = f"通知:{what.step}{calls.of_order(what.order)}"
        await _deliver(told, calls.TELL_TROUBLE, what, summary, TELL)
    else:
        await _deliver(told, calls.TELL_OUTCOME, what, "通知:案件结果", TELL)


async def _deliver(
    to: Reminded | Told, activity: str, message: Reminder | Trouble | CaseOutcome, summary: str, budget: Budget
) -> None:
    try:
        await workflow.execute_activity(
            activity, message, summary=summary, priority=case_share(message.case_id), **budget
        )
    except ActivityError as failed:
        to.delivered = False
        if not is_cancelled_exception(failed):  # else it was called off, because the case has moved on
            to.why = clipped(calls.why(failed))
            workflow.logger.warning("notice not delivered", extra={"kind": activity, "why": to.why})
    else:
        to.delivered = True


def what_of(docket: Docket, told: Told) -> Trouble | CaseOutcome:
    """What operators are to be told."""
    return _outcome(docket) if told.serial is None else news.trouble(docket, told.serial)


def _outcome(docket: Docket) -> CaseOutcome:
    return outcome.outcome(docket, whole_seconds(workflow.info().workflow_start_time))


async def record_outcome(docket: Docket) -> None:
    """Record how the case ended; what cannot be recorded at all is told to the log, and the case ends."""
    try:
        await workflow.execute_activity(
            outcome.RECORD_OUTCOME, _outcome(docket), summary="记录结果", priority=case_share(docket.case_id), **OUTCOME
        )
    except ActivityError as failed:
        workflow.logger.error("outcome not recorded", extra={"why": calls.why(failed)})
