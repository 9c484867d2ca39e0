"""The base of every chart.  Time is passed in as an argument, effects are returned as data."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any, ClassVar, Final, Protocol, Self

from statemachine import State, StateChart
from statemachine.callbacks import CallbackSpec
from statemachine.exceptions import TransitionNotAllowed
from statemachine.model import Model
from statemachine.orderedset import OrderedSet
from statemachine.transition import Transition
from statemachine.transition_list import TransitionList

from statecharts.rules import (
    FORM_GUARD,
    Bound,
    ChartFault,
    Clause,
    Clock,
    Effect,
    LineCondition,
    Party,
    Rule,
    arrow,
)

_MOST_AT_ONCE = 100
"""More rules than any chart fires by itself at one instant."""
_FIRINGS_KEPT = 10
"""Instants kept of a rule's firings; no clock fires more often in one state."""
_IDLE_KEPT = 4
"""How many charts of a class wait to be borrowed; more than one is needed only when they are used within each other."""


class CaseContext(Protocol):
    """A case as its chart sees it: ``due`` computes the deadlines, and its properties are the guards.

    ``edition`` names the figures with which it was opened.
    """

    @property
    def edition(self) -> str:
        """The edition of the figures with which the case was opened."""

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """Return when the clock of ``figure``, started at ``entered``, runs out, or None if it does not run."""

    def instant(self, name: str) -> datetime | None:
        """Return an instant of the case by its name, None while it is unknown."""

    def length(self, figure: str) -> timedelta | None:
        """Return the length of time of a figure, None if it is not set."""


@dataclass(frozen=True)
class Deadline:
    """A running clock: when it runs out, in which state of which order's chart, and the rule that then fires.

    ``order`` is None for the case's own chart.  Deadlines sort by instant; of two at one instant the ``immediate`` one,
    a condition that holds now, comes first.
    """

    due: datetime
    state: str
    rule: str
    order: str | None = None
    immediate: bool = False

    def __lt__(self, other: "Deadline") -> bool:
        """Return whether this one fires before the other."""
        return self._rank() < other._rank()

    def _rank(self) -> tuple[datetime, bool, str, str, str]:
        return self.due, not self.immediate, self.order or "", self.state, self.rule


@dataclass
class Snapshot:
    """All that a chart remembers; everything else is derived from it and the case.

    ``entered``: the instants at which the active states were entered.  ``given``: the deadlines that the platform
    itself has set (G-1), by state.  ``history``: the states that a history state returns to.  ``fired``: when rules
    have fired that a clock or a window counts from, or that repeat; the newest of them.
    """

    entered: dict[str, datetime] = field(default_factory=dict)
    given: dict[str, datetime] = field(default_factory=dict)
    history: dict[str, list[str]] = field(default_factory=dict)
    fired: dict[str, list[datetime]] = field(default_factory=dict)


class _AnyForm:
    """Stands for a form that is not known yet: a line that depends on the form may hold."""


ANY_FORM: Final = _AnyForm()


