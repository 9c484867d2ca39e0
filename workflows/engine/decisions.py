"""Decisions: which of them people may take now, and why one is refused (G-4)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cases.case import Cost
from cases.errors import BadForm, Refused
from cases.forms import Form, Note
from cases.labels import Labelled
from cases.models import Instant, Strict, read, whole_seconds
from cases.shanghai import shanghai
from statecharts.chart import ANY_FORM, ChartView
from statecharts.rules import FORM_GUARD, OPERATORS, Effect, LineCondition, Party
from workflows.engine.situation import CaseSituation, order_suffix
from workflows.engine.state import Decision, EffectState, ExpiryCheck

CLOSED = "案件已结束 / the case is closed"
WRONG_STATE = "当前状态不允许 / the current state does not allow it"
PEOPLE = tuple(party for party in Party if party is not Party.CLOCK)
INSTANT_FIELD = "occurred_at"
"""The field that says when something was done in truth (G-11), beside the form's own fields."""


class StuckStep(Labelled):
    """The serial number of a stuck step, optional if there is only one, and a note."""

    serial: int | None = None
    """步骤序号"""
    note: Note | None = None
    """备注"""


class StepDone(StuckStep):
    """A stuck step that was done by hand, and when, if that was not just now."""

    occurred_at: Instant | None = None
    """实际办妥时间

    不填即为现在
    """


class _When(Strict):
    occurred_at: Instant


@dataclass(frozen=True)
class Choice:
    """A rule that people may fire now; ``order`` is None if it is about the case itself."""

    rule: str
    order: str | None = None

    def __str__(self) -> str:
        """Return the rule, followed by the order if there is one."""
        return f"{self.rule}{order_suffix(self.order)}"


def allowed(situation: CaseSituation, now: datetime | None = None) -> list[Choice]:
    """Return what people may do now, except where a clock is being resolved with the platform (G-2).

    Without an instant, windows of time are not looked at.
    """
    if situation.closed:
        return []
    return [
        Choice(rule, view.order)
        for view in situation.chart_views()
        for rule in view.open_rules(*PEOPLE, at=now)
        if blocking_expiry(situation, rule, view.order) is None
        and blocking_submission(situation, rule, view.order) is None
    ]


def orders_by_rule(choices: list[Choice]) -> dict[str, list[str]]:
    """Group choices by rule: the orders for which it may be fired, none for a rule of the case itself."""
    grouped: dict[str, list[str]] = {}
    for choice in choices:
        orders = grouped.setdefault(choice.rule, [])
        if choice.order is not None:
            orders.append(choice.order)
    return grouped


def blocking_expiry(situation: CaseSituation, rule: str, order: str | None = None) -> ExpiryCheck | None:
    """Return the expiry that keeps people from firing a rule, or None.

    If the expiry needs an operator, actions of the buyer or the platform may be recorded: that resolves it too.
    """
    recorded = situation.process.rules[rule].party not in OPERATORS
    blocking = (
        expiry for expiry in situation.state.expiries if expiry.order == order and not (expiry.why and recorded)
    )
    return next(blocking, None)


def blocking_submission(situation: CaseSituation, rule: str, order: str | None = None) -> Decision | None:
    """Return the decision that is being submitted and keeps operators from taking another one, or None (G-10)."""
    return situation.state.submission(order) if situation.process.rules[rule].party in OPERATORS else None


def split_instant(rule: str, raw: Any, now: datetime) -> tuple[datetime | None, Any]:
    """Return when a decision was carried out in truth, if its form says so, and the form without that.

    Raises BadForm for an instant that cannot be read or is yet to come.
    """
    if not isinstance(raw, dict) or INSTANT_FIELD not in raw:
        return None, raw
    form = dict(raw)
    happened = read(_When, {INSTANT_FIELD: form.pop(INSTANT_FIELD)}, rule).occurred_at
    return not_to_come(happened, now, rule), form


