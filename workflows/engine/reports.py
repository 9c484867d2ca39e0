"""What platforms report: late, twice or out of order (G-3), and with deadlines of their own (G-1)."""

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from cases.errors import BadForm
from cases.messages import Report
from cases.models import read
from workflows.engine.addressing import addressee
from workflows.engine.expiry import give
from workflows.engine.machine import CaseMachine
from workflows.engine.state import SEEN_KEPT, IgnoredMessage

SKEW = timedelta(minutes=1)
"""How far a platform's clock and ours may lie apart."""


def receive(machine: CaseMachine, raw: Any, now: datetime) -> None:
    """Take a message: apply it, hold it until a running settlement is over, or keep it as ignored."""
    try:
        report = read(Report, raw, "report")
    except BadForm as bad:
        machine.record.ignore(now, Report(), str(bad))
        return
    if not _first_time(machine, report):
        return
    happened = _happened(report, now)
    machine.elapse(happened)  # what ran out before the message's own instant goes first
    _judge(machine, report, now, happened)
    judge_again(machine, now)
    machine.advance(now)


def decline_cancellation(machine: CaseMachine, now: datetime) -> None:
    """Keep a request to cancel the case on its timeline as not taken."""
    why = "不能取消:平台的计时不会停 / not cancelled: the platform's clocks go on; terminate what was opened by mistake"
    machine.record.ignore(now, Report(), why)


def judge_again(machine: CaseMachine, now: datetime) -> None:
    """Look again at the messages that waited for a settlement, and at those that came before their turn."""
    held, machine.record.held = machine.record.held, []
    for report in held:
        _judge(machine, report, now, _happened(report, now))
    while not machine.closed and any(_turn_came(machine, each, now) for each in machine.record.early()):
        pass


def _turn_came(machine: CaseMachine, ignored: IgnoredMessage, now: datetime) -> bool:
    """Whether a message that came early applies by now: it tells of something within this very stay in the state."""
    report = ignored.early
    if report is None or report.occurred_at is None:
        return False
    happened = _happened(report, now)
    found = _applying(machine, report, happened)
    if found is None or _entered(machine, *found) > happened:
        return False
    machine.record.take_back(ignored)
    _apply(machine, report, *found, now)
    return True


def _happened(report: Report, now: datetime) -> datetime:
    """When it happened, as far as the message says; nothing has happened later than now."""
    return min(report.occurred_at or now, now)


def _first_time(machine: CaseMachine, report: Report) -> bool:
    record = machine.record
    if report.message_id is None:
        return True
    if report.message_id in record.seen:
        return False
    if not report.look:
        _remember(machine, report)
    return True


def _remember(machine: CaseMachine, report: Report) -> None:
    """Take a message only once; what a look tells may be told again until it applies."""
    if report.message_id is not None:
        machine.record.seen.append(report.message_id)
        del machine.record.seen[:-SEEN_KEPT]


def _judge(machine: CaseMachine, report: Report, now: datetime, happened: datetime) -> None:
    record, rules = machine.record, machine.process.rules
    if machine.closed and report.look:
        return
    if machine.closed:
        record.ignore(now, report, f"案件已结束 / the case is closed: {_states(machine)}")
    elif report.rule is None and _over_by(machine, report, happened):
        record.held.append(report)  # a deadline set once a clock was over is that of what the clock has led to
    elif report.rule is None:
        _set_deadline(machine, report, now)
    elif any(rule not in rules for rule in (report.rule, *report.otherwise)):
        record.ignore(now, report, f"没有这个规则 / no such rule; rules: {', '.join(rules)}")
    elif found := _applying(machine, report, happened):
        _apply(machine, report, *found, now)
    elif any(each.why is None for each in record.settling):
        record.held.append(report.model_copy(update={"occurred_at": happened}))
    elif not report.look:
        why = f"当前状态不适用 / does not apply in the current state: {_states(machine)}"
        record.ignore(now, report, _misaddressed(machine, report) or why, early=report.occurred_at is not None)


def _over_by(machine: CaseMachine, report: Report, happened: datetime) -> bool:
    return report.occurred_at is not None and any(
        each.why is None and each.due <= happened and (report.order in (None, each.order))
        for each in machine.record.settling
    )


def _applying(machine: CaseMachine, report: Report, happened: datetime) -> tuple[str, str | None] | None:
    """The first of the rules that a message may mean which applies where the case stands, with its order."""
    over = {(each.rule, each.order) for each in machine.record.settling if each.due <= happened}
    # A clock that had run out by the message's own instant is what it tells of.
    for rule, order in sorted(_meant(machine, report), key=lambda each: each not in over):
        if not machine.standing(order).transitions(rule) or _follows_settlement(machine, report, rule, order, happened):
            continue
        # A record read may be older than the state; the platform's clock may lie behind ours.
        if not (report.look and _entered(machine, rule, order) - SKEW > happened):
            return rule, order
    return None


def _meant(machine: CaseMachine, report: Report) -> Iterator[tuple[str, str | None]]:
    """The rules that a message may mean, each with the order it is about."""
    for rule in (report.rule or "", *report.otherwise):
        with contextlib.suppress(BadForm):
            yield rule, addressee(machine, rule, report.order)


def _misaddressed(machine: CaseMachine, report: Report) -> str | None:
    try:
        addressee(machine, report.rule or "", report.order)
    except BadForm as bad:
        return str(bad)
    return None


def _follows_settlement(machine: CaseMachine, report: Report, rule: str, order: str | None, happened: datetime) -> bool:
    """Whether a message tells of something later than a clock that is still being settled."""
    return report.occurred_at is not None and any(
        each.why is None and each.rule != rule and each.order == order and each.due < happened
        for each in machine.record.settling
    )


def _entered(machine: CaseMachine, rule: str, order: str | None) -> datetime:
    """Since when the case has stood where a rule leads on from."""
    standing = machine.standing(order)
    return max(standing.entered[move.source.value] for _, move in standing.transitions(rule))


def _apply(machine: CaseMachine, report: Report, rule: str, order: str | None, now: datetime) -> None:
    try:
        form = machine.read_form(rule, report.form, order) if report.form is not None else None
    except BadForm as bad:
        machine.record.ignore(now, report, str(bad))
        return
    if report.look:
        _remember(machine, report)
    machine.fire(rule, max(machine.since(order), _happened(report, now)), form, order=order, reported=True)
    if report.deadline is not None and not machine.closed:
        _set_deadline(machine, report.model_copy(update={"order": order}), now)


def _set_deadline(machine: CaseMachine, report: Report, now: datetime) -> None:
    if report.order is not None and machine.record.orders and report.order not in machine.record.orders:
        machine.record.ignore(now, report, f"没有这个订单 / no such order; orders: {', '.join(machine.record.orders)}")
        return
    orders = list(machine.record.orders)
    order = (report.order or (orders[0] if len(orders) == 1 else None)) if orders else None
    deadline, standing = report.deadline, machine.standing(order)
    fitting = [
        state
        for state in standing.platform_clocked()
        if deadline is not None and min(deadline, report.occurred_at or deadline) >= standing.entered[state]
    ]
    for state in fitting:
        give(machine, order, state, deadline)  # type: ignore[arg-type]
    if not fitting and not report.look:
        machine.record.ignore(now, report, f"没有对应的平台计时 / no clock of the platform fits: {_states(machine)}")


def _states(machine: CaseMachine) -> str:
    return ", ".join(machine.states())
