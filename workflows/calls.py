"""What a case says to the world: the arguments, names and summaries of its activities."""

from temporalio.exceptions import ActivityError, ApplicationError

from cases.books import LedgerEntry
from cases.messages import EffectCall, Question, Reminder
from cases.shanghai import shanghai
from workflows.docket import Docket
from workflows.record import Owed, Reminded, Settling

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


def effect(docket: Docket, owed: Owed) -> tuple[str, EffectCall | LedgerEntry]:
    """The activity that performs an effect, and what it is told."""
    if owed.entry is not None:
        return ENTER_IN_LEDGER, next(entry for entry in docket.record.ledger if entry.key == owed.entry)
    call = EffectCall(
        key=f"{docket.case_id}/{owed.serial}",
        case_id=docket.case_id,
        process=docket.process.name,
        shop_id=docket.case.facts.shop,
        effect=owed.effect,
        label=docket.process.effects()[owed.effect].label,
        rule=owed.rule,
        at=owed.at,
        order=owed.order,
        facts=docket.case.facts.model_dump(mode="json"),
        form=owed.form,
    )
    return effect_activity(docket.process.name, owed.effect), call


def question(docket: Docket, settling: Settling) -> Question:
    """What the platform is asked when a clock it runs has run out."""
    return Question(
        key=f"{docket.case_id}/{settling.serial}",
        case_id=docket.case_id,
        process=docket.process.name,
        shop_id=docket.case.facts.shop,
        state=settling.state,
        rule=settling.rule,
        due=settling.due,
        order=settling.order,
        facts=docket.case.facts.model_dump(mode="json"),
    )


def reminder(docket: Docket, reminded: Reminded) -> Reminder:
    """What an operator is reminded of."""
    named = f"{reminded.order}.{reminded.state}" if reminded.order else reminded.state
    return Reminder(
        case_id=docket.case_id,
        process=docket.process.name,
        shop_id=docket.case.facts.shop,
        state=reminded.state,
        state_label=docket.process.state_label(named),
        rule=reminded.rule,
        rule_label=docket.process.rule_label(reminded.rule),
        deadline=reminded.deadline,
        order=reminded.order,
    )


def step_label(docket: Docket, step: Owed | Settling) -> str:
    """What a step is called."""
    if isinstance(step, Owed):
        return docket.process.effects()[step.effect].label
    return f"向平台核实:{docket.process.rule_label(step.rule)}"


def settle_summary(docket: Docket, settling: Settling) -> str:
    """What the timeline shows of a settlement."""
    return step_label(docket, settling) + of_order(settling.order)


def remind_summary(reminded: Reminded) -> str:
    """What the timeline shows of a reminder."""
    return f"提醒:{shanghai(reminded.deadline)} 截止{of_order(reminded.order)}"


def effect_summary(docket: Docket, owed: Owed) -> str:
    """What the timeline shows of an effect."""
    return step_label(docket, owed) + of_order(owed.order)


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
