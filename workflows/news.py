"""What operators are told of a case beside reminders: which step waits for a person, and how it ended."""

from datetime import datetime

from cases.messages import Trouble
from statecharts.rules import OPERATORS
from workflows.calls import step_label
from workflows.docket import Docket
from workflows.record import Owed, Told


def drop(docket: Docket) -> None:
    """What no longer waits for a person is not told any more."""
    waiting = docket.record.waiting()
    for each in docket.record.news:
        each.over = each.over or (each.serial is not None and each.serial not in waiting)


def untold(docket: Docket, now: datetime) -> list[Told]:
    """What operators have not been told of yet; a step that waits again is told of again."""
    told = {each.serial for each in docket.record.news if not each.over}
    found: list[int | None] = [*docket.record.waiting(), *([None] if docket.closed else [])]
    return [Told(at=now, serial=each) for each in found if each not in told]


def trouble(docket: Docket, serial: int) -> Trouble:
    """What operators are told of a step that waits for a person."""
    step = docket.record.waiting()[serial]
    effect = docket.process.effects()[step.effect] if isinstance(step, Owed) else None
    return Trouble(
        case_id=docket.case_id,
        process=docket.process.name,
        shop_id=docket.case.facts.shop,
        serial=serial,
        step=step_label(docket, step),
        escalates=effect is not None and effect.escalates,
        why=step.why,
        task=step.task if isinstance(step, Owed) else None,
        order=step.order,
        deadline=_deadline(docket, step.order),
    )


def _deadline(docket: Docket, order: str | None) -> datetime | None:
    """The nearest deadline of the operators, of the case itself or of the order that is meant."""
    clocks = docket.process.clocks
    theirs = (each for each in docket.deadlines() if clocks[each.rule].of in OPERATORS and each.order in (None, order))
    return next((each.due for each in theirs), None)
