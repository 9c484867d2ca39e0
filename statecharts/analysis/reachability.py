"""The worlds that a chart's cases can reach: what proofs are run over.

A world is a case as far as it has learned, and where its chart stands.  Instants play no part in it: every rule fires
at one instant, and a clock counts as able to fire in every world in which it runs.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, Self

from statemachine.transition import Transition

from statecharts.chart import CaseChart, CaseContext, ChartView, Snapshot
from statecharts.rules import Clause, Party

THEN = datetime(2026, 1, 5, 1, tzinfo=UTC)

Forms = Mapping[str, Sequence[Any]]
"""Sample forms by rule; every rule is also tried without a form, as it is when it was only reported."""


class Sample(CaseContext, Protocol):
    """A case that can learn."""

    def learn(self, rule: str, form: Any) -> Self:
        """The case after a rule has fired with a form."""


@dataclass(frozen=True)
class ReachableState:
    """A case as far as it has learned, and where its chart stands."""

    case: Sample
    standing: ChartView


@dataclass(frozen=True)
class Fired:
    """A rule that can fire in a world, with every move whose guards hold there, in order of precedence."""

    world: ReachableState
    rule: str
    moves: tuple[tuple[Clause, Transition], ...]


@dataclass(frozen=True)
class StateSpace:
    """Every world that a chart's sample cases reach, and every rule that can fire there."""

    chart: type[CaseChart]
    worlds: tuple[ReachableState, ...]
    fired: tuple[Fired, ...]


def reach(chart: type[CaseChart], cases: Iterable[Sample], forms: Forms) -> StateSpace:
    """Follow every sequence of rules from every case until nothing new is found."""
    worlds: list[ReachableState] = []
    fired: list[Fired] = []
    seen: defaultdict[str, list[Sample]] = defaultdict(list)
    led: dict[tuple[str, str, tuple[int, ...]], Snapshot] = {}
    todo = [(case, chart(case, THEN).past()) for case in cases]
    while todo:
        case, past = todo.pop()
        mark = _standing(past)
        if case in seen[mark]:  # cases need not be hashable, but few that differ stand in the same place
            continue
        seen[mark].append(case)
        world = ReachableState(case, ChartView(chart, case, past, THEN))
        worlds.append(world)
        for rule in able(world.standing):
            moves = tuple(world.standing.moves(rule))
            fired.append(Fired(world, rule, moves))
            made = mark, rule, tuple(id(move) for _, move in moves)
            if made not in led:  # where a rule leads hangs on where the chart stands and on the moves whose guards hold
                led[made] = _led(world, rule)
            todo += [(case.learn(rule, form), led[made]) for form in (None, *forms.get(rule, ()))]
    return StateSpace(chart, tuple(worlds), tuple(fired))


def able(standing: ChartView) -> list[str]:
    """The rules that can fire now; what is judged at once leaves nobody else a chance."""
    clocks = standing.chart.clocks()
    running = list(dict.fromkeys(deadline.rule for deadline in sorted(standing.deadlines)))
    at_once = [rule for rule in running if clocks[rule].figure is None]
    others = [rule for rule in standing.open_rules(*Party) if rule not in clocks]
    return at_once[:1] or [*running, *others]


def _led(world: ReachableState, rule: str) -> Snapshot:
    """What the chart remembers once a rule has fired."""
    machine = world.standing.chart(world.case, THEN, world.standing.past)
    machine.step(rule, THEN)
    return machine.past()


def _standing(past: Snapshot) -> str:
    return repr((sorted(past.entered), sorted(past.history.items())))
