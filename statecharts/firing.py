"""Firing the rules of a case without a chart of its own.

What a rule does follows from the active states, their history and its guards alone.  So the library works it out once
for each of these, with a borrowed chart, and what it has worked out is done to every other case.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from statemachine.exceptions import TransitionNotAllowed
from statemachine.orderedset import OrderedSet

from statecharts.chart import CaseChart, CaseContext, ChartView, Snapshot, Step, of_line
from statecharts.rules import FORM_GUARD, Clause, Effect

BEGINNING = ("",)
"""The key of what a chart does when a case begins."""


@dataclass(frozen=True)
class Moves:
    """What a rule does: the states it leaves, those then active and whether it has entered each, and its effects."""

    left: frozenset[str]
    active: tuple[tuple[str, bool], ...]
    history: tuple[tuple[str, tuple[str, ...]], ...]
    effects: tuple[Effect, ...]

    @classmethod
    def of(cls, chart: CaseChart) -> Self:
        """Return what a chart has just done."""
        history = tuple((name, tuple(states)) for name, states in chart.snapshot().history.items())
        active = tuple((state, state in chart.new_states) for state in chart.entered)
        return cls(frozenset(chart.left_states), active, history, tuple(chart.effects))

    def done_to(self, snapshot: Snapshot, at: datetime) -> Snapshot:
        """Return what a chart remembers once it has done the same."""
        return Snapshot(
            {state: at if entered else snapshot.entered[state] for state, entered in self.active},
            {state: due for state, due in snapshot.given.items() if state not in self.left},
            {name: list(states) for name, states in self.history},
            dict(snapshot.fired),
        )


def begin(chart: type[CaseChart], case: CaseContext, at: datetime) -> tuple[tuple[Effect, ...], Snapshot]:
    """Begin a case; return the effects of the initial state, and what its chart remembers."""
    moves = chart.known_moves.get(BEGINNING)
    if moves is None:
        with chart.borrowed(case, at) as lent:
            moves = chart.known_moves[BEGINNING] = Moves.of(lent)
    return moves.effects, moves.done_to(Snapshot(), at)


def fire(
    chart: type[CaseChart],
    case: CaseContext,
    snapshot: Snapshot,
    rule: str,
    at: datetime,
    form: Any = None,
    *,
    asked: datetime | None = None,
) -> tuple[Step, Snapshot]:
    """Fire a rule; return what it does, and what the chart remembers then.  Raises TransitionNotAllowed.

    ``asked``: it was asked for at that instant, and windows of time that were open then count.
    """
    view = ChartView(chart, case, snapshot, at)
    line = (view.line(rule, asked, form) if asked else None) or view.line(rule, at, form)
    if line is None:
        raise TransitionNotAllowed(chart.rules[rule], OrderedSet(chart.states_map[state] for state in snapshot.entered))
    states = tuple(snapshot.entered)
    history = tuple((name, tuple(values)) for name, values in snapshot.history.items())
    guards = tuple(_holds(chart, case, guard, line, form) for guard in chart.guards_of(rule, states))
    moves = chart.known_moves.get((rule, states, history, guards))
    if moves is None:
        with chart.borrowed(case, at, snapshot) as lent:
            lent.step(rule, at, form, line=line)
            moves = chart.known_moves[rule, states, history, guards] = Moves.of(lent)
    after = moves.done_to(snapshot, at)
    chart.note_firing(rule, at, after.fired)
    return Step(rule, at, line.clause, states, tuple(after.entered), moves.effects), after


def _holds(chart: type[CaseChart], case: CaseContext, guard: str, line: Clause, form: Any) -> bool:
    """Return whether the library finds a guard to hold."""
    if guard in chart.line_conditions or guard.startswith(FORM_GUARD):
        return of_line(guard, line, form)
    return bool(getattr(case, guard))
