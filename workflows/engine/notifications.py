"""The notifications of a case: deadlines, steps that wait for a person, and its outcome."""

from datetime import datetime
from decimal import Decimal

from cases.ledger import CaseOutcome, LedgerEntry
from cases.messages import ActionRequired, Reminder
from statecharts.rules import OPERATORS, Clock, Party, Rule
from workflows.engine.situation import CaseSituation
from workflows.engine.state import Decision, EffectState, ExpiryCheck, Notification, SentReminder, TimelineEntry

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
        key=f"{situation.case_id}/{named}/{sent.rule}/{sent.deadline.isoformat()}/{sent.at.isoformat()}",
    )


def action_required(situation: CaseSituation, sent: Notification) -> ActionRequired | None:
    """Return the notification of a step that waits for a person, or of a decision that was not taken.

    None if the case no longer has it: what it followed from was taken back before anybody was notified (G-11).
    """
    state = situation.state
    assert sent.serial is not None  # noqa: S101 - that of an outcome is sent by the call that records it
    step = state.effect(sent.serial) if sent.notice else state.waiting.get(sent.serial)
    step = step or state.decision_numbered(sent.serial)
    if step is None:
        return None
    effect = situation.process.effects().get(step.effect) if isinstance(step, EffectState) else None
    return ActionRequired(
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=situation.case.facts.shop,
        serial=sent.serial,
        step=situation.step_label(step),
        escalates=effect is not None and effect.escalates,
        why=step.why,
        task=step.task if isinstance(step, EffectState) else None,
        order=step.order,
        deadline=_operators_deadline(situation, step.order),
        key=f"{situation.case_id}/{_step_key(step)}/{sent.at.isoformat()}",
    )


def _step_key(step: EffectState | ExpiryCheck) -> str:
    if isinstance(step, Decision):
        return f"{step.effect}/{step.key}"
    return step.key if isinstance(step, EffectState) else f"{step.order or ''}/{step.rule}/{step.due.isoformat()}"


def _operators_deadline(situation: CaseSituation, order: str | None) -> datetime | None:
    """Return the operators' nearest deadline, of the case itself or of the order."""
    return next(
        (
            deadline.due
            for deadline in situation.deadlines()
            if deadline.order in (None, order) and situation.owner(deadline) in OPERATORS
        ),
        None,
    )


def outcome(situation: CaseSituation, started: datetime) -> CaseOutcome:
    """Return the outcome of a closed case; it was opened at ``started`` unless its facts have an instant."""
    facts, state = situation.case.facts, situation.state
    opened = facts.began_at or started
    (final,) = situation.states()
    fired = [entry for entry in state.timeline if not _is_immediate(situation, entry)]
    losses = [entry for entry in state.ledger if not entry.income]
    return CaseOutcome(
        case_id=situation.case_id,
        process=situation.process.name,
        shop_id=facts.shop,
        order=facts.order,
        opened_at=opened,
        closed_at=max(state.latest, opened),
        state=final,
        state_label=situation.process.state_label(final),
        decided_by=fired[-1].by if fired else Party.CLOCK.value,
        decided_before_deadline=_in_time(situation, opened),
        clocks_run_out=sum(entry.by == Party.CLOCK.value for entry in fired),
        lost=_lost(losses),
        unknown_losses=sum(entry.is_unknown for entry in losses),
    )


def _lost(entries: list[LedgerEntry]) -> Decimal | None:
    """Return the sum of the known amounts; None if all that was lost is of unknown amount."""
    known = [entry.amount for entry in entries if entry.amount is not None]
    return None if not known and any(entry.is_unknown for entry in entries) else sum(known, Decimal("0.00"))


def _is_immediate(situation: CaseSituation, entry: TimelineEntry) -> bool:
    """Return whether an ``always`` rule fired, which nobody decided and no clock caused."""
    clock = situation.process.clocks.get(entry.rule)
    return clock is not None and clock.figure is None


def _in_time(situation: CaseSituation, opened: datetime) -> bool | None:
    """Return whether we decided everything before our deadlines; None if we had none.

    A person's decision is always in time, as overdue clocks go first.  A report of the platform after our clock has run
    out means that we were late, whatever it says.
    """
    in_time: bool | None = None
    entered: dict[str, datetime] = {}
    for entry in situation.state.timeline:
        clock = situation.process.clocks.get(entry.rule)
        if clock and clock.figure and _was_ours(situation, entry, clock):
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
    """Return the clocks of a state whose deadlines are ours."""
    rules = situation.process.chart_of(order).rules.values()
    return [rule.clock for rule in rules if rule.clock and rule.clock.figure and _owned(rule, state)]


def _was_ours(situation: CaseSituation, fired: TimelineEntry, clock: Clock) -> bool:
    """Return whether the deadline of a clock that has run out was ours."""
    left = {state.rpartition(".")[2] for state in fired.left}
    steps = situation.process.chart_of(fired.order).rules[fired.rule].steps()
    parties = [line.of or clock.of for line, step in steps if step.source.value in left]
    return any(party in OPERATORS for party in parties or (clock.of,))


def _owned(rule: Rule, state: str) -> bool:
    """Return whether a clock runs in a state as a deadline of ours."""
    own = state.rpartition(".")[2]
    parties = [line.of or rule.clock.of for line, step in rule.steps() if rule.clock and step.source.value == own]
    return any(party in OPERATORS for party in parties)


def _due(situation: CaseSituation, clock: Clock, order: str | None, since: datetime) -> datetime | None:
    due: datetime | None = situation.case.part(order).due(clock.figure or "", since)
    return due
