"""What becomes of a platform's clock that has run out: its answer counts (G-2), and so do its deadlines (G-1)."""

from dataclasses import replace
from datetime import datetime

from cases.errors import BadForm
from cases.messages import ExpiryOutcome
from workflows.engine.machine import CaseMachine
from workflows.engine.state import ExpiryCheck


def settle(machine: CaseMachine, serial: int, answer: ExpiryOutcome, now: datetime) -> None:
    """Take the platform's answer to a clock that has run out; an answer that does not fit needs an operator."""
    settling = next((each for each in machine.record.settling if each.serial == serial), None)
    if settling is None:  # left meanwhile: a message came first
        return
    if answer.rule is not None:
        settling.why = _take(machine, answer, settling, now)
    elif answer.deadline is None:
        take_default(machine, settling)
    elif answer.deadline > now:
        give(machine, settling.order, settling.state, answer.deadline)
    else:
        settling.why = f"平台给出的截止时间已过 / the platform's own deadline has passed: {answer.deadline.isoformat()}"


def take_default(machine: CaseMachine, settling: ExpiryCheck) -> None:
    """Let a clock of the platform have run out as the policy says."""
    machine.fire(settling.rule, max(settling.due, machine.since(settling.order)), order=settling.order)


def give(machine: CaseMachine, order: str | None, state: str, deadline: datetime) -> None:
    """Let the platform's own instant replace the one computed from policy (G-1)."""
    record = machine.record
    past = record.past_of(order)
    record.remember(order, replace(past, given={**past.given, state: deadline}))
    record.settling = [each for each in record.settling if (each.order, each.state) != (order, state)]


def _take(machine: CaseMachine, answer: ExpiryOutcome, settling: ExpiryCheck, now: datetime) -> str | None:
    rule, order = answer.rule or "", settling.order
    if rule not in machine.process.chart_of(order).rules or not machine.standing(order).transitions(rule):
        return f"平台称发生了 {rule!r},当前状态不可能 / the platform says {rule!r}, which this state does not allow"
    try:
        form = machine.read_form(rule, answer.form, order) if answer.form is not None else None
    except BadForm as bad:
        return f"平台的答复不可用 / the platform's answer cannot be used: {bad}"
    happened = max(machine.since(order), min(answer.occurred_at or settling.due, now))
    machine.fire(rule, happened, form, order=order, reported=True)
    if answer.deadline is not None and not machine.closed:
        for state in machine.standing(order).platform_clocked():
            give(machine, order, state, answer.deadline)
    return None
