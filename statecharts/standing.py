"""Where a chart stands: all that can be told of it without moving it, derived from what it remembers and its case."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from statemachine.transition import Transition

from statecharts.rules import Clock, Line, Party

if TYPE_CHECKING:
    from statecharts.chart import CaseChart


class Case(Protocol):
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
class Past:
    """All a chart remembers; everything else is derived from it and the case.

    ``entered``: when each active state was entered.  ``given``: instants that the platform itself set for a state's
    clock (G-1).  ``history``: where blocked regions stood.
    """

    entered: dict[str, datetime] = field(default_factory=dict)
    given: dict[str, datetime] = field(default_factory=dict)
    history: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """A chart in a state: its case, what it remembers, and the instant of the last thing that happened.

    ``order`` names the order whose chart it is; None: the case's own chart.
    """

    chart: "type[CaseChart]"
    case: Case
    past: Past
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

    def moves(self, rule: str) -> list[tuple[Line, Transition]]:
        """The moves of a rule that are possible now: the state is active and every guard holds."""
        return [
            (line, move)
            for line, move in self.chart.rules[rule].steps()
            if move.source.value in self.past.entered and self._holds(move)
        ]

    def line(self, rule: str) -> Line | None:
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