def not_to_come(happened: datetime, now: datetime, what: str) -> datetime:
    """Return the instant; raises BadForm if it is later than ``now``."""
    if happened > now:
        raise BadForm(
            f"{what}: {INSTANT_FIELD}: 不能晚于现在 / must not be later than now ({whole_seconds(now).isoformat()})",
            (what, INSTANT_FIELD),
        )
    return happened


def submitting_effect(
    situation: CaseSituation, rule: str, order: str | None, at: datetime, form: Form, then: Collection[str] = ()
) -> Effect | None:
    """Return the effect by which a decision is submitted to the platform; None if the platform need not take it.

    ``then`` are the states from which it was possible when it was given, if it is not possible now.
    """
    view = situation.chart_view(order)
    earlier = [transition for _, transition in situation.process.rules[rule].steps() if transition.source.value in then]
    for transition in (earlier or [transition for _, transition in view.transitions(rule, at, form)])[:1]:
        for spec in transition.on:
            effect: Effect | None = getattr(spec.func, "effect", None)
            if effect and effect.submits and not (effect.unless and getattr(view.case, effect.unless)):
                return effect
    return None


def check(situation: CaseSituation, rule: str, raw: Any, now: datetime) -> tuple[str | None, Form]:
    """Return the order and the form of a decision that the rules allow at an instant.

    Raises Refused, or BadForm where the form or the order does not fit.
    """
    if situation.process.rules[rule].forbidden:
        raise Refused(_refusal(situation, rule, "任何状态都不允许 / never allowed", now))
    if situation.closed:
        raise Refused(_refusal(situation, rule, CLOSED, now))
    order, fields = situation.split_order(rule, raw)
    refuse_while_submitting(situation, rule, order, now)
    if not situation.chart_view(order).transitions(rule, now):
        raise Refused(_refusal(situation, rule, _unmet(situation, rule, order, now), now, order))
    if expiry := blocking_expiry(situation, rule, order):
        due = expiry.due.isoformat()
        why = f"时限已届满,正在向平台核实 / the clock ran out at {due}, asking the platform what happened"
        raise Refused(_refusal(situation, rule, why, now, order))
    form = situation.read_form(rule, fields, order)
    if not situation.chart_view(order).transitions(rule, now, form):
        raise Refused(_refusal(situation, rule, _unmet(situation, rule, order, now, form), now, order))
    if misfit := situation.case.unfit(rule, form, now):
        raise Refused(_refusal(situation, rule, misfit, now, order))
    return order, form


def refuse_while_submitting(situation: CaseSituation, rule: str, order: str | None, now: datetime) -> None:
    """Raise Refused while another decision of the same state is being submitted (G-10)."""
    if pending := blocking_submission(situation, rule, order):
        named = f"{situation.process.rule_label(pending.rule)} ({pending.rule})"
        stuck = f" ({pending.why})" if pending.why else ""
        why = f"「{named}」提交中,平台尚未受理 / is being submitted, the platform has not taken it yet{stuck}"
        raise Refused(_refusal(situation, rule, why, now, order))


def impossible_then(situation: CaseSituation, rule: str, order: str | None, why: str | None, now: datetime) -> Refused:
    """Return the refusal of something that is said to have been done earlier."""
    return Refused(_refusal(situation, rule, f"当时不可能 / was not possible then: {why or '-'}", now, order))


def outside_window(situation: CaseSituation, rule: str, order: str | None, at: datetime) -> str | None:
    """Return when the window of time opens or has closed that alone keeps a rule from being fired, None without."""
    view = situation.chart_view(order)
    closed = view.chart.has_windows and view.transitions(rule) and not view.transitions(rule, at)
    return _unmet(situation, rule, order, at) if closed else None


