"""What operators are notified of: deadlines, steps that wait for a person, and how the case ended."""

from datetime import datetime
from decimal import Decimal

from cases.ledger import CaseOutcome
from cases.messages import ActionRequired, Reminder
from statecharts.rules import OPERATORS, Clock, Party
from workflows.engine.situation import CaseSituation
from workflows.engine.state import EffectState, SentReminder, TimelineEntry

OURS = (*(party.value for party in OPERATORS), "default")


def reminder(situation: CaseSituation, sent: SentReminder) -> Reminder:
    """Return the reminder of a deadline (G-5)."""
    named = f"{sent.order}.{sent.state}" if sent.order else sent.state
    return Reminder(
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=situation.case.facts.shop,
        state=sent.state,
        state_label=situation.process.state_label(named),
        rule=sent.rule,
        rule_label=situation.process.rule_label(sent.rule),
        deadline=sent.deadline,
        order=sent.order,
    )


def action_required(situation: CaseSituation, serial: int) -> ActionRequired:
    """Return the notification of a step that waits for a person."""
    step = situation.state.waiting[serial]
    effect = situation.process.effects()[step.effect] if isinstance(step, EffectState) else None
    return ActionRequired(
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=situation.case.facts.shop,
        serial=serial,
        step=situation.step_label(step),
        escalates=effect is not None and effect.escalates,
        why=step.why,
        task=step.task if isinstance(step, EffectState) else None,
        order=step.order,
        deadline=_operators_deadline(situation, step.order),
    )


def _operators_deadline(situation: CaseSituation, order: str | None) -> datetime | None:
    """Return the operators' nearest deadline, of the case itself or of the order."""
    clocks = situation.process.clocks
    return next(
        (
            deadline.due
            for deadline in situation.deadlines()
            if clocks[deadline.rule].of in OPERATORS and deadline.order in (None, order)
        ),
        None,
    )


def outcome(situation: CaseSituation, started: datetime) -> CaseOutcome:
    """Return the outcome of a closed case; it was opened when its workflow ``started`` unless its facts say when."""
    facts, state = situation.case.facts, situation.state
    opened = facts.began_at or started
    (final,) = situation.states()
    moved = [entry for entry in state.timeline if not _at_once(situation, entry)]
    return CaseOutcome(
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=facts.shop,
        order=facts.order,
        opened_at=opened,
        closed_at=max(state.latest, opened),
        state=final,
        state_label=situation.process.state_label(final),
        decided_by=moved[-1].by if moved else Party.CLOCK.value,
        decided_before_deadline=_in_time(situation, opened),
        clocks_run_out=sum(entry.by == Party.CLOCK.value for entry in moved),
        lost=sum((entry.amount for entry in state.ledger if entry.amount is not None), Decimal("0.00")),
    )


def _at_once(situation: CaseSituation, entry: TimelineEntry) -> bool:
    """Return whether it is a judgement of the rule book on entering a state, which nobody made."""
    clock = situation.process.clocks.get(entry.rule)
    return clock is not None and clock.figure is None


def _in_time(situation: CaseSituation, opened: datetime) -> bool | None:
    """Return whether all that had a deadline of ours was decided before it; None if nothing had to be decided.

    A person's decision is always in time, for overdue clocks go first.  What the platform says of a clock of ours that
    has run out comes too late, whatever it says.
    """
    in_time: bool | None = None
    entered: dict[str, datetime] = {}
    for entry in situation.state.timeline:
        clock = situation.process.clocks.get(entry.rule)
        if clock and clock.figure and clock.of in OPERATORS:
            return False
        for state in entry.left:
            since = entered.get(state, opened)
            due = [_due(situation, ours, entry.order, since) for ours in _our_clocks(situation, entry.order, state)]
            if due and entry.by in OURS:
                in_time = True
            elif any(instant is not None and instant <= entry.at for instant in due):
                return False
        entered.update(dict.fromkeys(entry.reached, entry.at))
    return in_time


def _our_clocks(situation: CaseSituation, order: str | None, state: str) -> list[Clock]:
    """Return the clocks that run for our parties in a state."""
    own = state.rpartition(".")[2]
    return [
        rule.clock
        for rule in situation.process.chart_of(order).rules.values()
        if rule.clock and rule.clock.figure and rule.clock.of in OPERATORS
        if any(move.source.value == own for _, move in rule.steps())
    ]


def _due(situation: CaseSituation, clock: Clock, order: str | None, since: datetime) -> datetime | None:
    due: datetime | None = situation.case.part(order).due(clock.figure or "", since)
    return due
