"""A chart at work: time is an argument, effects are data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Protocol

from statemachine import State, StateChart
from statemachine.model import Model
from statemachine.orderedset import OrderedSet
from statemachine.transition import Transition

from statecharts.rules import Clause, Clock, Effect, Party, Rule


class CaseContext(Protocol):
    """What a chart asks of its case: when a clock runs out.  Its guards are the case's own properties."""

    def due(self, figure: str, entered: datetime) -> datetime | None:
        """The instant at which the clock of ``figure``, started at ``entered``, runs out; None: it does not run."""


@dataclass(frozen=True)
class Deadline:
    """A clock that is running: when it runs out, in which state of which order's chart, and the rule that then fires.

    ``order`` is None for the case's own chart.  They sort by instant, what is judged ``at_once`` first.
    """

    due: datetime
    state: str
    rule: str
    order: str | None = None
    at_once: bool = False

    def __lt__(self, other: "Deadline") -> bool:
        """Whether this one fires before the other."""
        return self._rank() < other._rank()

    def _rank(self) -> tuple[datetime, bool, str, str, str]:
        return self.due, not self.at_once, self.order or "", self.state, self.rule


@dataclass
class Snapshot:
    """All a chart remembers; everything else is derived from it and the case.

    ``entered``: when each active state was entered.  ``given``: instants that the platform itself set for a state's
    clock (G-1).  ``history``: where blocked regions stood.
    """

    entered: dict[str, datetime] = field(default_factory=dict)
    given: dict[str, datetime] = field(default_factory=dict)
    history: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class ChartView:
    """A chart in a state: its case, what it remembers, and the instant of the last thing that happened.

    ``order`` names the order whose chart it is; None: the case's own chart.
    """

    chart: "type[CaseChart]"
    case: CaseContext
    past: Snapshot
    now: datetime
    order: str | None = None

    @property
    def entered(self) -> Mapping[str, datetime]:
        """When each active state was entered."""
        return self.past.entered

    @property
    def since(self) -> datetime:
        """When the chart last entered a state: nothing that happens next lies before it."""
        return max(self.past.entered.values())

    @property
    def closed(self) -> bool:
        """Whether a final state has been reached."""
        return any(self.chart.states_map[value].final for value in self.past.entered)

    @property
    def states(self) -> list[str]:
        """The innermost active states."""
        return [value for value in self.past.entered if self.chart.states_map[value].is_atomic]

    @cached_property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The clocks now running: derived from the configuration, so never stale."""
        return tuple(self._deadlines())

    def _deadlines(self) -> Iterator[Deadline]:
        for name, clock in self.chart.clocks().items():
            for source in self._sources(name):
                due = self._due(clock, source)
                if due is not None:
                    yield Deadline(due, source, name, self.order, clock.figure is None)

    def platform_clocked(self) -> list[str]:
        """The states with a clock of the platform, whether its instant is known yet or not."""
        clocks = self.chart.clocks()
        found = [each for name in clocks if clocks[name].settled_by_platform for each in self._sources(name)]
        return list(dict.fromkeys(found))

    def moves(self, rule: str) -> list[tuple[Clause, Transition]]:
        """The moves of a rule that are possible now: the state is active and every guard holds."""
        return [
            (line, move)
            for line, move in self.chart.rules[rule].steps()
            if move.source.value in self.past.entered and self._holds(move)
        ]

    def line(self, rule: str) -> Clause | None:
        """The line of the rule book under which a rule would fire now; None: it is not open."""
        return next((line for line, _ in self.moves(rule)), None)

    def open_rules(self, *parties: Party) -> list[str]:
        """What the parties may do now: the buttons on their screens."""
        return [name for name in self._open if self.chart.rules[name].party in parties]

    @cached_property
    def _open(self) -> tuple[str, ...]:
        return tuple(name for name in self.chart.rules if self.moves(name))

    def _sources(self, rule: str) -> list[str]:
        return list(dict.fromkeys(move.source.value for _, move in self.moves(rule)))

    def _holds(self, move: Transition) -> bool:
        return all(bool(getattr(self.case, spec.attr_name)) is spec.expected_value for spec in move.cond)

    def _due(self, clock: Clock, source: str) -> datetime | None:
        if clock.figure is None:  # judged as soon as it holds: by the last thing that happened
            return max(self.now, self.past.entered[source])
        if clock.settled_by_platform and source in self.past.given:
            return self.past.given[source]
        return self.case.due(clock.figure, self.past.entered[source])


@dataclass(frozen=True)
class Step:
    """A rule that fired: where from, where to, under which clause, and what is owed for it."""

    rule: str
    at: datetime
    clause: str
    left: tuple[str, ...]
    reached: tuple[str, ...]
    owed: tuple[Effect, ...]


class CaseChart(StateChart[Model]):
    """The base of every chart; a chart's file holds states, rules and effects and nothing else."""

    allow_event_without_transition = False
    catch_errors_as_events = False
    rules: ClassVar[Mapping[str, Rule]] = {}
    _clocks: ClassVar[Mapping[str, Clock]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        """Collect the rules in the order of the rule book; one called as a method here would silently replace it."""
        super().__init_subclass__(**options)
        cls.rules = {name: rule for name, rule in vars(cls).items() if isinstance(rule, Rule)}
        cls._clocks = {name: rule.clock for name, rule in cls.rules.items() if rule.clock}
        if taken := [name for name in cls.rules if hasattr(CaseChart, name)]:
            raise TypeError(f"{cls.__name__}: a rule cannot be called {', '.join(taken)}: every chart has that already")

    def __init__(self, case: CaseContext, now: datetime, past: Snapshot | None = None) -> None:
        """Start a case at ``now``, or resume it where ``past`` says that it stood."""
        self.case, self.now = case, now
        past = past or Snapshot()
        self.entered, self.given = dict(past.entered), dict(past.given)
        self.owed: list[Effect] = []
        memory: Any = Model()  # type: ignore[no-untyped-call]
        if past.entered:  # resumed in document order through the model, so that nothing is entered twice
            memory.state = OrderedSet(value for value in self.states_map if value in past.entered)
        super().__init__(memory, listeners=[case])
        for name, values in past.history.items():
            self.history_values[name] = [self.states_map[value] for value in values]

    def past(self) -> Snapshot:
        """What must be remembered to go on from here."""
        history = {name: [state.value for state in states] for name, states in self.history_values.items()}
        return Snapshot(dict(self.entered), dict(self.given), history)

    @property
    def standing(self) -> ChartView:
        """Where it stands, for reading."""
        return ChartView(type(self), self.case, Snapshot(self.entered, self.given), self.now)

    @property
    def closed(self) -> bool:
        """Whether a final state has been reached (a resumed chart's own flag does not tell)."""
        return self.standing.closed

    def step(self, rule: str, now: datetime) -> Step:
        """Fire a rule at ``now``, or raise the library's TransitionNotAllowed and change nothing."""
        line = self.line(rule)
        left, self.now, self.owed = tuple(self.entered), now, []
        self.send(rule)
        return Step(rule, now, line.clause if line else "", left, tuple(self.entered), tuple(self.owed))

    def elapse(self, now: datetime) -> list[Step]:
        """Let every clock due by ``now`` run out, each at its own moment, as if the platform had nothing to add.

        For charts whose clocks all lead on: one that leaves its state as it is would need a case that learns.
        """
        steps = []
        while (nearest := min(self.deadlines(), default=None)) and nearest.due <= now:
            steps.append(self.step(nearest.rule, max(nearest.due, self.entered[nearest.state])))
        return steps

    def deadlines(self) -> Iterator[Deadline]:
        """The clocks now running."""
        return iter(self.standing.deadlines)

    @classmethod
    def clocks(cls) -> Mapping[str, Clock]:
        """The rules that fire by themselves."""
        return cls._clocks

    def moves(self, rule: str) -> list[tuple[Clause, Transition]]:
        """The moves of a rule that are possible now."""
        return self.standing.moves(rule)

    def line(self, rule: str) -> Clause | None:
        """The line of the rule book under which a rule would fire now; None: it is not open."""
        return self.standing.line(rule)

    def open_rules(self, *parties: Party) -> list[str]:
        """What the parties may do now."""
        return self.standing.open_rules(*parties)

    def on_enter_state(self, target: State) -> None:
        """Remember when a state was entered."""
        self.entered[target.value] = self.now

    def on_exit_state(self, source: State) -> None:
        """Forget a state that is left, and the deadline the platform gave it."""
        del self.entered[source.value]
        self.given.pop(source.value, None)
