"""What operators are told of a case beside reminders: which step waits for a person, and how it ended."""

from datetime import datetime

from cases.messages import ActionRequired
from statecharts.rules import OPERATORS
from workflows.engine.activity_inputs import step_label
from workflows.engine.machine import CaseMachine
from workflows.engine.state import EffectState, Notification


def drop(machine: CaseMachine) -> None:
    """What no longer waits for a person is not told any more."""
    waiting = machine.record.waiting()
    for each in machine.record.news:
        each.over = each.over or (each.serial is not None and each.serial not in waiting)


def untold(machine: CaseMachine, now: datetime) -> list[Notification]:
    """What operators have not been told of yet; a step that waits again is told of again."""
    told = {each.serial for each in machine.record.news if not each.over}
    found: list[int | None] = [*machine.record.waiting(), *([None] if machine.closed else [])]
    return [Notification(at=now, serial=each) for each in found if each not in told]


def trouble(machine: CaseMachine, serial: int) -> ActionRequired:
    """What operators are told of a step that waits for a person."""
    step = machine.record.waiting()[serial]
    effect = machine.process.effects()[step.effect] if isinstance(step, EffectState) else None
    return ActionRequired(
        case_id=machine.case_id,
        process=machine.process.name,
        shop_id=machine.case.facts.shop,
        serial=serial,
        step=step_label(machine, step),
        escalates=effect is not None and effect.escalates,
        why=step.why,
        task=step.task if isinstance(step, EffectState) else None,
        order=step.order,
        deadline=_deadline(machine, step.order),
    )


def _deadline(machine: CaseMachine, order: str | None) -> datetime | None:
    """The nearest deadline of the operators, of the case itself or of the order that is meant."""
    clocks = machine.process.clocks
    theirs = (each for each in machine.deadlines() if clocks[each.rule].of in OPERATORS and each.order in (None, order))
    return next((each.due for each in theirs), None)
