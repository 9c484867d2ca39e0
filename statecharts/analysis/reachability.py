"""The states that a chart's cases can reach, over which its invariants are checked.

A reachable state is a case, as the rules that fired have left it, and its chart's configuration.  Instants play no
part: every rule fires at one and the same instant, a clock may fire in every state in which it runs, and a line with a
window of time may be open or not.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol, Self

from statemachine.transition import Transition

from statecharts import firing
from statecharts.chart import CaseChart, CaseContext, ChartView, Snapshot
from statecharts.rules import ChartFault, Clause, Party

THEN = datetime(2026, 1, 5, 1, tzinfo=UTC)

MOST_CASES = 1000
"""More different cases than any chart has in one configuration: what is learned there would grow without end."""

Forms = Mapping[str, Sequence[Any]]
"""Sample forms by rule; every rule is also tried without a form, as when a platform reports it."""


class Sample(CaseContext, Protocol):
    """A case to which the rules that fire are applied."""

    def apply(self, rule: str, form: Any, at: datetime) -> Self:
        """Return the case after a rule has fired at an instant with a form."""


@dataclass(frozen=True)
class ReachableState:
    """A case and the view of its chart."""

    case: Sample
    view: ChartView


Transitions = tuple[tuple[Clause, Transition], ...]


@dataclass(frozen=True)
class Fired:
    """A rule that can fire in a state, with every transition whose guards hold there, in order of precedence."""

    state: ReachableState
    rule: str
    transitions: Transitions


@dataclass(frozen=True)
class StateSpace:
    """Every state that a chart's sample cases reach, and every rule that can fire there."""

    chart: type[CaseChart]
    states: tuple[ReachableState, ...]
    fired: tuple[Fired, ...]


def explore(chart: type[CaseChart], cases: Iterable[Sample], forms: Forms) -> StateSpace:
    """Follow every sequence of rules from every case until no new state turns up.

    Raises ChartFault if that never ends.
    """
    states: list[ReachableState] = []
    fired: list[Fired] = []
    samples = list(cases)
    pinned = {id(part) for sample in samples for part in _parts(sample)}
    seen: defaultdict[str, set[Hashable]] = defaultdict(set)
    successors: dict[tuple[str, str, tuple[int, ...]], Snapshot] = {}
    todo = [(case, firing.begin(chart, case, THEN)[1]) for case in samples]
    while todo:
        case, snapshot = todo.pop()
        configuration = _configuration(chart, snapshot)
        if (known := _known_by(case, pinned)) in seen[configuration]:
            continue
        seen[configuration].add(known)
        if len(seen[configuration]) > MOST_CASES:
            raise ChartFault(
                f"{chart.__name__}: what a case knows in state {', '.join(snapshot.entered)} grows without end: "
                "apply() must add nothing a second time"
            )
        state = ReachableState(case, ChartView(chart, case, snapshot, THEN))
        states.append(state)
        for rule in enabled_rules(state.view):
            for form, transitions in _choices(state.view, rule, forms):
                fired.append(Fired(state, rule, transitions))
                # The successor depends on the configuration and on the transitions that can be made, not on the case.
                key = configuration, rule, tuple(id(transition) for _, transition in transitions)
                if key not in successors:
                    successors[key] = _successor(state, rule, form, transitions[0][0])
                todo.append((case.apply(rule, form, THEN), successors[key]))
    return StateSpace(chart, tuple(states), tuple(fired))


def enabled_rules(view: ChartView) -> list[str]:
    """Return the rules that can fire now; an ``always`` rule pre-empts all others."""
    clocks = view.chart.clocks()
    running = list(dict.fromkeys(deadline.rule for deadline in sorted(view.deadlines)))
    immediate = [rule for rule in running if clocks[rule].figure is None]
    others = [rule for rule in view.open_rules(*Party) if rule not in clocks]
    return immediate[:1] or [*running, *others]


def _choices(view: ChartView, rule: str, forms: Forms) -> Iterator[tuple[Any, Transitions]]:
    """Yield the forms with which a rule can fire, each with the transitions that it can then make.

    Lines with different windows of time are never open at once, as far as a proof can see: each is a choice of its own.
    """
    for form in (None, *forms.get(rule, ())):
        windows: dict[Any, list[tuple[Clause, Transition]]] = {}
        for line, transition in view.transitions(rule, form=form):
            windows.setdefault((line.opens, line.closes), []).append((line, transition))
        yield from ((form, tuple(transitions)) for transitions in windows.values())


def _parts(value: Any) -> Iterator[Any]:
    """Yield the objects that a case is made of, such as its facts and its policy, without the case itself."""
    for part in vars(value).values() if _is_made_of_parts(value) else ():
        if _is_made_of_parts(part):
            yield part
            yield from _parts(part)


def _is_made_of_parts(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, Enum | type)


def _known_by(value: Any, pinned: Collection[int]) -> Hashable:
    """Return what tells a case from others: cases need not be hashable, and to compare their facts would take long.

    What they have in common with the samples is ``pinned``: the very same objects.
    """
    if id(value) in pinned:
        return id(value)
    if _is_made_of_parts(value):
        return type(value), tuple((name, _known_by(part, pinned)) for name, part in vars(value).items())
    return repr(value)


def _successor(state: ReachableState, rule: str, form: Any, line: Clause) -> Snapshot:
    with state.view.chart.borrowed(state.case, THEN, state.view.snapshot) as machine:
        machine.step(rule, THEN, form, line=line)
        return machine.snapshot()


def _configuration(chart: type[CaseChart], snapshot: Snapshot) -> str:
    repeating = {rule: clock.again.times for rule, clock in chart.clocks().items() if clock.again}
    fired = {rule: min(len(instants), repeating.get(rule, 1)) for rule, instants in snapshot.fired.items()}
    return repr((sorted(snapshot.entered), sorted(snapshot.history.items()), sorted(fired.items())))
