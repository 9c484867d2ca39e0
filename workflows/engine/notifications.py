"""The notifications of a case: deadlines, steps that wait for a person, and its outcome."""

from datetime import datetime
from decimal import Decimal

from cases.ledger import CaseOutcome, LedgerEntry
from cases.messages import ActionRequired, Reminder
from statecharts.rules import OPERATORS, Party
from workflows.engine.missed_deadlines import decided_in_time
from workflows.engine.situation import CaseSituation
from workflows.engine.state import Decision, EffectState, ExpiryCheck, Notification, SentReminder, TimelineEntry


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
        decided_before_deadline=decided_in_time(situation, opened),
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
