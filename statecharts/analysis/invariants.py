"""Invariants of a chart, checked over every state that its cases can reach before any case runs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from statemachine import HistoryState, State
from statemachine.transition import Transition

from statecharts import firing
from statecharts.analysis.reachability import THEN, Fired, Sample, StateSpace
from statecharts.analysis.rulebook_rows import effects_of
from statecharts.chart import CaseChart, ChartView, Step
from statecharts.rules import FORM_GUARD, Party, arrow, lengths_of

LONG_AFTER = timedelta(days=3650)
"""Longer than any chain of clocks: a case that has not ended by then never will."""
MOST_STEPS = 1000
"""More steps than any case takes by itself: beyond them, some clock never stops."""


@dataclass(frozen=True)
class SilentEnding:
    """The end of a case in which nobody ever acts: its states, the time that takes, and the rules that fire."""

    states: tuple[str, ...]
    after: timedelta
    rules: tuple[str, ...]
    closed: bool


def without_deadline(space: StateSpace) -> dict[str, dict[Party, tuple[str, ...]]]:
    """Return the states in which a case can wait with no clock running, each with its owners."""
    waiting = set()
    for state in space.states:
        timed = {deadline.state for deadline in state.view.deadlines}
        active = [] if state.view.closed else [space.chart.states_map[name] for name in state.view.entered]
        waiting |= {resting.value for resting in active if resting.is_atomic and not timed & _within(resting)}
    return {name: owners(space.chart, name) for name in space.chart.states_map if name in waiting}


def owners(chart: type[CaseChart], state: str) -> dict[Party, tuple[str, ...]]:
    """Return the parties that can leave a state, with their rules; a rule that stays in it does not count."""
    leaving: dict[Party, list[str]] = {}
    within = _within(chart.states_map[state])
    for name, rule in chart.rules.items():
        if any(transition.source.value in within and transition.targets for _, transition in rule.steps()):
            leaving.setdefault(rule.party, []).append(name)
    return {party: tuple(rules) for party, rules in leaving.items()}


def unreachable_states(space: StateSpace) -> list[str]:
    """Return the states that no sample case ever enters."""
    entered = {name for state in space.states for name in state.view.entered}
    states = space.chart.states_map.items()
    return [name for name, state in states if name not in entered and not isinstance(state, HistoryState)]


def unreachable_transitions(space: StateSpace) -> list[str]:
    """Return the transitions that no sample case ever makes, as ``rule: source -> target (clause)``."""
    made = {id(transition) for fired in space.fired for transition in _made(fired)}
    return [
        f"{name}: {arrow(transition)} ({line.clause})"
        for name, rule in space.chart.rules.items()
        for line, transition in rule.steps()
        if id(transition) not in made
    ]


def overlaps(space: StateSpace) -> list[str]:
    """Return every ``rule: source`` from which more than one transition of the rule is enabled."""
    overlapping = []
    for fired in space.fired:
        sources = [transition.source.id for _, transition in fired.transitions]
        overlapping += [f"{fired.rule}: {source}" for source in sources if sources.count(source) > 1]
    return list(dict.fromkeys(overlapping))


def concurrent_platform_clocks(space: StateSpace) -> list[str]:
    """Return the states in which several clocks of the platform run at once: it reports only one deadline."""
    clocks, concurrent = space.chart.clocks(), []
    for reached in space.states:
        states = [deadline.state for deadline in reached.view.deadlines if clocks[deadline.rule].resolved_by_platform]
        concurrent += [state for state in states if states.count(state) > 1]
    return list(dict.fromkeys(concurrent))


def unfit_guards(chart: type[CaseChart], case: type) -> list[str]:
    """Return the guards that are not the name of a property of the case with a Chinese docstring."""
    specs = {
        spec.attr_name: spec
        for rule in chart.rules.values()
        for _, transition in rule.steps()
        for spec in transition.cond
    }
    return [
        name
        for name, spec in specs.items()
        if not (name in chart.line_conditions or name.startswith(FORM_GUARD))
        and (spec.func != name or not _labelled(getattr(case, name, None)))
    ]


def unknown_clauses(chart: type[CaseChart], rule_book: Iterable[str]) -> list[str]:
    """Return the clauses that a chart cites but the rule book lacks."""
    existing = set(rule_book)
    return [clause for clause in dict.fromkeys(clauses(chart)) if clause not in existing]


def clauses(chart: type[CaseChart]) -> Iterator[str]:
    """Yield every clause that a chart's lines, clock lengths and ledger entries cite."""
    for rule in chart.rules.values():
        yield from (line.clause for line in rule.lines)
        for length in lengths_of(rule):
            yield from length.clause.split(", ")
        for _, transition in rule.steps():
            yield from (effect.clause for effect in effects_of(transition) if effect.clause)


