"""A chart at work: time is an argument, effects are data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from statemachine import State, StateChart
from statemachine.model import Model
from statemachine.orderedset import OrderedSet
from statemachine.transition import Transition

from statecharts.rules import Clock, Effect, Line, Party, Rule
from statecharts.standing import Case, Deadline, Past, Standing


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

    def __init__(self, case: Case, now: datetime, past: Past | None = None) -> None:
        """Start a case at ``now``, or resume it where ``past`` says that it stood."""
        self.case, self.now = case, now
        past = past or Past()
        self.entered, self.given = dict(past.entered), dict(past.given)
        self.owed: list[Effect] = []
        memory: Any = Model()  # type: ignore[no-untyped-call]
        if past.entered:  # resumed in document order through the model, so that nothing is entered twice
            memory.state = OrderedSet(value for value in self.states_map if value in past.entered)
        super().__init__(memory, listeners=[case])
        for name, values in past.history.items():
            self.history_values[name] = [self.states_map[value] for value in values]

    def past(self) -> Past:
        """What must be remembered to go on from here."""
        history = {name: [state.value for state in states] for name, states in self.history_values.items()}
        return Past(dict(self.entered), dict(self.given), history)

    @property
    def standing(self) -> Standing:
        """Where it stands, for reading."""
        return Standing(type(self), self.case, Past(self.entered, self.given), self.now)

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

    def moves(self, rule: str) -> list[tuple[Line, Transition]]:
        """The moves of a rule that are possible now."""
        return self.standing.moves(rule)

    def line(self, rule: str) -> Line | None:
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
