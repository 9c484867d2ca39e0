"""What platforms report: late, twice or out of order (G-3), and with deadlines of their own (G-1)."""

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from cases.errors import BadForm
from cases.messages import Report
from cases.models import read
from workflows.addressing import addressee
from workflows.docket import Docket
from workflows.record import SEEN_KEPT, Ignored
from workflows.settlements import give

SKEW = timedelta(minutes=1)
"""How far a platform's clock and ours may lie apart."""


def receive(docket: Docket, raw: Any, now: datetime) -> None:
    """Take a message: apply it, hold it until a running settlement is over, or keep it as ignored."""
    try:
        report = read(Report, raw, "report")
    except BadForm as bad:
        docket.record.ignore(now, Report(), str(bad))
        return
    if not _first_time(docket, report):
        return
    happened = _happened(report, now)
    docket.elapse(happened)  # what ran out before the message's own instant goes first
    _judge(docket, report, now, happened)
    judge_again(docket, now)
    docket.advance(now)


def decline_cancellation(docket: Docket, now: datetime) -> None:
    """Keep a request to cancel the case on its timeline as not taken."""
    why = "不能取消:平台的计时不会停 / not cancelled: the platform's clocks go on; terminate what was opened by mistake"
    docket.record.ignore(now, Report(), why)


def judge_again(docket: Docket, now: datetime) -> None:
    """Look again at the messages that waited for a settlement, and at those that came before their turn."""
    held, docket.record.held = docket.record.held, []
    for report in held:
        _judge(docket, report, now, _happened(report, now))
    while not docket.closed and any(_turn_came(docket, each, now) for each in docket.record.early()):
        pass


def _turn_came(docket: Docket, ignored: Ignored, now: datetime) -> bool:
    """Whether a message that came early applies by now: it tells of something within this very stay in the state."""
    report = ignored.early
    if report is None or report.occurred_at is None:
        return False
    happened = _happened(report, now)
    found = _applying(docket, report, happened)
    if found is None or _entered(docket, *found) > happened:
        return False
    docket.record.take_back(ignored)
    _apply(docket, report, *found, now)
    return True


def _happened(report: Report, now: datetime) -> datetime:
    """When it happened, as far as the message says; nothing has happened later than now."""
    return min(report.occurred_at or now, now)


def _first_time(docket: Docket, report: Report) -> bool:
    record = docket.record
    if report.message_id is None:
        return True
    if report.message_id in record.seen:
        return False
    if not report.look:
        _remember(docket, report)
    return True


def _remember(docket: Docket, report: Report) -> None:
    """Take a message only once; what a look tells may be told again until it applies."""
    if report.message_id is not None:
        docket.record.seen.append(report.message_id)
        del docket.record.seen[:-SEEN_KEPT]


def _judge(docket: Docket, report: Report, now: datetime, happened: datetime) -> None:
    record, rules = docket.record, docket.process.rules
    if docket.closed and report.look:
        return
    if docket.closed:
        record.ignore(now, report, f"案件已结束 / the case is closed: {_states(docket)}")
    elif report.rule is None and _over_by(docket, report, happened):
        record.held.append(report)  # a deadline set once a clock was over is that of what the clock has led to
    elif report.rule is None:
        _set_deadline(docket, report, now)
    elif any(rule not in rules for rule in (report.rule, *report.otherwise)):
        record.ignore(now, report, f"没有这个规则 / no such rule; rules: {', '.join(rules)}")
    elif found := _applying(docket, report, happened):
        _apply(docket, report, *found, now)
    elif any(each.why is None for each in record.settling):
        record.held.append(report.model_copy(update={"occurred_at": happened}))
    elif not report.look:
        why = f"当前状态不适用 / does not apply in the current state: {_states(docket)}"
        record.ignore(now, report, _misaddressed(docket, report) or why, early=report.occurred_at is not None)


def _over_by(docket: Docket, report: Report, happened: datetime) -> bool:
    return report.occurred_at is not None and any(
        each.why is None and each.due <= happened and (report.order in (None, each.order))
        for each in docket.record.settling
    )


def _applying(docket: Docket, report: Report, happened: datetime) -> tuple[str, str | None] | None:
    """The first of the rules that a message may mean which applies where the case stands, with its order."""
    over = {(each.rule, each.order) for each in docket.record.settling if each.due <= happened}
    # A clock that had run out by the message's own instant is what it tells of.
    for rule, order in sorted(_meant(docket, report), key=lambda each: each not in over):
        if not docket.standing(order).moves(rule) or _follows_settlement(docket, report, rule, order, happened):
            continue
        # A record read may be older than the state; the platform's clock may lie behind ours.
        if not (report.look and _entered(docket, rule, order) - SKEW > happened):
            return rule, order
    return None


def _meant(docket: Docket, report: Report) -> Iterator[tuple[str, str | None]]:
    """The rules that a message may mean, each with the order it is about."""
    for rule in (report.rule or "", *report.otherwise):
        with contextlib.suppress(BadForm):
            yield rule, addressee(docket, rule, report.order)


def _misaddressed(docket: Docket, report: Report) -> str | None:
    try:
        addressee(docket, report.rule or "", report.order)
    except BadForm as bad:
        return str(bad)
    return None


def _follows_settlement(docket: Docket, report: Report, rule: str, order: str | None, happened: datetime) -> bool:
    """Whether a message tells of something later than a clock that is still being settled."""
    return report.occurred_at is not None and any(
        each.why is None and each.rule != rule and each.order == order and each.due < happened
        for each in docket.record.settling
    )


def _entered(docket: Docket, rule: str, order: str | None) -> datetime:
    """Since when the case has stood where a rule leads on from."""
    standing = docket.standing(order)
    return max(standing.entered[move.source.value] for _, move in standing.moves(rule))


def _apply(docket: Docket, report: Report, rule: str, order: str | None, now: datetime) -> None:
    try:
        form = docket.read_form(rule, report.form, order) if report.form is not None else None
    except BadForm as bad:
        docket.record.ignore(now, report, str(bad))
        return
    if report.look:
        _remember(docket, report)
    docket.fire(rule, max(docket.since(order), _happened(report, now)), form, order=order, reported=True)
    if report.deadline is not None and not docket.closed:
        _set_deadline(docket, report.model_copy(update={"order": order}), now)


def _set_deadline(docket: Docket, report: Report, now: datetime) -> None:
    if report.order is not None and docket.record.orders and report.order not in docket.record.orders:
        docket.record.ignore(now, report, f"没有这个订单 / no such order; orders: {', '.join(docket.record.orders)}")
        return
    orders = list(docket.record.orders)
    order = (report.order or (orders[0] if len(orders) == 1 else None)) if orders else None
    deadline, standing = report.deadline, docket.standing(order)
    fitting = [
        state
        for state in standing.platform_clocked()
        if deadline is not None and min(deadline, report.occurred_at or deadline) >= standing.entered[state]
    ]
    for state in fitting:
        give(docket, order, state, deadline)  # type: ignore[arg-type]
    if not fitting and not report.look:
        docket.record.ignore(now, report, f"没有对应的平台计时 / no clock of the platform fits: {_states(docket)}")


def _states(docket: Docket) -> str:
    return ", ".join(docket.states())
