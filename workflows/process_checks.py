"""Checks of a process that run whenever it is loaded; the faults are worded for the author of the process."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from statemachine import HistoryState
from statemachine.transition import Transition

from cases.case import SAMPLE_INSTANT, Case, Facts
from cases.forms import NoForm
from cases.policy import Figure, Policy
from statecharts.analysis.invariants import unfit_guards
from statecharts.chart import CaseChart
from statecharts.rules import FORM_GUARD, REMINDERS, Effect, Rule, arrow


def part_faults(charts: Iterable[Any], case: Any) -> Iterator[str]:
    """Yield which parts of a process are not what they must be; nothing else can be checked then."""
    for chart in charts:
        if not _is_a(chart, CaseChart):
            yield f"{_named(chart)} is not a chart: write Process(name, label, Chart, Case)"
    if not _is_a(case, Case):
        yield f"{_named(case)} is not a case: write Process(name, label, Chart, Case)"
        return
    for field, base in (("facts", Facts), ("policy", Policy)):
        if not _is_a(case.model_fields[field].annotation, base):
            yield f"{case.__name__} does not say which {field} it has: write {field}: X{base.__name__}"


def chart_faults(chart: type[CaseChart], sees: type, samples: list[Any], case: type[Case]) -> Iterator[str]:
    """Yield what is wrong between a chart, what it sees of the case (``sees``), and the case."""
    policy = case.policy_type()
    for guard in unfit_guards(chart, sees):
        place = _place(chart, _quoted(guard))
        yield f"{place}guard {guard!r} is not a property of {sees.__name__} with a Chinese docstring"
    for name, rule in chart.rules.items():
        faults = (*_line_faults(rule, case), *_form_guard_faults(rule, case), *_clock_faults(rule, policy, samples))
        yield from (f"{_place(chart, _assigned(name))}{name}: {fault}" for fault in faults)
    yield from _circle_faults(chart)
    for state in chart.states_map.values():
        if state.is_atomic and not state.final and not isinstance(state, HistoryState) and not _can_be_left(state):
            yield f"{_place(chart, _assigned(state.id))}state {state.id!r} is not final, and no rule leaves it"


def _line_faults(rule: Rule, case: type[Case]) -> Iterator[str]:
    for form in (rule.form, *(line.form for line in rule.lines)):
        if form is not None and form not in case.forms:
            yield f"no form {form!r} in {case.__name__}.forms; there are: {', '.join(case.forms) or '-'}"
    for line in rule.lines:
        if not line.transitions and not line.never:
            yield f"no transition under {line.clause}; write never({line.clause!r}) if it is forbidden"


def _form_guard_faults(rule: Rule, case: type[Case]) -> Iterator[str]:
    for line, transition in rule.steps():
        form = case.forms.get(line.form or rule.form or "", NoForm)
        for spec in transition.cond:
            field = spec.attr_name.removeprefix(FORM_GUARD)
            if spec.attr_name != field and field not in form.model_fields and not hasattr(form, field):
                yield f"form({field!r}) names no field or property of {form.__name__}"


def effect_faults(
    chart: type[CaseChart], effects: Iterable[Effect], rules: Mapping[str, Rule], sees: tuple[type, ...]
) -> Iterator[str]:
    """Yield what is wrong with the effects that the charts of a module declare."""
    declared, by_name = list(effects), dict[str, Effect]()
    for effect in declared:
        faults = []
        first = by_name.setdefault(effect.name, effect)
        if first is effect:
            faults += [f": until names no rule of the process: {rule!r}" for rule in effect.until if rule not in rules]
            if effect.unless and not any(hasattr(kind, effect.unless) for kind in sees):
                faults.append(f": unless names no property of {sees[-1].__name__}: {effect.unless!r}")
            booked = {other.name for other in declared if other.is_ledger_entry}
            faults += [
                f" takes back {name!r}, which is no ledger entry" for name in effect.undoes if name not in booked
            ]
        elif first != effect:
            faults.append(" is declared twice, and differently")
        yield from (f"{_place(chart, _quoted(effect.name))}effect {effect.name!r}{fault}" for fault in faults)


def try_samples(chart: type[CaseChart], samples: Iterable[Any]) -> None:
    """Open every sample and look at its deadlines and rules, so that what guards and due() raise is raised now."""
    for sample in samples:
        with chart.borrowed(sample, SAMPLE_INSTANT) as opened:
            _ = opened.view.deadlines, opened.view.open_rules()


def _clock_faults(rule: Rule, policy: type[Policy], samples: list[Any]) -> Iterator[str]:
    clock = rule.clock
    if clock is None:
        return
    if clock.length and clock.figure not in policy.figures():
        yield f"no figure {clock.figure!r} in {policy.__name__}; it takes the chart's by clocks=(...)"
    elif clock.length and clock.length.text and _never_waits(policy.model_fields[clock.length.figure].default):
        yield f"a clock of {clock.length.text} never waits: write always(...)"
    if clock.reminders != REMINDERS and clock.reminders not in policy.figures():
        yield f"no figure {clock.reminders!r} in {policy.__name__} for its reminders"
    if clock.instant:
        try:
            for sample in samples:
                sample.due(clock.figure, SAMPLE_INSTANT)
        except (AttributeError, KeyError):
            yield f"the case has no instant {clock.figure!r}: its due() does not compute it"
    for _, transition in () if clock.again else rule.steps():
        if not transition.targets and any(_runs_on(sample, rule, transition) for sample in samples):
            yield f"the clock leaves {arrow(transition).split()[0]!r} as it is and never stops: no change ends it"
            return


def _never_waits(figure: Any) -> bool:
    return isinstance(figure, Figure) and not figure.value


def _runs_on(sample: Any, rule: Rule, transition: Any) -> bool:
    of_lines = {name for line in rule.lines for name in line.conditions}

    def holds(case: Any) -> bool:
        return all(
            bool(getattr(case, spec.attr_name)) is spec.expected_value
            for spec in transition.cond
            if spec.attr_name not in of_lines
        )

    try:
        return holds(sample) and holds(sample.apply(rule.id, None, SAMPLE_INSTANT))
    except AttributeError:  # an unknown guard is reported as a fault of its own
        return False


def _circle_faults(chart: type[CaseChart]) -> Iterator[str]:
    """Yield the first circle of ``always`` rules without a condition; ``rulebook --check`` finds those with one."""
    onward: dict[str, list[tuple[str, Transition]]] = {}
    for name, rule in chart.rules.items():
        if rule.clock and rule.clock.figure is None:
            for _, transition in rule.steps():
                onward.setdefault(transition.source.value, []).append((name, transition))
    single = {
        state: (rules[0][0], rules[0][1].targets[0].value)
        for state, rules in onward.items()
        if len(rules) == 1 and rules[0][1].targets and not list(rules[0][1].cond)
    }
    for start in single:
        rules_passed, state = list[str](), start
        while state in single and len(rules_passed) < len(single):
            rule_name, state = single[state]
            rules_passed.append(rule_name)
            if state == start:
                place = _place(chart, _assigned(rules_passed[0]))
                names = ", ".join(dict.fromkeys(rules_passed))
                yield f"{place}{names}: always leads from {start!r} back to it, without end"
                return


def _can_be_left(state: Any) -> bool:
    return any(owner.transitions for owner in (state, *state.ancestors()))


def _is_a(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base)


def _named(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)


def _assigned(name: str) -> str:
    return rf"^\s+{re.escape(name)} *="


def _quoted(word: str) -> str:
    return rf"[\"' ]{re.escape(word)}[\"']"


def _place(chart: type[CaseChart], pattern: str) -> str:
    """Return the first line of a chart's module that a pattern matches, as ``statecharts/x.py:12: ``."""
    file = getattr(sys.modules.get(chart.__module__), "__file__", None)
    if file is None:
        return ""
    path = Path(file)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if re.search(pattern, line):
            return f"{path.parent.name}/{path.name}:{number}: "
    return ""
