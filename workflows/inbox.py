"""What platforms report: late, twice or out of order (G-3), and with deadlines of their own (G-1)."""

from datetime import datetime
from typing import Any

from cases.errors import BadForm
from cases.messages import Report
from cases.models import read
from workflows.docket import Docket
from workflows.record import SEEN_KEPT


def receive(docket: Docket, raw: Any, now: datetime) -> None:
    """Take a message: apply it, hold it until a running settlement is over, or keep it as ignored."""
    try:
        report = read(Report, raw, "report")
    except BadForm as bad:
        docket.record.ignore(now, Report(), str(bad))
        return
    if not _first_time(docket, report):
        return
    happened = min(report.occurred_at or now, now)
    docket.elapse(happened)  # what ran out before the message's own instant goes first
    _judge(docket, report, now, happened)
    judge_held(docket, now)
    docket.advance(now)


def decline_cancellation(docket: Docket, now: datetime) -> None:
    """Keep a request to cancel the case on its timeline as not taken."""
    why = "不能取消:平台的计时不会停 / not cancelled: the platform's clocks go on; terminate what was opened by mistake"
    docket.record.ignore(now, Report(), why)


def judge_held(docket: Docket, now: datetime) -> None:
    """Look again at the messages that waited for a settlement."""
    held, docket.record.held = docket.record.held, []
    for report in held:
        _judge(docket, report, now, min(report.occurred_at or now, now))


def _first_time(docket: Docket, report: Report) -> bool:
    record = docket.record
    if report.message_id is None:
        return True
    if report.message_id in record.seen:
        return False
    record.seen.append(report.message_id)
    del record.seen[:-SEEN_KEPT]
    return True


def _judge(docket: Docket, report: Report, now: datetime, happened: datetime) -> None:
    record, rules = docket.record, docket.process.chart.rules
    if docket.closed:
        record.ignore(now, report, f"案件已结束 / the case is closed: {_states(docket)}")
    elif report.rule is None:
        _set_deadline(docket, report, now)
    elif report.rule not in rules:
        record.ignore(now, report, f"没有这个规则 / no such rule; rules: {', '.join(rules)}")
    elif docket.chart.moves(report.rule) and not _follows_settlement(docket, report, happened):
        _apply(docket, report, now, happened)
    elif any(each.why is None for each in record.settling):
        record.held.append(report.model_copy(update={"occurred_at": happened}))
    else:
        record.ignore(now, report, f"当前状态不适用 / does not apply in the current state: {_states(docket)}")


def _follows_settlement(docket: Docket, report: Report, happened: datetime) -> bool:
    """Whether a message tells of something later than a clock that is still being settled."""
    sources = {move.source.value for _, move in docket.chart.moves(report.rule or "")}
    return report.occurred_at is not None and any(
        each.why is None and each.rule != report.rule and each.state in sources and each.due < happened
        for each in docket.record.settling
    )


def _apply(docket: Docket, report: Report, now: datetime, happened: datetime) -> None:
    rule = report.rule or ""
    entered = docket.record.past.entered
    start = max(entered[move.source.value] for _, move in docket.chart.moves(rule))
    try:
        form = docket.read_form(rule, report.form) if report.form is not None else None
    except BadForm as bad:
        docket.record.ignore(now, report, str(bad))
        return
    docket.fire(rule, max(start, happened), form, reported=True)
    if report.deadline is not None and not docket.closed:
        _set_deadline(docket, report, now)


def _set_deadline(docket: Docket, report: Report, now: datetime) -> None:
    deadline, entered = report.deadline, docket.record.past.entered
    fitting = [
        state
        for state in docket.given_states()
        if deadline is not None and min(deadline, report.occurred_at or deadline) >= entered[state]
    ]
    for state in fitting:
        docket.give(state, deadline)  # type: ignore[arg-type]
    if not fitting:
        docket.record.ignore(now, report, f"没有对应的平台计时 / no clock of the platform fits: {_states(docket)}")


def _states(docket: Docket) -> str:
    return ", ".join(docket.record.past.entered)