def _unmet(situation: CaseSituation, rule: str, order: str | None, at: datetime, form: Any = ANY_FORM) -> str:
    """Return why a rule is not open: the state, the guards that do not hold, or a window of time."""
    view = situation.chart_view(order)
    unmet = [
        view.unmet(transition, at, form)
        for _, transition in situation.process.rules[rule].steps()
        if transition.source.value in view.entered
    ]
    of_lines = view.chart.line_conditions
    # A line of another edition is none of this case's rule book.
    unmet = [specs for specs in unmet if not any(_is_of_other_edition(of_lines.get(spec.attr_name)) for spec in specs)]
    if not unmet:
        return WRONG_STATE
    nearest = min(unmet, key=len)  # the other transitions are for other cases: their guards would be no advice
    windows = [condition for spec in nearest if (condition := of_lines.get(spec.attr_name))]
    if windows:
        return "、".join(_of_window(view, condition) for condition in windows)
    labelled = [(guard, situation.process.guard_label(guard.attr_name, situation.case.policy)) for guard in nearest]
    named = "、".join(
        f"{label if guard.expected_value else f'非「{label}」'} ({guard.attr_name.removeprefix(FORM_GUARD)})"
        for guard, label in labelled
    )
    return f"条件未满足 / what must hold first: {named}"


def _is_of_other_edition(condition: LineCondition | None) -> bool:
    return condition is not None and condition.bound is None


def _of_window(view: ChartView, condition: LineCondition) -> str:
    """Return when a window of time opens or has closed."""
    instant = view.bound(condition.bound) if condition.bound else None
    named = condition.bound.named if condition.bound else ""
    if instant is None:
        return f"「{named}」尚未开始 / its time has not begun"
    at = f"{shanghai(instant)}(上海时间)"
    return (
        f"「{named}」{at} 起才可 / opens then" if condition.kind == "opens" else f"「{named}」{at} 已截止 / closed then"
    )


def _refusal(situation: CaseSituation, rule: str, why: str, now: datetime, order: str | None = None) -> str:
    process = situation.process
    current = situation.states()
    if order is not None:
        current = [f"{order}.{state}" for state in situation.chart_view(order).states]
    states = "、".join(f"{process.state_label(state)} ({state})" for state in current)
    choices = "、".join(
        f"{process.rule_label(name)} ({': '.join((name, ', '.join(orders))) if orders else name})"
        for name, orders in orders_by_rule(allowed(situation, now)).items()
    )
    costs = "".join(f"; {cost.note} ({cost.clause})" for cost in _warnings(situation, rule, order))
    return (
        f"不能{process.rule_label(rule)} ({rule}){order_suffix(order)}: {why}{costs}。"
        f"当前状态 / state: {states}; 允许的动作 / allowed: {choices or '无 (none)'}"
    )


def _warnings(situation: CaseSituation, rule: str, order: str | None) -> tuple[Cost, ...]:
    """Return what acting against the refusal would cost."""
    orders = situation.case.orders
    about = order or (orders[0] if situation.process.names_order(rule) and orders else None)
    warnings: tuple[Cost, ...] = situation.case.part(about).warnings(rule)
    return warnings


def stuck_step(
    situation: CaseSituation,
    named: StuckStep,
    *,
    retry: bool,
    happened: datetime | None = None,
    key: str | None = None,
) -> EffectState | ExpiryCheck:
    """Return the stuck step that an operator names; raises Refused unless exactly one fits.

    What was done by hand may also be a decision that was dropped only after it had ``happened``.  With its ``key`` a
    step is found whatever its serial number.
    """

    def fits(step: EffectState | ExpiryCheck) -> bool:
        return named.serial in (None, step.serial) if key is None else step.key == key

    waiting = [
        step
        for step in situation.state.waiting.values()
        if not retry or isinstance(step, ExpiryCheck) or step.status == "needs_operator"
    ]
    fitting = [step for step in waiting if fits(step)]
    if not fitting and happened is not None:
        fitting = [
            decision
            for decision in situation.state.decisions
            if fits(decision)
            and decision.status == "dropped"
            and decision.at <= happened
            and decision.ended is not None
            and happened <= decision.ended
        ]
    if len(fitting) == 1:
        return fitting[0]
    labels = (f"{step.serial}: {situation.step_label(step)}{order_suffix(step.order)}" for step in waiting)
    listed = "、".join(labels) or "无 (none)"
    raise Refused(f"请指明 serial / name the serial; 等待处理 / waiting: {listed}")
