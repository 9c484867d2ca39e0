"""What platforms report: late, twice or out of order (G-3), and with deadlines of their own (G-1).

A report is judged here and taken by ``CaseMachine``: applied, held until the expiry under way is resolved, or ignored.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.errors import BadForm
from cases.forms import Form
from cases.messages import Report
from workflows.engine.situation import CaseSituation

SKEW = timedelta(minutes=1)
"""How far a platform's clock and ours may differ."""


@dataclass(frozen=True)
class Apply:
    """The report says that a rule fired for an order, with a form."""

    rule: str
    order: str | None
    form: Form | None


@dataclass(frozen=True)
class Rearm:
    """The report gives the deadline of some states of an order."""

    order: str | None
    states: tuple[str, ...]
    deadline: datetime


@dataclass(frozen=True)
class Hold:
    """The report, dated, is judged again once the expiry under way is resolved."""

    report: Report


@dataclass(frozen=True)
class Ignore:
    """The report does not apply, and why; one that came ``early`` may apply later."""

    why: str
    early: bool = False


Verdict = Apply | Rearm | Hold | Ignore | None
"""None: it says nothing new."""


def happened_at(report: Report, now: datetime) -> datetime:
    """Return when it happened according to the report, or now; never later than now."""
    return min(report.occurred_at or now, now)


def judge(situation: CaseSituation, report: Report, now: datetime) -> Verdict:
    """Return what a report means where the case stands."""
    happened, rules = happened_at(report, now), situation.process.rules
    if situation.closed:
        return None if report.look else Ignore(f"案件已结束 / the case is closed: {_states(situation)}")
    if report.rule is None:
        # A deadline set once a clock was over is that of what the clock has led to.
        return Hold(report) if _after_expiry(situation, report, happened) else judge_deadline(situation, report)
    if any(rule not in rules for rule in (report.rule, *report.otherwise)):
        return Ignore(f"没有这个规则 / no such rule; rules: {', '.join(rules)}")
    if found := _applying_rule(situation, report, happened):
        return _with_form(situation, report, *found)
    return _not_applying(situation, report, happened)


def _not_applying(situation: CaseSituation, report: Report, happened: datetime) -> Hold | Ignore | None:
    if situation.state.unresolved:
        return Hold(report.model_copy(update={"occurred_at": happened}))
    if report.look:
        return None
    why = f"当前状态不适用 / does not apply in the current state: {_states(situation)}"
    return Ignore(_misaddressed(situation, report) or why, early=report.occurred_at is not None)


def judge_early(situation: CaseSituation, report: Report, now: datetime) -> Apply | Ignore | None:
    """Return how a report that came early applies by now: it is about something within this very stay in the state."""
    if report.occurred_at is None:
        return None
    happened = happened_at(report, now)
    found = _applying_rule(situation, report, happened)
    if found is None or _entered(situation, *found) > happened:
        return None
    return _with_form(situation, report, *found)


def judge_deadline(situation: CaseSituation, report: Report) -> Rearm | Ignore | None:
    """Return the states whose clock the report's deadline replaces."""
    orders = list(situation.state.orders)
    if report.order is not None and orders and report.order not in orders:
        return Ignore(f"没有这个订单 / no such order; orders: {', '.join(orders)}")
    order = (report.order or (orders[0] if len(orders) == 1 else None)) if orders else None
    deadline, view = report.deadline, situation.chart_view(order)
    if deadline is not None:
        latest = min(deadline, report.occurred_at or deadline)
        states = tuple(state for state in view.platform_clocked() if latest >= view.entered[state])
        if states:
            return Rearm(order, states, deadline)
    if report.look:
        return None
    return Ignore(f"没有对应的平台计时 / no clock of the platform fits: {_states(situation)}")


def _after_expiry(situation: CaseSituation, report: Report, happened: datetime) -> bool:
    return report.occurred_at is not None and any(
        expiry.due <= happened and report.order in (None, expiry.order) for expiry in situation.state.unresolved
    )


def _with_form(situation: CaseSituation, report: Report, rule: str, order: str | None) -> Apply | Ignore:
    try:
        form = None if report.form is None else situation.read_form(rule, report.form, order)
    except BadForm as bad:
        return Ignore(str(bad))
    return Apply(rule, order, form)


def _applying_rule(situation: CaseSituation, report: Report, happened: datetime) -> tuple[str, str | None] | None:
    """Return the first of the rules that a report may mean which applies where the case stands, with its order."""
    expired = {(expiry.rule, expiry.order) for expiry in situation.state.expiries if expiry.due <= happened}
    # A clock that had run out by the report's own instant is what it is about.
    for rule, order in sorted(_candidates(situation, report), key=lambda candidate: candidate not in expired):
        open_now = situation.chart_view(order).transitions(rule)
        if not open_now or _follows_expiry(situation, report, rule, order, happened):
            continue
        # A record that was read may be older than the state; the platform's clock may be behind ours.
        if not (report.look and _entered(situation, rule, order) - SKEW > happened):
            return rule, order
    return None


def _candidates(situation: CaseSituation, report: Report) -> Iterator[tuple[str, str | None]]:
    """Yield the rules that a report may mean, with the order they are about."""
    for rule in (report.rule or "", *report.otherwise):
        with contextlib.suppress(BadForm):
            yield rule, situation.addressee(rule, report.order)


def _misaddressed(situation: CaseSituation, report: Report) -> str | None:
    try:
        situation.addressee(report.rule or "", report.order)
    except BadForm as bad:
        return str(bad)
    return None


def _follows_expiry(situation: CaseSituation, report: Report, rule: str, order: str | None, happened: datetime) -> bool:
    """Return whether a report is about something later than a clock that is still being resolved."""
    return report.occurred_at is not None and any(
        expiry.rule != rule and expiry.order == order and expiry.due < happened for expiry in situation.state.unresolved
    )


def _entered(situation: CaseSituation, rule: str, order: str | None) -> datetime:
    """Return since when the case has been where a rule leads on from."""
    view = situation.chart_view(order)
    return max(view.entered[move.source.value] for _, move in view.transitions(rule))


def _states(situation: CaseSituation) -> str:
    return ", ".join(situation.states())
