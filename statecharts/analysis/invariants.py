"""What holds of a chart before any case runs, proved over every world that its cases can reach."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from statemachine import State
from statemachine.transition import Transition

from statecharts.analysis.reachability import THEN, Fired, Sample, StateSpace
from statecharts.analysis.rulebook import effects_of
from statecharts.chart import CaseChart, Step
from statecharts.rules import Party

LONG_AFTER = timedelta(days=3650)
"""Longer than any chain of clocks: a case that has not ended by then never does."""


@dataclass(frozen=True)
class SilentEnding:
    """What becomes of a case when nobody ever acts: where it stops, how long after its beginning, by which rules."""

    states: tuple[str, ...]
    after: timedelta
    rules: tuple[str, ...]
    closed: bool


def without_deadline(reached: StateSpace) -> dict[str, dict[Party, tuple[str, ...]]]:
    """The states in which a case can wait with no clock running, each with its owners."""
    waiting = set()
    for world in reached.worlds:
        timed = {deadline.state for deadline in world.standing.deadlines}
        resting = [] if world.standing.closed else [reached.chart.states_map[name] for name in world.standing.entered]
        waiting |= {state.value for state in resting if state.is_atomic and not timed & _within(state)}
    return {name: owners(reached.chart, name) for name in reached.chart.states_map if name in waiting}


def owners(chart: type[CaseChart], state: str) -> dict[Party, tuple[str, ...]]:
    """Who can lead on from a state, and by which rules; a rule that stays there does not count."""
    found: dict[Party, list[str]] = {}
    within = _within(chart.states_map[state])
    for name, rule in chart.rules.items():
        if any(move.source.value in within and move.targets for _, move in rule.steps()):
            found.setdefault(rule.party, []).append(name)
    return {party: tuple(rules) for party, rules in found.items()}


def unreached(reached: StateSpace) -> list[str]:
    """The moves that no sample case ever makes, as ``rule: source -> target (clause)``."""
    made = {id(move) for fired in reached.fired for move in _made(fired)}
    return [
        f"{name}: {_arrow(move)} ({line.clause})"
        for name, rule in reached.chart.rules.items()
        for line, move in rule.steps()
        if id(move) not in made
    ]


def overlaps(reached: StateSpace) -> list[str]:
    """Where the guards of one rule leave a choice: ``rule: source`` with more than one move open at once."""
    found = []
    for fired in reached.fired:
        sources = [move.source.id for _, move in fired.moves]
        found += [f"{fired.rule}: {source}" for source in sources if sources.count(source) > 1]
    return list(dict.fromkeys(found))


def platform_clocks_at_once(reached: StateSpace) -> list[str]:
    """The states in which several clocks of the platform run at once: it gives but one deadline."""
    clocks, found = reached.chart.clocks(), []
    for world in reached.worlds:
        states = [each.state for each in world.standing.deadlines if clocks[each.rule].settled_by_platform]
        found += [state for state in states if states.count(state) > 1]
    return list(dict.fromkeys(found))


def unfit_guards(chart: type[CaseChart], case: type) -> list[str]:
    """The guards that are not the plain name of a property of the case that says in Chinese what it means."""
    specs = {spec.attr_name: spec for rule in chart.rules.values() for _, move in rule.steps() for spec in move.cond}
    return [name for name, spec in specs.items() if spec.func != name or not _labelled(getattr(case, name, None))]


def unknown_clauses(chart: type[CaseChart], known: Iterable[str]) -> list[str]:
    """The clauses that a chart cites and the rule book does not have."""
    book = set(known)
    return [clause for clause in dict.fromkeys(clauses(chart)) if clause not in book]


def clauses(chart: type[CaseChart]) -> Iterator[str]:
    """Every clause that a chart's lines and ledger entries cite."""
    for rule in chart.rules.values():
        for line, move in rule.steps():
            yield line.clause
            yield from (effect.clause for effect in effects_of(move) if effect.clause)


def silent_ending(chart: type[CaseChart], case: Sample, began: datetime = THEN) -> SilentEnding:
    """What becomes of a case that began at ``began`` when nobody ever does anything."""
    alone, steps = chart(case, began), list[Step]()
    while (nearest := min(alone.deadlines(), default=None)) and nearest.due <= began + LONG_AFTER:
        steps.append(alone.step(nearest.rule, max(nearest.due, alone.entered[nearest.state])))
        case = case.learn(nearest.rule, None)
        alone = chart(case, alone.now, alone.past())
    after = steps[-1].at - began if steps else timedelta(0)
    return SilentEnding(tuple(alone.entered), after, tuple(step.rule for step in steps), alone.closed)


def endless_clocks(reached: StateSpace) -> list[str]:
    """The clocks that leave a state as it is and run on: what the case learns of one that fired must stop it."""
    clocks, found = reached.chart.clocks(), []
    for fired in reached.fired:
        if fired.rule in clocks and not any(move.targets for _, move in fired.moves):
            learned = fired.world.case.learn(fired.rule, None)
            if replace(fired.world.standing, case=learned).moves(fired.rule):
                found.append(fired.rule)
    return list(dict.fromkeys(found))


def _within(state: State) -> set[str]:
    return {state.value, *(above.value for above in state.ancestors())}


def _labelled(attribute: Any) -> bool:
    return isinstance(attribute, property) and bool(attribute.__doc__)


def _made(fired: Fired) -> Iterable[Transition]:
    """Of several moves open from one state the first is made."""
    return {move.source.id: move for _, move in reversed(fired.moves)}.values()


def _arrow(move: Transition) -> str:
    return f"{move.source.id} -> {' '.join(target.id for target in move.targets) or move.source.id}"