@dataclass(frozen=True)
class ChartView:
    """A read-only view of a chart: its case, its snapshot, and ``now``, the instant of the last event.

    ``order`` names the order whose chart it is; None for the case's own chart.
    """

    chart: "type[CaseChart]"
    case: CaseContext
    snapshot: Snapshot
    now: datetime
    order: str | None = None

    @property
    def entered(self) -> Mapping[str, datetime]:
        """The instants at which the active states were entered."""
        return self.snapshot.entered

    @property
    def since(self) -> datetime:
        """The instant of the last entry into a state; nothing that happens next can be earlier."""
        return max(self.snapshot.entered.values())

    @property
    def closed(self) -> bool:
        """Whether a final state has been reached."""
        return not self.chart.closing_states().isdisjoint(self.snapshot.entered)

    @property
    def states(self) -> list[str]:
        """The innermost active states."""
        return [value for value in self.snapshot.entered if self.chart.states_map[value].is_atomic]

    @cached_property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The running clocks; derived from the snapshot, so they are never stale."""
        return tuple(self._deadlines())

    def _deadlines(self) -> Iterator[Deadline]:
        for name, clock in self.chart.clocks_in(self._active):
            for source in self._sources(name):
                due = self._due(name, clock, source)
                if due is not None:
                    yield Deadline(due, source, name, self.order, clock.figure is None)

    def owner(self, deadline: Deadline) -> Party:
        """Return whose deadline a running clock is."""
        clock = self.chart.clocks()[deadline.rule]
        if not any(line.of for line in self.chart.rules[deadline.rule].lines):
            return clock.of
        own = (
            line.of for line, transition in self.transitions(deadline.rule) if transition.source.value == deadline.state
        )
        return next(own, None) or clock.of

    def platform_clocked(self) -> list[str]:
        """Return the states with a clock of the platform, even where its instant is not known yet."""
        clocks = self.chart.clocks()
        sources = [state for name in clocks if clocks[name].resolved_by_platform for state in self._sources(name)]
        return list(dict.fromkeys(sources))

    def transitions(
        self, rule: str, at: datetime | None = None, form: Any = ANY_FORM
    ) -> list[tuple[Clause, Transition]]:
        """Return the transitions of a rule that can be made now: the state is active and every condition holds.

        Without an instant, windows of time are not looked at; without a form, neither are the guards that depend on it.
        """
        return [
            (line, transition)
            for line, transition, guards in self.chart.steps_from(rule, self._active)
            if not guards or all(self._meets(spec, at, form) for spec in guards)
        ]

    @cached_property
    def _active(self) -> tuple[str, ...]:
        return tuple(self.snapshot.entered)

    def unmet(self, transition: Transition, at: datetime | None = None, form: Any = ANY_FORM) -> list[CallbackSpec]:
        """Return the conditions of a transition that do not hold; ``at`` and ``form`` mean the same as there."""
        return [spec for spec in transition.cond if not self._meets(spec, at, form)]

    def line(self, rule: str, at: datetime | None = None, form: Any = ANY_FORM) -> Clause | None:
        """Return the line of the rule book under which a rule would fire now, or None if it is not open."""
        return next((line for line, _ in self.transitions(rule, at, form)), None)

    def bound(self, bound: Bound) -> datetime | None:
        """Return the instant at which a window opens or closes; None if nothing says when."""
        fired = self.snapshot.fired.get(bound.instant)
        start = max(fired) if fired else None if bound.instant in self.chart.rules else self.case.instant(bound.instant)
        if start is None or bound.length is None:
            return start
        length = self.case.length(bound.length.figure)
        if length is None:
            return None
        return start - length if bound.before else start + length

    def open_rules(self, *parties: Party, at: datetime | None = None) -> list[str]:
        """Return what the parties may do now: the buttons on their screens."""
        names = [name for name in self._open if self.chart.rules[name].party in parties]
        if at is None or not self.chart.has_windows:
            return names
        return [name for name in names if self.transitions(name, at)]

    @cached_property
    def _open(self) -> tuple[str, ...]:
        return tuple(name for name in self.chart.rules if self.transitions(name))

    def _sources(self, rule: str) -> list[str]:
        return list(dict.fromkeys(transition.source.value for _, transition in self.transitions(rule)))

    def _meets(self, spec: CallbackSpec, at: datetime | None, form: Any) -> bool:
        name = spec.attr_name
        if name.startswith(FORM_GUARD):
            return form is ANY_FORM or (form is not None and _of_form(form, name) is spec.expected_value)
        condition = self.chart.line_conditions.get(name)
        if condition is None:
            return bool(getattr(self.case, name)) is spec.expected_value
        return self.holds(condition, at)

    def holds(self, condition: LineCondition, at: datetime | None) -> bool:
        """Return whether a condition of a line holds; without an instant, every window is open."""
        if condition.bound is None:
            return (self.case.edition >= condition.edition) is (condition.kind == "new_in")
        if at is None:
            return True
        bound = self.bound(condition.bound)
        return bound is not None and (at >= bound if condition.kind == "opens" else at < bound)

    def _due(self, rule: str, clock: Clock, source: str) -> datetime | None:
        entered = self.snapshot.entered[source]
        if clock.figure is None:  # fires as soon as its condition holds: at the last event
            return max(self.now, entered)
        fired = self.snapshot.fired.get(rule, [])
        if clock.again is not None:
            began = self._began(clock, entered) if clock.instant is None else None
            fired = [at for at in fired if began is None or at >= began]
            if len(fired) >= clock.again.times:
                return None
            if fired:
                return self.case.due(clock.again.length.figure, fired[-1]) if clock.again.length else None
        if clock.resolved_by_platform and source in self.snapshot.given:
            return self.snapshot.given[source]
        began = self._began(clock, entered)
        return None if began is None else self.case.due(clock.figure, began)

    def _began(self, clock: Clock, entered: datetime) -> datetime | None:
        """Return the instant from which a clock runs; None if what it counts from has not happened."""
        if clock.since is None:
            return entered
        if clock.since in self.chart.rules:
            fired = self.snapshot.fired.get(clock.since)
            return fired[-1] if fired else None
        return self.case.instant(clock.since)


def _of_form(form: Any, guard: str) -> bool:
    return bool(getattr(form, guard.removeprefix(FORM_GUARD)))


def of_line(guard: str, line: Clause | None, form: Any) -> bool:
    """Return whether a condition that is no guard of the case holds for a rule fired under a line with a form."""
    if guard.startswith(FORM_GUARD):
        return form is not None and _of_form(form, guard)
    return line is not None and guard in line.conditions


@dataclass(frozen=True)
class Step:
    """A rule that fired: from which states, to which, under which clause, and with which effects."""

    rule: str
    at: datetime
    clause: str
    left: tuple[str, ...]
    reached: tuple[str, ...]
    effects: tuple[Effect, ...]


class _Guards:
    """The guards of a chart, as the library looks them up: those of the case that the chart serves at the moment."""

    case: CaseContext | None

    def __init__(self, names: frozenset[str], of_lines: Iterable[str], of_line: Callable[[str], bool]) -> None:
        self._names, self._of_lines, self._of_line = names, frozenset(of_lines), of_line

    def __dir__(self) -> Iterable[str]:
        return self._names

    def __getattr__(self, name: str) -> bool:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._of_lines or name.startswith(FORM_GUARD):
            return self._of_line(name)
        return bool(getattr(self.case, name))


class CaseChart(StateChart[Model]):
    """The base of every chart; a chart's module contains states, rules and effects, nothing else.

    Whoever builds one may keep it.  To build one costs a hundred times what it costs to reset it, so the engine borrows
    (``borrowed``) instead.
    """

    allow_event_without_transition = False
    catch_errors_as_events = False
    rules: ClassVar[Mapping[str, Rule]] = {}
    advice: ClassVar[Mapping[str, Sequence[str]]] = {}
    """What the sources say beside the clocks, by state: short sentences for the operator."""
    line_conditions: ClassVar[Mapping[str, LineCondition]] = {}
    """The conditions that lines put on their transitions, by the name of the guard."""
    has_windows: ClassVar[bool] = False
    """Whether any line opens or closes at an instant."""
    _counted_from: ClassVar[frozenset[str]] = frozenset()
    _clocks: ClassVar[Mapping[str, Clock]] = {}
    _guard_names: ClassVar[frozenset[str]] = frozenset()
    _idle: ClassVar[deque[Any]] = deque()
    known_moves: ClassVar[dict[Any, Any]] = {}
    """What rules have been seen to do; see ``firing``."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Collect the rules in the order of the rule book; raises ChartFault."""
        super().__init_subclass__(**options)
        cls.rules = {name: rule for name, rule in vars(cls).items() if isinstance(rule, Rule)}
        cls._clocks = {name: rule.clock for name, rule in cls.rules.items() if rule.clock}
        transitions = [transition for rule in cls.rules.values() for _, transition in rule.steps()]
        lines = [line for rule in cls.rules.values() for line in rule.lines]
        cls.line_conditions = {name: condition for line in lines for name, condition in line.conditions.items()}
        bounds = [condition.bound for condition in cls.line_conditions.values() if condition.bound]
        cls.has_windows = bool(bounds)
        cls._counted_from = frozenset(
            [bound.instant for bound in bounds if bound.instant in cls.rules]
            + [clock.since for clock in cls._clocks.values() if clock.since in cls.rules]
            + [name for name, clock in cls._clocks.items() if clock.again]
        )
        cls._guard_names = frozenset(spec.attr_name for transition in transitions for spec in transition.cond)
        cls._idle, cls.known_moves = deque(maxlen=_IDLE_KEPT), {}
        cls._refuse_taken_names()
        cls._refuse_transitions_without_rule()

    @classmethod
    def _refuse_taken_names(cls) -> None:
        # A rule with the name of a method would silently replace the method.
        if taken := [name for name in cls.rules if hasattr(CaseChart, name)]:
            raise ChartFault(
                f"{cls.__name__}: a rule cannot be called {', '.join(taken)}: every chart has that already"
            )

    @classmethod
    def _refuse_transitions_without_rule(cls) -> None:
        # The library would take such a transition automatically, or upon an event that no party may fire.
        owned = {id(transition) for rule in cls.rules.values() for _, transition in rule.steps()}
        for name, value in vars(cls).items():
            if isinstance(value, TransitionList | Transition):
                raise ChartFault(f'{cls.__name__}.{name} is not a rule: write by(Party..., "...", under("XX-1", ...))')
        for state in _all_states(vars(cls).values()):
            for transition in state.transitions:
                if id(transition) not in owned and not transition.initial:
                    raise ChartFault(f"{cls.__name__}: {arrow(transition)} belongs to no rule")

    def __init__(self, case: CaseContext, now: datetime, snapshot: Snapshot | None = None) -> None:
        """Start a case at ``now``, or resume it from ``snapshot``."""
        self._guards = _Guards(self._guard_names, self.line_conditions, self._of_line)
        self._serve(case, now, snapshot or Snapshot())
        memory: Any = Model()  # type: ignore[no-untyped-call]
        memory.state = self._configuration()
        super().__init__(memory, listeners=[self._guards])
        self._remember_history(snapshot or Snapshot())

    @classmethod
    @contextmanager
    def borrowed(cls, case: CaseContext, now: datetime, snapshot: Snapshot | None = None) -> Iterator[Self]:
        """Lend a chart that starts a case or resumes it like a new one; it must not be used after the block.

        One chart serves one borrower at a time, whatever the thread.  After an exception it is thrown away.
        """
        try:
            chart = cls._idle.pop()
        except IndexError:
            chart = cls(case, now, snapshot)
        else:
            chart._reset(case, now, snapshot or Snapshot())
        yield chart
        chart._guards.case = chart.case = None
        cls._idle.append(chart)

    def _reset(self, case: CaseContext, now: datetime, snapshot: Snapshot) -> None:
        # The only place that touches what is private to the library.  A new engine has no queue, flag or lock of a
        # previous use, and enters the initial state if there is no other, as at the end of the library's constructor.
        self._serve(case, now, snapshot)
        self.current_state_value = self._configuration()
        self._remember_history(snapshot)
        self._engine = self._get_engine()  # type: ignore[no-untyped-call]
        self._engine.start()

    def _serve(self, case: CaseContext, now: datetime, snapshot: Snapshot) -> None:
        self.case = self._guards.case = case
        self.now = now
        self._form: Any = None
        self._line: Clause | None = None
        self.entered, self.given, self.fired = dict(snapshot.entered), dict(snapshot.given), dict(snapshot.fired)
        self.effects: list[Effect] = []
        self.left_states: set[str] = set()
        self.new_states: set[str] = set()

    def _configuration(self) -> OrderedSet[str] | None:
        # In document order and given to the model, so that nothing is entered twice.
        return OrderedSet(value for value in self.states_map if value in self.entered) if self.entered else None

    def _remember_history(self, snapshot: Snapshot) -> None:
        self.history_values = {
            name: [self.states_map[value] for value in values] for name, values in snapshot.history.items()
        }

    def snapshot(self) -> Snapshot:
        """Return what must be remembered to resume from here."""
        history = {name: [state.value for state in states] for name, states in self.history_values.items()}
        return Snapshot(dict(self.entered), dict(self.given), history, dict(self.fired))

    @property
    def view(self) -> ChartView:
        """A read-only view of the chart as it is now."""
        return ChartView(type(self), self.case, Snapshot(self.entered, self.given, fired=self.fired), self.now)

    def _of_line(self, name: str) -> bool:
        """Return whether a condition holds that is no guard of the case, for the rule that is being fired."""
        return of_line(name, self._line, self._form)

    @property
    def closed(self) -> bool:
        """Whether a final state has been reached (the library does not set its own flag in a resumed chart)."""
        return self.view.closed

    def step(self, rule: str, now: datetime, form: Any = None, *, line: Clause | None = None) -> Step:
        """Fire a rule at ``now``; raises the library's TransitionNotAllowed and then changes nothing.

        ``line``: fire it under that line, whatever its windows of time say.
        """
        self._line, self._form = line or self.line(rule, now, form), form
        if self._line is None:
            raise TransitionNotAllowed(self.rules[rule], self.configuration)
        before, self.now, self.effects = tuple(self.entered), now, []
        self.left_states, self.new_states = set(), set()
        self.send(rule)
        self.note_firing(rule, now, self.fired)
        return Step(rule, now, self._line.clause, before, tuple(self.entered), tuple(self.effects))

    @classmethod
    def note_firing(cls, rule: str, now: datetime, fired: dict[str, list[datetime]]) -> None:
        """Remember in ``fired`` when a rule fired, if anything is counted from that."""
        if rule in cls._counted_from:
            fired[rule] = [*fired.get(rule, ()), now][-_FIRINGS_KEPT:]

    def elapse(self, now: datetime) -> list[Step]:
        """Fire every clock due by ``now``, each at its own instant, as if the platform had nothing to add.

        Only for charts in which every clock leaves its state: the rules that fire are not applied to the case.
        Raises ChartFault for a rule that never stops.
        """
        steps: list[Step] = []
        while (nearest := min(self.deadlines(), default=None)) and nearest.due <= now:
            if sum(step.at == self.now for step in steps) > _MOST_AT_ONCE:
                raise ChartFault(f"rule {nearest.rule!r} never stops: it fires again and again while no time passes")
            steps.append(self.step(nearest.rule, max(nearest.due, self.entered[nearest.state])))
        return steps

    def deadlines(self) -> Iterator[Deadline]:
        """Return the running clocks."""
        return iter(self.view.deadlines)

    @classmethod
    @cache
    def closing_states(cls) -> frozenset[str]:
        """Return the names of the final states."""
        return frozenset(name for name, state in cls.states_map.items() if state.final)

    @classmethod
    @cache
    def guards_of(cls, rule: str, states: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the guards on which it depends what a rule does in some active states."""
        return tuple(dict.fromkeys(spec.attr_name for _, _, guards in cls.steps_from(rule, states) for spec in guards))

    @classmethod
    @cache
    def steps_from(
        cls, rule: str, states: tuple[str, ...]
    ) -> tuple[tuple[Clause, Transition, tuple[CallbackSpec, ...]], ...]:
        """Return the transitions of a rule from some active states, with their lines and their guards."""
        return tuple(
            (line, transition, tuple(transition.cond))
            for line, transition in cls.rules[rule].steps()
            if transition.source.value in states
        )

    @classmethod
    @cache
    def clocks_in(cls, states: tuple[str, ...]) -> tuple[tuple[str, Clock], ...]:
        """Return the clocks by rule that may run in some active states."""
        active = frozenset(states)
        return tuple(
            (name, clock)
            for name, clock in cls._clocks.items()
            if any(transition.source.value in active for _, transition in cls.rules[name].steps())
        )

    @classmethod
    def clocks(cls) -> Mapping[str, Clock]:
        """Return the clocks by rule."""
        return cls._clocks

    def transitions(
        self, rule: str, at: datetime | None = None, form: Any = ANY_FORM
    ) -> list[tuple[Clause, Transition]]:
        """Return the transitions of a rule that can be made now."""
        return self.view.transitions(rule, at, form)

    def line(self, rule: str, at: datetime | None = None, form: Any = ANY_FORM) -> Clause | None:
        """Return the line of the rule book under which a rule would fire now, or None if it is not open."""
        return self.view.line(rule, at, form)

    def open_rules(self, *parties: Party) -> list[str]:
        """Return what the parties may do now."""
        return self.view.open_rules(*parties)

    def on_enter_state(self, target: State) -> None:
        """Remember when a state was entered; called by the library."""
        self.entered[target.value] = self.now
        self.new_states.add(target.value)

    def on_exit_state(self, source: State) -> None:
        """Forget a state that was left, and the deadline that the platform gave it; called by the library."""
        del self.entered[source.value]
        self.given.pop(source.value, None)
        self.left_states.add(source.value)
        self.new_states.discard(source.value)


def _all_states(values: Iterable[Any]) -> Iterator[State]:
    for value in values:
        if isinstance(value, State):
            yield value
            yield from _all_states(value.states)
