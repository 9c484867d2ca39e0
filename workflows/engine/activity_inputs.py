"""What a case says to the world: the arguments, names and summaries of its activities."""

from temporalio.exceptions import ActivityError, ApplicationError

from cases.ledger import LedgerEntry
from cases.messages import EffectCall, ExpiryQuery, Reminder
from cases.shanghai import shanghai
from workflows.engine.machine import CaseMachine
from workflows.engine.state import EffectState, ExpiryCheck, SentReminder

ENTER_IN_LEDGER = "enter_in_ledger"
REMIND = "remind"
TELL_TROUBLE = "tell_trouble"
TELL_OUTCOME = "tell_outcome"


def effect_activity(process: str, effect: str) -> str:
    """The name of the activity that performs an effect of a process."""
    return f"{process}.{effect}"


def settle_activity(process: str) -> str:
    """The name of the activity that asks a process's platform what its clock led to."""
    return f"{process}.settle"


def effect(machine: CaseMachine, owed: EffectState) -> tuple[str, EffectCall | LedgerEntry]:
    """The activity that performs an effect, and what it is told."""
    if owed.entry is not None:
        return ENTER_IN_LEDGER, next(entry for entry in machine.record.ledger if entry.key == owed.entry)
    call = EffectCall(
        key=f"{machine.case_id}/{owed.serial}",
        case_id=machine.case_id,
        process=machine.process.name,
        shop_id=machine.case.facts.shop,
        effect=owed.effect,
        label=machine.process.effects()[owed.effect].label,
        rule=owed.rule,
        at=owed.at,
        order=owed.order,
        facts=machine.case.facts.model_dump(mode="json"),
        form=owed.form,
    )
    return effect_activity(machine.process.name, owed.effect), call


def question(machine: CaseMachine, settling: ExpiryCheck) -> ExpiryQuery:
    """What the platform is asked when a clock it runs has run out."""
    return ExpiryQuery(
        key=f"{machine.case_id}/{settling.serial}",
        case_id=machine.case_id,
        process=machine.process.name,
        shop_id=machine.case.facts.shop,
        state=settling.state,
        rule=settling.rule,
        due=settling.due,
        order=settling.order,
        facts=machine.case.facts.model_dump(mode="json"),
    )


def reminder(machine: CaseMachine, reminded: SentReminder) -> Reminder:
    """What an operator is reminded of."""
    named = f"{reminded.order}.{reminded.state}" if reminded.order else reminded.state
    return Reminder(
        case_id=machine.case_id,
        process=machine.process.name,
        shop_id=machine.case.facts.shop,
        state=reminded.state,
        state_label=machine.process.state_label(named),
        rule=reminded.rule,
        rule_label=machine.process.rule_label(reminded.rule),
        deadline=reminded.deadline,
        order=reminded.order,
    )


def step_label(machine: CaseMachine, step: EffectState | ExpiryCheck) -> str:
    """What a step is called."""
    if isinstance(step, EffectState):
        return machine.process.effects()[step.effect].label
    return f"向平台核实:{machine.process.rule_label(step.rule)}"


def settle_summary(machine: CaseMachine, settling: ExpiryCheck) -> str:
    """What the timeline shows of a settlement."""
    return step_label(machine, settling) + of_order(settling.order)


def remind_summary(reminded: SentReminder) -> str:
    """What the timeline shows of a reminder."""
    return f"提醒:{shanghai(reminded.deadline)} 截止{of_order(reminded.order)}"


def effect_summary(machine: CaseMachine, owed: EffectState) -> str:
    """What the timeline shows of an effect."""
    return step_label(machine, owed) + of_order(owed.order)


def of_order(order: str | None) -> str:
    """Which order it is about, behind a label."""
    return f" {order}" if order else ""


def why(failed: ActivityError) -> str:
    """Why an activity failed for good, in the words of what it last ran into."""
    cause: BaseException = failed
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, ApplicationError):
        return f"{cause.type}: {cause.message}" if cause.type else cause.message
    return str(cause)
