"""Invariants of a chart, checked over every state that its cases can reach before any case runs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from statemachine import HistoryState, State
from statemachine.transition import Transition

from statecharts.analysis.reachability import THEN, Fired, Sample, StateSpace
from statecharts.analysis.rulebook import effects_of
from statecharts.chart import CaseChart, Step
from statecharts.rules import Party, arrow

LONG_AFTER = timedelta(days=3650)
"""Longer than any chain of clocks: a case that has not ended by then never does."""
MOST_STEPS = 1000
"""More steps than any case takes by itself: a clock that fires more often is never stopped."""


@dataclass(frozen=True)
class SilentEnding:
    """How a case ends if nobody ever acts: in which states, how long after its beginning, by which rules."""

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
    """Return who can lead on from a state, and by which rules; a rule that stays there does not count."""
    leading: dict[Party, list[str]] = {}
    within = _within(chart.states_map[state])
    for name, rule in chart.rules.items():
        if any(transition.source.value in within and transition.targets for _, transition in rule.steps()):
            leading.setdefault(rule.party, []).append(name)
    return {party: tuple(rules) for party, rules in leading.items()}


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
    """Return where the guards of a rule leave a choice: ``rule: source`` with more than one transition enabled."""
    found = []
    for fired in space.fired:
        sources = [transition.source.id for _, transition in fired.transitions]
        found += [f"{fired.rule}: {source}" for source in sources if sources.count(source) > 1]
    return list(dict.fromkeys(found))


def concurrent_platform_clocks(space: StateSpace) -> list[str]:
    """Return the states in which several clocks of the platform run at once: it gives one deadline only."""
    clocks, found = space.chart.clocks(), []
    for reached in space.states:
        states = [deadline.state for deadline in reached.view.deadlines if clocks[deadline.rule].settled_by_platform]
        found += [state for state in states if states.count(state) > 1]
    return list(dict.fromkeys(found))


def unfit_guards(chart: type[CaseChart], case: type) -> list[str]:
    """Return the guards that are not the name of a property of the case with a Chinese docstring."""
    specs = {
        spec.attr_name: spec
        for rule in chart.rules.values()
        for _, transition in rule.steps()
        for spec in transition.cond
    }
    return [name for name, spec in specs.items() if spec.func != name or not _labelled(getattr(case, name, None))]


def unknown_clauses(chart: type[CaseChart], known: Iterable[str]) -> list[str]:
    """Return the clauses that a chart cites and the rule book does not have."""
    book = set(known)
    return [clause for clause in dict.fromkeys(clauses(chart)) if clause not in book]


def clauses(chart: type[CaseChart]) -> Iterator[str]:
    """Yield every clause that a chart's lines, clock lengths and ledger entries cite."""
    for rule in chart.rules.values():
        yield from (line.clause for line in rule.lines)
        if rule.clock and rule.clock.length:
            yield from rule.clock.length.clause.split(", ")
        for _, transition in rule.steps():
            yield from (effect.clause for effect in effects_of(transition) if effect.clause)


def silent_ending(chart: type[CaseChart], case: Sample, began: datetime = THEN) -> SilentEnding:
    """Return how a case that began at ``began`` ends if nobody ever acts."""
    alone, steps = chart(case, began), list[Step]()
    while (nearest := min(alone.deadlines(), default=None)) and nearest.due <= began + LONG_AFTER:
        if len(steps) == MOST_STEPS:
            break
        steps.append(alone.step(nearest.rule, max(nearest.due, alone.entered[nearest.state])))
        case = case.learn(nearest.rule, None)
        alone = chart(case, alone.now, alone.past())
    after = steps[-1].at - began if steps else timedelta(0)
    return SilentEnding(tuple(alone.entered), after, tuple(step.rule for step in steps), alone.closed)


def endless_clocks(space: StateSpace) -> list[str]:
    """Return the clocks that leave their state as it is and still run: nothing that the case learns stops them."""
    clocks, found = space.chart.clocks(), []
    for fired in space.fired:
        if fired.rule in clocks and not any(transition.targets for _, transition in fired.transitions):
            learned = fired.state.case.learn(fired.rule, None)
            if replace(fired.state.view, case=learned).transitions(fired.rule):
                found.append(fired.rule)
    return list(dict.fromkeys(found))


def circles(space: StateSpace) -> list[tuple[str, ...]]:
    """Return the ``always`` rules that lead from a state back to it while no time passes and nothing is learned."""
    clocks, found = space.chart.clocks(), []
    for fired in space.fired:
        if fired.rule in clocks and clocks[fired.rule].figure is None:
            found += [circle] if (circle := _circle(space.chart, fired)) else []
    return list(dict.fromkeys(found))


def _circle(chart: type[CaseChart], fired: Fired) -> tuple[str, ...]:
    case, alone = fired.state.case, chart(fired.state.case, THEN, fired.state.view.past)
    passed, rules = [(case, set(alone.entered))], list[str]()
    while (nearest := min(alone.deadlines(), default=None)) and nearest.immediate:
        alone.step(nearest.rule, THEN)
        rules.append(nearest.rule)
        case = case.learn(nearest.rule, None)
        alone = chart(case, THEN, alone.past())
        now = case, set(alone.entered)
        if now in passed:
            return tuple(sorted(set(rules[passed.index(now) :])))
        passed.append(now)
    return ()


def _within(state: State) -> set[str]:
    return {state.value, *(above.value for above in state.ancestors())}


def _labelled(attribute: Any) -> bool:
    return isinstance(attribute, property) and bool(attribute.__doc__)


def _made(fired: Fired) -> Iterable[Transition]:
    """Return the first enabled transition of each source: the one that is made."""
    return {transition.source.id: transition for _, transition in reversed(fired.transitions)}.values()
