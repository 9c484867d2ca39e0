"""Judging inputs where they belong: late, twice or out of order (G-3), and with deadlines of their own (G-1).

Nothing changes here: ``CaseMachine`` acts upon the verdict.  The case is as it was when the input happened.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.errors import BadForm
from cases.forms import Form
from workflows.engine.decisions import outside_window
from workflows.engine.inputs import Input
from workflows.engine.situation import CaseSituation
from workflows.engine.state import Decision

SKEW = timedelta(minutes=1)
"""The greatest difference tolerated between a platform's clock and ours."""


@dataclass(frozen=True)
class Apply:
    """The input applies: a rule fires, for an order, with a form."""

    rule: str
    order: str | None
    form: Form | None


@dataclass(frozen=True)
class Rearm:
    """The input sets the deadline of some states of an order."""

    order: str | None
    states: tuple[str, ...]
    deadline: datetime


@dataclass(frozen=True)
class Hold:
    """The input must wait until the platform has said what a clock led to."""


@dataclass(frozen=True)
class Echo:
    """The input only repeats a decision of ours."""

    decision: Decision


@dataclass(frozen=True)
class Ignore:
    """The input does not apply; ``final``: it never will, whatever else becomes known."""

    why: str
    final: bool = False


Verdict = Apply | Rearm | Hold | Echo | Ignore


def judge(situation: CaseSituation, given: Input) -> Verdict:
    """Return the verdict on an input in the present state of the case."""
    rules = situation.process.rules
    if any(rule not in rules for rule in given.rules):
        return Ignore(f"没有这个规则 / no such rule; rules: {', '.join(rules)}", final=True)
    if given.rule is not None and _is_our_clock(situation, given.rule):
        return Ignore(f"{given.rule}: 由本系统计时,不接受上报 / our own clock, which nobody can report", final=True)
    if situation.closed:
        return _echo(situation, given) or Ignore(f"案件已结束 / the case is closed: {_states(situation)}")
    if given.rule is None:
        # A deadline that was set after a clock ran out belongs to the state that follows.
        return Hold() if _after_expiry(situation, given) else judge_deadline(situation, given)
    return application(situation, given) or _not_applying(situation, given)


def application(situation: CaseSituation, given: Input) -> Apply | Ignore | None:
    """Return how an input applies now, or that its form does not fit; None if none of its rules is open."""
    applying = applying_rule(situation, given)
    return applying and _with_form(situation, given, *applying)


def judge_again(situation: CaseSituation, given: Input) -> Verdict | None:
    """Return the verdict on an input that did not apply at first, or None if that has not changed.

    One that was held is judged again.  Another applies only if it happened while the present state was active.
    """
    if given.status == "held":
        verdict = judge(situation, given)
        return None if isinstance(verdict, Hold) else verdict
    if situation.closed or not given.dated or given.rule is None:
        return None
    applying = applying_rule(situation, given)
    if applying is None or _entered(situation, *applying) - SKEW > given.happened:
        return None
    return _with_form(situation, given, *applying)


def _is_our_clock(situation: CaseSituation, rule: str) -> bool:
    clock = situation.process.clocks.get(rule)
    return clock is not None and not clock.resolved_by_platform


def _not_applying(situation: CaseSituation, given: Input) -> Hold | Echo | Ignore:
    if situation.state.unresolved:
        return Hold()
    outside = (outside_window(situation, rule, order, given.judged_at) for rule, order in _candidates(situation, given))
    why = f"当前状态不适用 / does not apply in the current state: {_states(situation)}"
    why = next((window for window in outside if window), why)
    return _echo(situation, given) or Ignore(_misaddressed(situation, given) or why, final=not given.dated)


def _echo(situation: CaseSituation, given: Input) -> Echo | None:
    """Return the decision of ours that the platform only confirms."""
    if given.kind == "decision":
        return None
    for decision in situation.state.decisions:
        if _may_confirm(given, decision) and (decision.ended or decision.at) - SKEW <= given.told:
            return Echo(decision)
    return None


