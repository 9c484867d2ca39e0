"""What a case has the world do: effects, questions to the platform, reminders, each an activity with its budget."""

from datetime import datetime

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ActivityError, is_cancelled_exception

from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, EffectOutcome, ExpiryOutcome, Reminder
from cases.models import clipped, whole_seconds
from workflows.engine import activity_inputs, expiry, notifications, outcome
from workflows.engine.activity_options import EFFECT, OUTCOME, REMIND, SETTLE, TELL, Budget, case_share, shop_share
from workflows.engine.machine import CaseMachine
from workflows.engine.state import EffectState, ExpiryCheck, Notification, SentReminder


def now() -> datetime:
    """The workflow's time, in whole seconds."""
    return whole_seconds(workflow.now())


async def perform(machine: CaseMachine, owed: EffectState) -> None:
    """Perform an effect; what fails for good needs an operator (G-7), what has no interface is a console task (G-8)."""
    name, call = activity_inputs.effect(machine, owed)
    summary = activity_inputs.effect_summary(machine, owed)
    try:
        outcome = await workflow.execute_activity(
            name, call, result_type=EffectOutcome, summary=summary, priority=_share(machine, owed), **EFFECT
        )
    except ActivityError as failed:
        if owed.status == "owed":
            owed.status, owed.why, owed.ended = "needs_operator", activity_inputs.why(failed), now()
    else:
        if owed.status == "owed":  # else the case has moved on meanwhile and needs it no more
            owed.status, owed.ended = "console_task" if outcome.console_task else "done", now()
            owed.task = outcome.console_task


def _share(machine: CaseMachine, owed: EffectState) -> Priority:
    commands = machine.process.effects()[owed.effect].calls_platform
    return shop_share(machine.case.facts.shop) if commands else case_share(machine.case_id)


async def settle(machine: CaseMachine, settling: ExpiryCheck) -> None:
    """Ask the platform what its clock led to (G-2)."""
    question, summary = activity_inputs.question(machine, settling), activity_inputs.settle_summary(machine, settling)
    name = activity_inputs.settle_activity(machine.process.name)
    try:
        answer = await workflow.execute_activity(
            name,
            question,
            result_type=ExpiryOutcome,
            summary=summary,
            priority=shop_share(machine.case.facts.shop),
            **SETTLE,
        )
    except ActivityError as failed:
        settling.why = activity_inputs.why(failed)
    else:
        expiry.settle(machine, settling.serial, answer, now())


async def remind(reminded: SentReminder, reminder: Reminder) -> None:
    """Remind the operator of a deadline (G-5)."""
    await _deliver(reminded, activity_inputs.REMIND, reminder, activity_inputs.remind_summary(reminded), REMIND)


async def tell(told: Notification, what: ActionRequired | CaseOutcome) -> None:
    """Tell operators that a step waits for a person, or how the case ended."""
    if isinstance(what, ActionRequired):
        summary = f"通知:{what.step}{activity_inputs.of_order(what.order)}"
        await _deliver(told, activity_inputs.TELL_TROUBLE, what, summary, TELL)
    else:
        await _deliver(told, activity_inputs.TELL_OUTCOME, what, "通知:案件结果", TELL)


async def _deliver(
    to: SentReminder | Notification,
    activity: str,
    message: Reminder | ActionRequired | CaseOutcome,
    summary: str,
    budget: Budget,
) -> None:
    try:
        await workflow.execute_activity(
            activity, message, summary=summary, priority=case_share(message.case_id), **budget
        )
    except ActivityError as failed:
        to.delivered = False
        if not is_cancelled_exception(failed):  # else it was called off, because the case has moved on
            to.why = clipped(activity_inputs.why(failed))
            workflow.logger.warning("notice not delivered", extra={"kind": activity, "why": to.why})
    else:
        to.delivered = True


def what_of(machine: CaseMachine, told: Notification) -> ActionRequired | CaseOutcome:
    """What operators are to be told."""
    return _outcome(machine) if told.serial is None else notifications.trouble(machine, told.serial)


def _outcome(machine: CaseMachine) -> CaseOutcome:
    return outcome.outcome(machine, whole_seconds(workflow.info().workflow_start_time))


async def record_outcome(machine: CaseMachine) -> None:
    """Record how the case ended; what cannot be recorded at all is told to the log, and the case ends."""
    try:
        await workflow.execute_activity(
            outcome.RECORD_OUTCOME,
            _outcome(machine),
            summary="记录结果",
            priority=case_share(machine.case_id),
            **OUTCOME,
        )
    except ActivityError as failed:
        workflow.logger.error("outcome not recorded", extra={"why": activity_inputs.why(failed)})
