"""What becomes of a platform's clock that has run out: its answer counts (G-2), and so do its deadlines (G-1)."""

from dataclasses import replace
from datetime import datetime

from cases.errors import BadForm
from cases.messages import Settlement
from workflows.docket import Docket
from workflows.record import Settling


def settle(docket: Docket, serial: int, answer: Settlement, now: datetime) -> None:
    """Take the platform's answer to a clock that has run out; an answer that does not fit needs an operator."""
    settling = next((each for each in docket.record.settling if each.serial == serial), None)
    if settling is None:  # left meanwhile: a message came first
        return
    if answer.rule is not None:
        settling.why = _take(docket, answer, settling, now)
    elif answer.deadline is None:
        take_default(docket, settling)
    elif answer.deadline > now:
        give(docket, settling.order, settling.state, answer.deadline)
    else:
        settling.why = f"平台给出的截止时间已过 / the platform's own deadline has passed: {answer.deadline.isoformat()}"


def take_default(docket: Docket, settling: Settling) -> None:
    """Let a clock of the platform have run out as the policy says."""
    docket.fire(settling.rule, max(settling.due, docket.since(settling.order)), order=settling.order)


def give(docket: Docket, order: str | None, state: str, deadline: datetime) -> None:
    """Let the platform's own instant replace the one computed from policy (G-1)."""
    record = docket.record
    past = record.past_of(order)
    record.remember(order, replace(past, given={**past.given, state: deadline}))
    record.settling = [each for each in record.settling if (each.order, each.state) != (order, state)]


def _take(docket: Docket, answer: Settlement, settling: Settling, now: datetime) -> str | None:
    rule, order = answer.rule or "", settling.order
    if rule not in docket.process.chart_of(order).rules or not docket.standing(order).moves(rule):
        return f"平台称发生了 {rule!r},当前状态不可能 / the platform says {rule!r}, which this state does not allow"
    try:
        form = docket.read_form(rule, answer.form, order) if answer.form is not None else None
    except BadForm as bad:
        return f"平台的答复不可用 / the platform's answer cannot be used: {bad}"
    happened = max(docket.since(order), min(answer.occurred_at or settling.due, now))
    docket.fire(rule, happened, form, order=order, reported=True)
    if answer.deadline is not None and not docket.closed:
        for state in docket.standing(order).platform_clocked():
            give(docket, order, state, answer.deadline)
    return None
