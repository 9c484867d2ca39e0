"""The vocabulary every chart is written in.

A rule book says three kinds of thing: *somebody decides* (``by``), *a clock runs out* (``after``, and ``at_once``
for what is judged when a state is entered), *a fact arrives* (``upon``).  ``under`` puts a sentence under its
clause, ``do`` names what the case then owes the world and ``book`` what it then enters in the shop's ledger.
Nothing here knows the time or performs anything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from statemachine import Event, State
from statemachine.transition import Transition
from statemachine.transition_list import TransitionList


class Party(StrEnum):
    """Who may move a case; ``label`` is what an operator reads."""

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
"""The figure by which operators are reminded of a deadline (G-5)."""

OPERATORS = (Party.MERCHANT, Party.PROVIDER)
"""The parties our users act for; everybody else's moves are only recorded as seen."""


@dataclass(frozen=True)
class Effect:
    """What a case owes the world once a rule has fired.

    ``commands`` says that it tells the platform to do something: it is owed only where the platform did not itself
    report the rule.  ``books`` says that it is an entry of the shop's ledger under ``clause``.  ``unless`` names a
    property of the case that makes it needless.  ``until``: the rules that make it needless when they fire.
    ``escalates``: it is more than a task, and operators are told so.
    """

    name: str
    label: str
    clause: str | None = None
    commands: bool = False
    books: bool = False
    unless: str | None = None
    until: tuple[str, ...] = ()
    escalates: bool = False


@dataclass(frozen=True)
class Clock:
    """A clock of the rule book: the policy figure it runs by, whose deadline it is and who runs it.

    ``reminders`` is the figure that says how long before the end its party is reminded; a figure of its own makes
    reminders escalations.
    """

    figure: str | None
    of: Party
    run_by: Party
    reminders: str = REMINDERS

    @property
    def escalates(self) -> bool:
        """Whether its reminders are told as escalations."""
        return self.reminders != REMINDERS

    @property
    def settled_by_platform(self) -> bool:
        """Whether the platform must be asked what really happened when the clock has run out (G-2)."""
        return self.run_by is Party.PLATFORM


@dataclass(frozen=True)
class Clause:
    """One sentence of the rule book: a clause, the moves it allows, and the form it asks for where it has its own."""

    clause: str
    moves: TransitionList
    form: str | None = None


class Rule(Event):
    """One rule: who moves the case, by which lines, with which form or clock.

    A rule of which every move is forbidden has a line without moves.
    """

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
        """Make the library's event out of the moves of all lines."""
        moves = TransitionList([move for line in lines for move in line.moves])
        rule: Self = super().__new__(cls, moves, name=label)
        rule.party, rule.lines, rule.clock, rule.form = party, lines, clock, form
        return rule

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the name under which the chart keeps the rule."""
        self.id = name

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses the rule rests on, each once, in the order of its lines."""
        return tuple(dict.fromkeys(line.clause for line in self.lines))

    @property
    def forbidden(self) -> bool:
        """Whether nothing is ever allowed by it: it stands in the book to be refused."""
        return not any(line.moves for line in self.lines)

    def steps(self) -> Iterator[tuple[Clause, Transition]]:
        """Every move of the rule with the line it stands under, in order of precedence."""
        for line in self.lines:
            for move in line.moves:
                yield line, move


def under(clause: str, moves: TransitionList, *, form: str | None = None) -> Clause:
    """Put moves under a clause of the rule book; ``form`` replaces the rule's form on this line."""
    return Clause(clause, moves, form)


def by(party: Party, label: str, *lines: Clause, form: str | None = None) -> Rule:
    """Somebody decides."""
    return Rule(party, label, lines, form=form)


def never(clause: str) -> Clause:
    """What is allowed in no state at all, and refused with what it would cost."""
    return Clause(clause, TransitionList([]))


def after(
    figure: str,
    label: str,
    *lines: Clause,
    of: Party,
    run_by: Party = Party.CLOCK,
    reminders: str = REMINDERS,
) -> Rule:
    """A clock of ``of`` runs out; one that is ``run_by`` the platform is settled with it before it counts (G-2)."""
    return Rule(Party.CLOCK, label, lines, clock=Clock(figure, of, run_by, reminders))


def at_once(label: str, *lines: Clause) -> Rule:
    """Judged at the very instant at which it comes to hold."""
    return Rule(Party.CLOCK, label, lines, clock=Clock(None, Party.PLATFORM, Party.CLOCK))


def upon(label: str, *lines: Clause, form: str | None = None) -> Rule:
    """A fact arrives from the platform."""
    return Rule(Party.PLATFORM, label, lines, form=form)


def stays(*states: State, **conditions: Any) -> TransitionList:
    """Targetless moves, which leave each state as it is: its clock goes on running."""
    return TransitionList([move for state in states for move in state.to(None, **conditions)])


def do(
    name: str,
    label: str,
    *,
    commands: bool = False,
    unless: str | None = None,
    until: tuple[str, ...] = (),
    escalates: bool = False,
) -> Any:
    """Name an effect that the case owes once the move is made.

    ``unless`` a property of the case makes it needless once the rule has fired; it is over when one of ``until`` fires.
    """
    return _owing(Effect(name, label, commands=commands, unless=unless, until=until, escalates=escalates))


def book(name: str, label: str, *, clause: str) -> Any:
    """Name an entry that the shop's ledger then gets; the case says how much."""
    return _owing(Effect(name, label, clause=clause, books=True))


def _owing(effect: Effect) -> Callable[[Any], None]:
    def owe(machine: Any) -> None:
        machine.owed.append(effect)

    owe.__name__ = f"owes_{effect.name}"
    owe.effect = effect  # type: ignore[attr-defined]
    return owe
