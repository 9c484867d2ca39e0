"""The vocabulary of charts.

A rule book contains three kinds of sentence: *somebody decides* (``by``), *a clock runs out* (``after`` a length of
time, ``at`` an instant of the case, ``always`` as soon as a condition holds) and *a fact arrives* (``upon``).
``under`` cites the clause, ``submits`` declares the effect that is a decision itself, ``do`` one to be performed when
the rule fires, and ``book`` an entry in the shop's ledger.  Nothing here knows the time or performs anything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Self

from statemachine import Event, State
from statemachine.transition import Transition
from statemachine.transition_list import TransitionList


class ChartFault(Exception):
    """A chart that breaks the rules of charts; the text says where and how to put it right."""


class Party(StrEnum):
    """The parties that fire rules; ``label`` is their Chinese name."""

    BUYER = "buyer"
    MERCHANT = "merchant"
    PLATFORM = "platform"
    PROVIDER = "provider"
    CLOCK = "clock"

    @property
    def label(self) -> str:
        """The party's Chinese name."""
        return _PARTY_LABELS[self]


_PARTY_LABELS = {
    Party.BUYER: "买家",
    Party.MERCHANT: "商家",
    Party.PLATFORM: "平台",
    Party.PROVIDER: "服务商",
    Party.CLOCK: "时钟",
}

REMINDERS = "reminders_before"
"""The figure that says how long before a deadline operators are reminded of it (G-5)."""

OPERATORS = (Party.MERCHANT, Party.PROVIDER)
"""The parties that our users act for; the actions of the others are only recorded."""


Provenance = Literal["stated", "read", "assumed", "set"]
"""Stated by a source, our reading of an unclear one, assumed by us, or set by the shop."""


@dataclass(frozen=True)
class Source:
    """The source of a figure."""

    text: str
    provenance: Provenance


ASSUMED = Source("assumption", "assumed")
"""No source gives the figure: it is our assumption."""


def stated(text: str) -> Source:
    """Cite a source that states the figure."""
    return Source(text, "stated")


def read(text: str) -> Source:
    """Cite a source that is unclear or incomplete: the figure is our reading of it."""
    return Source(text, "read")


@dataclass(frozen=True)
class Effect:
    """Something to be done once a rule has fired.

    ``calls_platform``: the effect asks the platform to do something, so it is dropped if the platform itself reported
    the rule.  ``submits``: the effect is the decision itself, which counts once the platform has taken it (G-10).
    ``is_ledger_entry``: an entry of the shop's ledger under ``clause``; one that is ``counted`` has no amount.
    ``unless`` names a property of the case that makes the effect unnecessary; ``until`` names the rules that make it
    unnecessary when they fire.  ``escalates``: operators are notified of it as an escalation instead of a task.
    """

    name: str
    label: str
    clause: str | None = None
    calls_platform: bool = False
    submits: bool = False
    is_ledger_entry: bool = False
    counted: bool = False
    unless: str | None = None
    until: tuple[str, ...] = ()
    escalates: bool = False


@dataclass(frozen=True)
class Length:
    """The default length of a clock, such as ``48h``: a figure that a shop may set, with its clause and source."""

    figure: str
    text: str
    label: str
    clause: str
    source: Source


@dataclass(frozen=True)
class Clock:
    """A clock of the rule book: how long it runs, whose deadline it is and who runs it.

    It runs for a ``length``, until an ``instant`` of the case (its Chinese name), or fires as soon as its condition
    holds.  ``figure`` is the name by which the case computes the deadline.  ``reminders`` names the figure that says
    how long before the end the party is reminded; a figure of its own makes those reminders escalations.
    """

    figure: str | None
    of: Party
    run_by: Party
    reminders: str = REMINDERS
    length: Length | None = None
    instant: str | None = None

    def __post_init__(self) -> None:
        """Refuse parties that are none; raises ChartFault."""
        for name, party in (("of", self.of), ("run_by", self.run_by)):
            if not isinstance(party, Party):
                raise ChartFault(f"{name} must be a party: write {name}=Party.MERCHANT instead of {name}={party!r}")

    @property
    def escalates(self) -> bool:
        """Whether its reminders are escalations."""
        return self.reminders != REMINDERS

    @property
    def resolved_by_platform(self) -> bool:
        """Whether the platform must be asked what happened once the clock has run out (G-2)."""
        return self.run_by is Party.PLATFORM


@dataclass(frozen=True)
class Clause:
    """A line of the rule book: a clause, the transitions it allows, and its form where that differs from the rule's.

    ``never``: the line forbids the rule in every state.
    """

    clause: str
    transitions: TransitionList
    form: str | None = None
    never: bool = False


class Rule(Event):
    """A rule: who may fire it, under which clauses, with which form or clock."""

    party: Party
    lines: tuple[Clause, ...]
    clock: Clock | None
    form: str | None

    def __new__(
        cls,
        party: Party,
        label: str,
        lines: tuple[Clause, ...],
        *,
        clock: Clock | None = None,
        form: str | None = None,
    ) -> Self:
        """Create the library's event from the transitions of all lines; raises ChartFault."""
        if not isinstance(party, Party):
            raise ChartFault(f"rule {party!r} has no party: write by(Party.MERCHANT, {party!r}, ...)")
        if not isinstance(label, str):
            raise ChartFault(f"a rule of {party} has no label: its Chinese name comes before its clauses")
        for line in lines:
            if not isinstance(line, Clause):
                raise ChartFault(f'rule {label!r}: {_described(line)} is not under a clause: write under("XX-1", ...)')
        if not lines:
            raise ChartFault(f'rule {label!r} has no clause: write under("XX-1", ...)')
        transitions = TransitionList([transition for line in lines for transition in line.transitions])
        rule: Self = super().__new__(cls, transitions, name=label)
        rule.party, rule.lines, rule.clock, rule.form = party, lines, clock, form
        return rule

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the name of the chart's attribute as the rule's id."""
        self.id = name

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses that the rule is based on, without repetition, in the order of its lines."""
        return tuple(dict.fromkeys(line.clause for line in self.lines))

    @property
    def forbidden(self) -> bool:
        """Whether no state allows the rule; the chart declares it only so that the refusal can explain why."""
        return not any(line.transitions for line in self.lines)

    def steps(self) -> Iterator[tuple[Clause, Transition]]:
        """Yield every transition with the line that allows it, in order of precedence."""
        for line in self.lines:
            for transition in line.transitions:
                yield line, transition


