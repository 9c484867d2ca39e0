"""The calls of a case's activities: names, arguments, summaries, and how the case takes in the results."""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from cases.ledger import CaseOutcome, LedgerEntry
from cases.messages import ActionRequired, EffectCall, EffectOutcome, ExpiryOutcome, ExpiryQuery, Reminder
from cases.models import whole_seconds
from cases.shanghai import shanghai
from workflows.engine import notifications
from workflows.engine.activity_options import (
    EFFECT,
    NOTIFY,
    OUTCOME,
    REMIND,
    RESOLVE_EXPIRY,
    ActivityOptions,
    case_share,
    shop_share,
)
from workflows.engine.machine import CaseMachine
from workflows.engine.situation import CaseSituation, order_suffix
from workflows.engine.state import EffectState, ExpiryCheck, Notification, SentReminder

# Recorded histories contain these names: they cannot change.
ENTER_IN_LEDGER = "enter_in_ledger"
RECORD_OUTCOME = "record_outcome"
SEND_REMINDER = "remind"
NOTIFY_ACTION_REQUIRED = "tell_trouble"
NOTIFY_OUTCOME = "tell_outcome"


def now() -> datetime:
    """Return the workflow's time in whole seconds."""
    return whole_seconds(workflow.now())


def effect_activity(process: str, effect: str) -> str:
    """Return the name of the activity that performs an effect of a process."""
    return f"{process}.{effect}"


def expiry_activity(process: str) -> str:
    """Return the name of the activity that asks the platform what happened when a clock ran out."""
    return f"{process}.resolve_expiry"


async def perform(machine: CaseMachine, effect: EffectState) -> None:
    """Perform an effect; a final failure needs an operator (G-7), a missing interface makes a console task (G-8)."""
    name, call = effect_input(machine, effect)
    calls_platform = machine.process.effects()[effect.effect].calls_platform
    try:
        outcome = await workflow.execute_activity(
            name,
            call,
            result_type=EffectOutcome,
            summary=machine.step_label(effect) + order_suffix(effect.order),
            priority=shop_share(machine.case.facts.shop) if calls_platform else case_share(machine.case_id),
            **EFFECT,
        )
    except ActivityError as failed:
        machine.fail_effect(effect, reason(failed), now())
    else:
        machine.complete_effect(effect, outcome, now())


def effect_input(situation: CaseSituation, effect: EffectState) -> tuple[str, EffectCall | LedgerEntry]:
    """Return the name and the argument of the activity that performs an effect."""
    if effect.entry is not None:
        return ENTER_IN_LEDGER, next(entry for entry in situation.state.ledger if entry.key == effect.entry)
    call = EffectCall(
        key=f"{situation.case_id}/{effect.serial}",
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=situation.case.facts.shop,
        effect=effect.effect,
        label=situation.process.effects()[effect.effect].label,
        rule=effect.rule,
        at=effect.at,
        order=effect.order,
        facts=situation.case.facts.model_dump(mode="json"),
        form=effect.form,
    )
    return effect_activity(situation.process.name, effect.effect), call


async def resolve_expiry(machine: CaseMachine, expiry: ExpiryCheck) -> None:
    """Ask the platform what happened when its clock ran out (G-2)."""
    try:
        answer = await workflow.execute_activity(
            expiry_activity(machine.process.name),
            expiry_input(machine, expiry),
            result_type=ExpiryOutcome,
            summary=machine.step_label(expiry) + order_suffix(expiry.order),
            priority=shop_share(machine.case.facts.shop),
            **RESOLVE_EXPIRY,
        )
    except ActivityError as failed:
        machine.fail_expiry(expiry.serial, reason(failed))
    else:
        machine.resolve_expiry(expiry.serial, answer, now())


def expiry_input(situation: CaseSituation, expiry: ExpiryCheck) -> ExpiryQuery:
    """Return the question to the platform about a clock that has run out."""
    return ExpiryQuery(
        key=f"{situation.case_id}/{expiry.serial}",
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=situation.case.facts.shop,
        state=expiry.state,
        rule=expiry.rule,
        due=expiry.due,
        order=expiry.order,
        facts=situation.case.facts.model_dump(mode="json"),
    )


async def remind(machine: CaseMachine, sent: SentReminder) -> None:
    """Remind operators of a deadline (G-5)."""
    summary = f"提醒:{shanghai(sent.deadline)} 截止{order_suffix(sent.order)}"
    await _deliver(machine, sent, SEND_REMINDER, notifications.reminder(machine, sent), summary, REMIND)


async def notify(machine: CaseMachine, sent: Notification) -> None:
    """Notify operators that a step waits for a person, or how the case ended."""
    if sent.serial is None:
        await _deliver(machine, sent, NOTIFY_OUTCOME, _outcome(machine), "通知:案件结果", NOTIFY)
    else:
        required = notifications.action_required(machine, sent.serial)
        summary = f"通知:{required.step}{order_suffix(required.order)}"
        await _deliver(machine, sent, NOTIFY_ACTION_REQUIRED, required, summary, NOTIFY)


async def _deliver(
    machine: CaseMachine,
    sent: SentReminder | Notification,
    activity: str,
    message: Reminder | ActionRequired | CaseOutcome,
    summary: str,
    options: ActivityOptions,
) -> None:
    try:
        await workflow.execute_activity(
            activity, message, summary=summary, priority=case_share(message.case_id), **options
        )
    except ActivityError as failed:
        why = None if is_cancelled_exception(failed) else reason(failed)
        machine.mark_undelivered(sent, why)
        if why is not None:
            workflow.logger.warning("notification not delivered", extra={"kind": activity, "why": sent.why})
    else:
        machine.mark_delivered(sent)


async def record_outcome(machine: CaseMachine) -> None:
    """Record how the case ended; if that fails for good it is logged, and the case ends all the same."""
    try:
        await workflow.execute_activity(
            RECORD_OUTCOME, _outcome(machine), summary="记录结果", priority=case_share(machine.case_id), **OUTCOME
        )
    except ActivityError as failed:
        workflow.logger.error("outcome not recorded", extra={"why": reason(failed)})


def _outcome(situation: CaseSituation) -> CaseOutcome:
    return notifications.outcome(situation, whole_seconds(workflow.info().workflow_start_time))


def reason(failed: ActivityError) -> str:
    """Return the text of the last error of an activity that failed for good."""
    cause: BaseException = failed
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, ApplicationError):
        return f"{cause.type}: {cause.message}" if cause.type else cause.message
    return str(cause)
