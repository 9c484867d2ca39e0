"""Checks of a process that run whenever it is loaded; the faults are worded for the author of the process."""

from collections.abc import Iterator
from typing import Any

from statemachine import HistoryState

from cases.case import SAMPLE_INSTANT, Case
from cases.policy import Policy
from statecharts.analysis.invariants import unfit_guards
from statecharts.chart import CaseChart
from statecharts.rules import REMINDERS, Effect, Rule, arrow


def chart_faults(chart: type[CaseChart], sees: type, samples: list[Any], case: type[Case]) -> Iterator[str]:
    """Yield what is wrong between a chart, what it sees of the case (``sees``), and the case."""
    policy = case.policy_type()
    for guard in unfit_guards(chart, sees):
        yield f"guard {guard!r} is not a property of {sees.__name__} with a Chinese docstring"
    for name, rule in chart.rules.items():
        for form in (rule.form, *(line.form for line in rule.lines)):
            if form is not None and form not in case.forms:
                yield f"{name}: no form {form!r} in {case.__name__}.forms; there are: {', '.join(case.forms) or '-'}"
        for line in rule.lines:
            if not line.transitions and not line.never:
                yield f"{name}: no transition under {line.clause}; write never({line.clause!r}) if it is forbidden"
        yield from (f"{name}: {fault}" for fault in _clock_faults(rule, policy, samples))
    for state in chart.states_map.values():
        if state.is_atomic and not state.final and not isinstance(state, HistoryState) and not _can_be_left(state):
            yield f"state {state.id!r} is not final, and no rule leaves it"


def effect_faults(effects: dict[str, Effect], rules: dict[str, Rule], sees: tuple[type, ...]) -> Iterator[str]:
    """Yield what is wrong with the effects that charts declare."""
    for effect in effects.values():
        for rule in effect.until:
            if rule not in rules:
                yield f"effect {effect.name!r}: until names no rule of the process: {rule!r}"
        if effect.unless and not any(hasattr(kind, effect.unless) for kind in sees):
            yield f"effect {effect.name!r}: unless names no property of {sees[-1].__name__}: {effect.unless!r}"


def _clock_faults(rule: Rule, policy: type[Policy], samples: list[Any]) -> Iterator[str]:
    clock = rule.clock
    if clock is None:
        return
    if clock.length and clock.figure not in policy.figures():
        yield f"no figure {clock.figure!r} in {policy.__name__}; it takes the chart's by clocks=(...)"
    if clock.reminders != REMINDERS and clock.reminders not in policy.figures():
        yield f"no figure {clock.reminders!r} in {policy.__name__} for its reminders"
    if clock.instant:
        try:
            for sample in samples:
                sample.due(clock.figure, SAMPLE_INSTANT)
        except (AttributeError, KeyError):
            yield f"the case has no instant {clock.figure!r}: its due() does not compute it"
    for _, transition in rule.steps():
        if not transition.targets and any(_runs_on(sample, rule.id, transition) for sample in samples):
            yield f"the clock leaves {arrow(transition).split()[0]!r} as it is and never stops: no change ends it"
            return


def _runs_on(sample: Any, rule: str, transition: Any) -> bool:
    def holds(case: Any) -> bool:
        return all(bool(getattr(case, spec.attr_name)) is spec.expected_value for spec in transition.cond)

    try:
        return holds(sample) and holds(sample.apply(rule, None))
    except AttributeError:  # an unknown guard is reported as a fault of its own
        return False


def _can_be_left(state: Any) -> bool:
    return any(owner.transitions for owner in (state, *state.ancestors()))