def under(clause: str, transitions: TransitionList, *, form: str | None = None) -> Clause:
    """Put transitions under a clause of the rule book; ``form`` replaces the rule's form for them."""
    return Clause(clause, transitions, form)


def by(party: Party, label: str, *lines: Clause, form: str | None = None) -> Rule:
    """Declare a decision that a party may take."""
    return Rule(party, label, lines, form=form)


def never(clause: str) -> Clause:
    """Declare that a clause forbids the rule in every state: the refusal says what it would cost."""
    return Clause(clause, TransitionList([]), never=True)


def after(  # noqa: PLR0913 - a sentence of the rule book, all in one line of the chart
    length: str | Rule,
    label: str,
    *lines: Clause,
    of: Party,
    run_by: Party = Party.CLOCK,
    figure: str = "",
    named: str = "",
    clause: str = "",
    source: Source = ASSUMED,
    reminders: str = REMINDERS,
) -> Rule:
    """Declare a clock of a party that runs out after a length of time, counted from the entry of the state.

    A shop may set another length under the name ``figure``; ``named`` is its Chinese name.  ``clause`` is the clause
    that gives the length, where it is not that of the lines.  Pass a rule instead of a length to share its figure.
    A clock that is ``run_by`` the platform takes effect once the platform has said what happened (G-2).
    """
    if isinstance(length, Rule):
        shared = length.clock.length if length.clock else None
        if shared is None:
            raise ChartFault(f"rule {label!r}: {length.name!r} has no length of time to share")
    else:
        if not figure:
            raise ChartFault(f'rule {label!r} names no figure for its {length}: write figure="..."')
        cited = clause or ", ".join(dict.fromkeys(line.clause for line in lines if isinstance(line, Clause)))
        shared = Length(figure, length, named or label, cited, source)
    return Rule(Party.CLOCK, label, lines, clock=Clock(shared.figure, of, run_by, reminders, length=shared))


def at(
    instant: str,
    label: str,
    *lines: Clause,
    named: str,
    of: Party,
    run_by: Party = Party.CLOCK,
    reminders: str = REMINDERS,
) -> Rule:
    """Declare a clock of a party that runs until an instant of the case; ``named`` is the instant's Chinese name."""
    return Rule(Party.CLOCK, label, lines, clock=Clock(instant, of, run_by, reminders, instant=named))


def always(label: str, *lines: Clause) -> Rule:
    """Declare a rule that fires by itself as soon as its condition holds."""
    return Rule(Party.CLOCK, label, lines, clock=Clock(None, Party.PLATFORM, Party.CLOCK))


def upon(label: str, *lines: Clause, form: str | None = None) -> Rule:
    """Declare a fact that arrives from the platform."""
    return Rule(Party.PLATFORM, label, lines, form=form)


def stays(*states: State, **conditions: Any) -> TransitionList:
    """Create transitions without a target: the state stays active, and its clock runs on."""
    return TransitionList([transition for state in states for transition in state.to(None, **conditions)])


def do(
    name: str,
    label: str,
    *,
    calls_platform: bool = False,
    unless: str | None = None,
    until: tuple[str, ...] = (),
    escalates: bool = False,
) -> Any:
    """Declare an effect to perform when the transition is made; see Effect.  Raises ChartFault."""
    if isinstance(until, str):
        raise ChartFault(f'effect {name!r}: until takes a tuple of rules: write until=("{until}",)')
    return _action(Effect(name, label, calls_platform=calls_platform, unless=unless, until=until, escalates=escalates))


def submits(name: str, label: str, *, unless: str | None = None) -> Any:
    """Declare the effect that is a person's decision: the transition is made once the platform has taken it (G-10)."""
    return _action(Effect(name, label, calls_platform=True, submits=True, unless=unless))


def book(name: str, label: str, *, clause: str, counted: bool = False) -> Any:
    """Declare a ledger entry to write when the transition is made.

    The case supplies the amount, None while it is unknown; a ``counted`` entry has none.
    """
    return _action(Effect(name, label, clause=clause, is_ledger_entry=True, counted=counted))


def _action(effect: Effect) -> Callable[[Any], None]:
    """Return the library's action: it collects the effect on the chart."""

    def collect(machine: Any) -> None:
        machine.effects.append(effect)

    collect.__name__ = f"collect_{effect.name}"
    collect.effect = effect  # type: ignore[attr-defined]
    return collect


def _described(line: Any) -> str:
    if isinstance(line, TransitionList):
        return " | ".join(arrow(transition) for transition in line)
    return repr(line)


def arrow(transition: Transition) -> str:
    """Write a transition as ``source -> target``."""
    targets = " ".join(str(target.id or target.name) for target in transition.targets)
    source = str(transition.source.id or transition.source.name)
    return f"{source} -> {targets or source}"