def silent_ending(chart: type[CaseChart], case: Sample, began: datetime = THEN) -> SilentEnding:
    """Return how a case that began at ``began`` ends if nobody ever acts."""
    _, snapshot = firing.begin(chart, case, began)
    alone, steps = ChartView(chart, case, snapshot, began), list[Step]()
    while (nearest := min(alone.deadlines, default=None)) and nearest.due <= began + LONG_AFTER:
        if len(steps) == MOST_STEPS:
            break
        at = max(nearest.due, alone.entered[nearest.state])
        step, snapshot = firing.fire(chart, case, snapshot, nearest.rule, at)
        steps.append(step)
        case = case.apply(nearest.rule, None, at)
        alone = ChartView(chart, case, snapshot, at)
    after = steps[-1].at - began if steps else timedelta(0)
    return SilentEnding(tuple(alone.entered), after, tuple(step.rule for step in steps), alone.closed)


def endless_clocks(space: StateSpace) -> list[str]:
    """Return the clocks that neither leave their state nor change the case so that they stop."""
    clocks, endless = space.chart.clocks(), []
    for fired in space.fired:
        if (
            fired.rule in clocks
            and not clocks[fired.rule].again
            and not any(transition.targets for _, transition in fired.transitions)
        ):
            after = fired.state.case.apply(fired.rule, None, THEN)
            if replace(fired.state.view, case=after).transitions(fired.rule):
                endless.append(fired.rule)
    return list(dict.fromkeys(endless))


def circles(space: StateSpace) -> list[tuple[str, ...]]:
    """Return the ``always`` rules that lead back to their state while no time passes and the case stays the same."""
    clocks, circles_found = space.chart.clocks(), list[tuple[str, ...]]()
    for fired in space.fired:
        if fired.rule in clocks and clocks[fired.rule].figure is None:
            circles_found += [circle] if (circle := _circle(fired)) else []
    return list(dict.fromkeys(circles_found))


def _circle(fired: Fired) -> tuple[str, ...]:
    case, view = fired.state.case, fired.state.view
    passed, rules = [(case, set(view.entered))], list[str]()
    while (nearest := min(view.deadlines, default=None)) and nearest.immediate:
        _, snapshot = firing.fire(view.chart, case, view.snapshot, nearest.rule, THEN)
        rules.append(nearest.rule)
        case = case.apply(nearest.rule, None, THEN)
        view = replace(view, case=case, snapshot=snapshot)
        now = case, set(view.entered)
        if now in passed:
            return tuple(sorted(set(rules[passed.index(now) :])))
        passed.append(now)
    return ()


def _within(state: State) -> set[str]:
    return {state.value, *(above.value for above in state.ancestors())}


def _labelled(attribute: Any) -> bool:
    return isinstance(attribute, property) and bool(attribute.__doc__)


def _made(fired: Fired) -> Iterable[Transition]:
    """Return the transitions that are made: the first enabled one of every source."""
    return {transition.source.id: transition for _, transition in reversed(fired.transitions)}.values()
