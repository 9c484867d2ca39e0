"""Judging what platforms report: late, twice or out of order (G-3), and with deadlines of their own (G-1).

Nothing changes here: ``CaseMachine`` acts upon the verdict.
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
"""The greatest difference tolerated between a platform's clock and ours."""


@dataclass(frozen=True)
class Apply:
    """The report applies: a rule fired, for an order, with a form."""

    rule: str
    order: str | None
    form: Form | None


@dataclass(frozen=True)
class Rearm:
    """The report sets the deadline of some states of an order."""

    order: str | None
    states: tuple[str, ...]
    deadline: datetime


@dataclass(frozen=True)
class Hold:
    """The report must wait until the open expiry is resolved; ``report`` is a copy with the instant filled in."""

    report: Report


@dataclass(frozen=True)
class Ignore:
    """The report does not apply; one that came ``early`` may apply later."""

    why: str
    early: bool = False


Verdict = Apply | Rearm | Hold | Ignore | None
"""A verdict; None if the report says nothing new."""


def happened_at(report: Report, now: datetime) -> datetime:
    """Return when a report's event happened: the reported instant, but not later than ``now``; else ``now``."""
    return min(report.occurred_at or now, now)


def judge(situation: CaseSituation, report: Report, now: datetime) -> Verdict:
    """Return the verdict on a report in the current state of the case."""
    happened, rules = happened_at(report, now), situation.process.rules
    if situation.closed:
        return None if report.look else Ignore(f"案件已结束 / the case is closed: {_states(situation)}")
    if report.rule is None:
        # A deadline that was set after a clock ran out belongs to the state that follows.
        return Hold(report) if _after_expiry(situation, report, happened) else judge_deadline(situation, report)
    if any(rule not in rules for rule in (report.rule, *report.otherwise)):
        return Ignore(f"没有这个规则 / no such rule; rules: {', '.join(rules)}")
    if applying := _applying_rule(situation, report, happened):
        return _with_form(situation, report, *applying)
    return _not_applying(situation, report, happened)


def _not_applying(situation: CaseSituation, report: Report, happened: datetime) -> Hold | Ignore | None:
    if situation.state.unresolved:
        return Hold(report.model_copy(update={"occurred_at": happened}))
    if report.look:
        return None
    why = f"当前状态不适用 / does not apply in the current state: {_states(situation)}"
    return Ignore(_misaddressed(situation, report) or why, early=report.occurred_at is not None)


def judge_early(situation: CaseSituation, report: Report, now: datetime) -> Apply | Ignore | None:
    """Return the verdict on a report that came early, or None if it still does not apply.

    It applies only if its event happened after the present state was entered.
    """
    if report.occurred_at is None:
        return None
    happened = happened_at(report, now)
    applying = _applying_rule(situation, report, happened)
    if applying is None or _entered(situation, *applying) > happened:
        return None
    return _with_form(situation, report, *applying)


def judge_deadline(situation: CaseSituation, report: Report) -> Rearm | Ignore | None:
    """Return the verdict on a deadline: the states whose clock it replaces."""
    orders = list(situation.state.orders)
    if report.order is not None and orders and report.order not in orders:
        return Ignore(f"没有这个订单 / no such order; orders: {', '.join(orders)}")
    order = (report.order or (orders[0] if len(orders) == 1 else None)) if orders else None
    deadline, view = report.deadline, situation.chart_view(order)
    if deadline is not None:
        latest = min(deadline, report.occurred_at or deadline)
        states = tuple(
            state
            for state in view.platform_clocked()
            if latest >= view.entered[state] and state in (report.states or (state,))
        )
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
    """Return the first rule that the report may stand for and that is open now, with its order."""
    expired = {(expiry.rule, expiry.order) for expiry in situation.state.expiries if expiry.due <= happened}
    # If a clock had run out by the report's own instant, the report is most likely about that.
    for rule, order in sorted(_candidates(situation, report), key=lambda candidate: candidate not in expired):
        open_now = situation.chart_view(order).transitions(rule)
        if not open_now or _follows_expiry(situation, report, rule, order, happened):
            continue
        # A record may be older than the state; the platform's clock may be behind ours.
        if not (report.look and _entered(situation, rule, order) - SKEW > happened):
            return rule, order
    return None


def _candidates(situation: CaseSituation, report: Report) -> Iterator[tuple[str, str | None]]:
    """Yield the rules that a report may stand for, with their order."""
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
    """Return whether a report is about an event after the end of a clock that is still being resolved."""
    return report.occurred_at is not None and any(
        expiry.rule != rule and expiry.order == order and expiry.due < happened for expiry in situation.state.unresolved
    )


def _entered(situation: CaseSituation, rule: str, order: str | None) -> datetime:
    """Return when the state was entered from which a rule fires."""
    view = situation.chart_view(order)
    return max(view.entered[transition.source.value] for _, transition in view.transitions(rule))


def _states(situation: CaseSituation) -> str:
    return ", ".join(situation.states())