def in_our_time(situation: CaseSituation, given: Input) -> datetime:
    """Return when a report happened by our clock, which the platform's may be behind.

    What confirms a decision did not happen before it counted, nor was the deadline of a state set before its entry.
    """
    known = [given.happened]
    if given.rule is None:
        views = [view for view in situation.chart_views() if given.order in (None, view.order)]
        known += [view.entered[state] for view in views for state in given.states if state in view.entered]
    elif given.dated:
        known += [
            decision.ended
            for decision in situation.state.decisions
            if decision.ended and not decision.why and _may_confirm(given, decision)
        ]
    later = [at for at in known if given.happened <= at <= given.happened + SKEW]
    return max(later)


def _may_confirm(given: Input, decision: Decision) -> bool:
    """Return whether a report may only confirm a decision that the platform has taken."""
    unconfirmed = decision.status == "done" and not decision.echoed and decision.rule in given.rules
    return unconfirmed and decision.order in (None, given.order)


def judge_deadline(situation: CaseSituation, given: Input) -> Rearm | Ignore:
    """Return the verdict on a deadline: the states whose clock it replaces."""
    orders = list(situation.state.orders)
    if given.order is not None and orders and given.order not in orders:
        return Ignore(f"没有这个订单 / no such order; orders: {', '.join(orders)}", final=True)
    order = (given.order or (orders[0] if len(orders) == 1 else None)) if orders else None
    deadline, view = given.deadline, situation.chart_view(order)
    if deadline is not None:
        latest = min(deadline, given.happened if given.dated else deadline)
        states = tuple(
            state
            for state in view.platform_clocked()
            if latest >= view.entered[state] and state in (given.states or (state,))
        )
        if states:
            return Rearm(order, states, deadline)
    return Ignore(f"没有对应的平台计时 / no clock of the platform fits: {_states(situation)}")


def _after_expiry(situation: CaseSituation, given: Input) -> bool:
    return given.dated and any(
        expiry.due <= given.happened and given.order in (None, expiry.order) for expiry in situation.state.unresolved
    )


def _with_form(situation: CaseSituation, given: Input, rule: str, order: str | None) -> Apply | Ignore:
    try:
        form = None if given.form is None else situation.read_form(rule, given.form, order)
    except BadForm as bad:
        return Ignore(str(bad), final=not given.dated)  # another state may ask for another form
    if not situation.chart_view(order).transitions(rule, given.judged_at, form):
        return Ignore(f"{rule}: 表单不适用于当前状态 / its form fits no line of this state", final=not given.dated)
    if form is not None and (why := situation.case.unfit(rule, form, given.judged_at)):
        return Ignore(f"{rule}: {why}", final=not given.dated)
    return Apply(rule, order, form)


def applying_rule(situation: CaseSituation, given: Input) -> tuple[str, str | None] | None:
    """Return the first rule that an input may stand for and that is open now, with its order."""
    expired = {(expiry.rule, expiry.order) for expiry in situation.state.expiries if expiry.due <= given.happened}
    # If a clock had run out by the input's own instant, the input is most likely about that.
    for rule, order in sorted(_candidates(situation, given), key=lambda candidate: candidate not in expired):
        open_now = situation.chart_view(order).transitions(rule, given.judged_at)
        if not open_now or _follows_expiry(situation, given, rule, order):
            continue
        # The platform's clock may be behind ours.
        if not (given.look and _entered(situation, rule, order) - SKEW > given.happened):
            return rule, order
    return None


def _candidates(situation: CaseSituation, given: Input) -> Iterator[tuple[str, str | None]]:
    """Yield the rules that an input may stand for, with their order."""
    for rule in given.rules:
        with contextlib.suppress(BadForm):
            yield rule, situation.addressee(rule, given.order)


def _misaddressed(situation: CaseSituation, given: Input) -> str | None:
    try:
        situation.addressee(given.rule or "", given.order)
    except BadForm as bad:
        return str(bad)
    return None


def _follows_expiry(situation: CaseSituation, given: Input, rule: str, order: str | None) -> bool:
    """Return whether an input is about an event at or after the end of a clock that is still being resolved."""
    return given.dated and any(
        expiry.rule != rule and expiry.order == order and expiry.due <= given.happened
        for expiry in situation.state.unresolved
    )


def _entered(situation: CaseSituation, rule: str, order: str | None) -> datetime:
    """Return when the state was entered from which a rule fires."""
    view = situation.chart_view(order)
    return max(view.entered[transition.source.value] for _, transition in view.transitions(rule))


def _states(situation: CaseSituation) -> str:
    return ", ".join(situation.states())
