"""The vocabulary of charts.

A rule book contains three kinds of sentence: *somebody decides* (``by``), *a clock runs out* (``after`` a length of
time, ``at`` an instant of the case, ``always`` as soon as a condition holds) and *a fact arrives* (``upon``).
``under`` cites the clause and says when a line holds: in which states, under which guards, in which window of time.
``submits`` declares the effect that is a decision itself, ``do`` one to be performed when the rule fires, ``book`` an
entry in the shop's ledger and ``undo`` its reversal, ``notice`` a notice to the operator, and ``tell`` a fact for other
cases.  Nothing here knows the time or performs anything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Self

from statemachine import Event, State
from statemachine.callbacks import CallbackPriority
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
class Telling:
    """A fact for other cases (G-15): the process and the rule that is reported to them.

    It is for the cases of the same order, or, ``to_shop``, for all of the shop.  ``with_form``: it bears the form of
    the rule that fired, else one that the case makes.
    """

    process: str
    rule: str
    to_shop: bool = False
    with_form: bool = False


@dataclass(frozen=True)
class BegunBetween:
    """The orders of which a case of ``process`` began between two instants of this case, both included (JD-7)."""

    process: str
    begins: str
    ends: str


@dataclass(frozen=True)
class Effect:
    """Something to be done once a rule has fired.

    ``calls_platform``: the effect asks the platform to do something, so it is dropped if the platform itself reported
    the rule.  ``submits``: the effect is the decision itself, which counts once the platform has taken it (G-10).
    ``is_ledger_entry``: an entry of the shop's ledger under ``clause``; one that is ``counted`` has no amount.  It is
    entered once a case and order, or ``each`` time; ``once_an_order`` it counts once, however many cases enter it.
    ``income`` is money that the shop gets.  ``undoes`` names the ledger entries that the effect takes back, ``across``
    the clauses under which it also takes back what other cases enter once an order: of its own order, or of the orders
    ``of``.  ``notice``: operators are notified, and need do nothing.  ``telling``: what other cases are told.
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
    each: bool = False
    once_an_order: bool = False
    income: bool = False
    undoes: tuple[str, ...] = ()
    across: tuple[str, ...] = ()
    of: BegunBetween | None = None
    notice: bool = False
    telling: Telling | None = None
    unless: str | None = None
    until: tuple[str, ...] = ()
    escalates: bool = False

    @property
    def is_performed(self) -> bool:
        """Whether an activity of the process performs it."""
        return not (self.is_ledger_entry or self.takes_back or self.notice or self.telling)

    @property
    def takes_back(self) -> bool:
        """Whether it takes back ledger entries."""
        return bool(self.undoes or self.across)


@dataclass(frozen=True)
class Length:
    """The default length of a clock or window, such as ``48h``: a figure that a shop may set, with clause and source.

    ``text`` is None for a clock that runs only if a shop sets its length.
    """

    figure: str
    text: str | None
    label: str
    clause: str
    source: Source


@dataclass(frozen=True)
class Again:
    """How a clock fires again without leaving its state: at most so many ``times`` in all, a ``length`` apart."""

    times: int
    length: Length | None = None


once = Again(1)
"""The clock fires once, and then leaves its state as it is."""


@dataclass(frozen=True)
class Bound:
    """An instant at which a line opens or closes.

    It is the instant of the case of that name, or of the last firing of the rule of that name, a ``length`` later, or
    ``before`` it.  ``named`` is its Chinese name.
    """

    instant: str
    named: str
    length: Length | None = None
    before: bool = False


@dataclass(frozen=True)
class Clock:
    """A clock of the rule book: how long it runs, whose deadline it is and who runs it.

    It runs for a ``length``, until an ``instant`` of the case (its Chinese name), or fires as soon as its condition
    holds.  ``figure`` is the name by which the case computes the deadline.  ``reminders`` names the figure that says
    how long before the end the party is reminded; a figure of its own makes those reminders escalations, unless
    ``urgent`` says otherwise.  It runs from the entry of its state, or ``since`` a rule fired last or an instant of the
    case.  ``again``: it stays in its state, and how often it fires there.
    """

    figure: str | None
    of: Party
    run_by: Party
    reminders: str = REMINDERS
    length: Length | None = None
    instant: str | None = None
    since: str | None = None
    again: Again | None = None
    urgent: bool | None = None

    def __post_init__(self) -> None:
        """Refuse parties that are none; raises ChartFault."""
        for name, party in (("of", self.of), ("run_by", self.run_by)):
            if not isinstance(party, Party):
                raise ChartFault(f"{name} must be a party: write {name}=Party.MERCHANT instead of {name}={party!r}")

    @property
    def escalates(self) -> bool:
        """Whether its reminders are escalations."""
        return self.reminders != REMINDERS if self.urgent is None else self.urgent

    @property
    def resolved_by_platform(self) -> bool:
        """Whether the platform must be asked what happened once the clock has run out (G-2)."""
        return self.run_by is Party.PLATFORM


@dataclass(frozen=True)
class Clause:
    """A line of the rule book: a clause, the transitions it allows, and its form where that differs from the rule's.

    ``never``: the line forbids the rule in every state.  ``of``: whose deadline the rule's clock is there, where that
    differs.  ``opens`` and ``closes``: the line holds only from an instant or until one.  ``new_in`` and ``gone_in``:
    it holds only for cases opened with that edition of the figures or a later one, or with an earlier one.
    """

    clause: str
    transitions: TransitionList
    form: str | None = None
    never: bool = False
    of: Party | None = None
    opens: Bound | None = None
    closes: Bound | None = None
    new_in: str | None = None
    gone_in: str | None = None

    @cached_property
    def conditions(self) -> "Mapping[str, LineCondition]":
        """The conditions that the line itself puts on its transitions, by the name of their guard."""
        found: dict[str, LineCondition] = {}
        for kind, bound in (("opens", self.opens), ("closes", self.closes)):
            if bound is not None:
                name = f"{kind}_{bound.length.figure}_{bound.instant}" if bound.length else f"{kind}_{bound.instant}"
                found[name] = LineCondition(kind, bound)
        for kind, edition in (("new_in", self.new_in), ("gone_in", self.gone_in)):
            if edition is not None:
                found[f"{kind}_{edition.replace('-', '_')}"] = LineCondition(kind, edition=edition)
        return found


@dataclass(frozen=True)
class LineCondition:
    """A condition of a line that is no guard of the case: a bound in time, or the edition of the case's figures."""

    kind: str
    bound: Bound | None = None
    edition: str = ""

    @property
    def label(self) -> str:
        """The condition in Chinese."""
        if self.bound is None:
            return f"{self.edition} {'起' if self.kind == 'new_in' else '前'}受理"
        return f"{self.bound.named}{'起' if self.kind == 'opens' else '内'}"


FORM_GUARD = "form__"
"""The beginning of a guard that is a field of the rule's form."""


def form(field: str) -> str:
    """Choose a line by a boolean field or property of the rule's form: ``cond=form("shipped")``."""
    return f"{FORM_GUARD}{field}"


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

    def steps(self) -> tuple[tuple[Clause, Transition], ...]:
        """Return every transition with the line that allows it, in order of precedence."""
        return self._steps

    @cached_property
    def _steps(self) -> tuple[tuple[Clause, Transition], ...]:
        return tuple((line, transition) for line in self.lines for transition in line.transitions)


def lengths_of(rule: Rule) -> Iterator[Length]:
    """Yield the lengths of time that a rule's clock, its repetition and its windows declare."""
    clock = rule.clock
    own = (clock.length, clock.again.length if clock.again else None) if clock else ()
    bounds = [bound for line in rule.lines for bound in (line.opens, line.closes) if bound is not None]
    yield from (length for length in (*own, *(bound.length for bound in bounds)) if length is not None)


def under(  # noqa: PLR0913 - a line of the rule book, all in one place of the chart
    clause: str,
    transitions: TransitionList,
    *,
    form: str | None = None,
    of: Party | None = None,
    opens: Bound | None = None,
    closes: Bound | None = None,
    new_in: str | None = None,
    gone_in: str | None = None,
) -> Clause:
    """Put transitions under a clause of the rule book; ``form`` replaces the rule's form for them.  See Clause."""
    opens, closes = (_cited_under(clause, bound) for bound in (opens, closes))
    line = Clause(clause, transitions, form, False, of, opens, closes, new_in, gone_in)
    for name in line.conditions:
        for transition in transitions:
            transition.cond.add(name, priority=CallbackPriority.INLINE, expected_value=True)
    return line


def _cited_under(clause: str, bound: Bound | None) -> Bound | None:
    if bound is None or bound.length is None or bound.length.clause:
        return bound
    return replace(bound, length=replace(bound.length, clause=clause))


def window(
    length: str | None,
    *,
    figure: str,
    named: str,
    since: str = "",
    before: str = "",
    clause: str = "",
    source: Source = ASSUMED,
) -> Bound:
    """Return the instant a length of time after a rule fired last (``since``) or an instant of the case, or before one.

    A shop may set another length under the name ``figure``; ``named`` is its Chinese name.  Raises ChartFault.
    """
    if bool(since) is bool(before):
        raise ChartFault(f"window {figure!r}: write either since=... or before=...")
    return Bound(since or before, named, Length(figure, length, named, clause, source), bool(before))


def moment(instant: str, *, named: str) -> Bound:
    """Return an instant of the case as a bound; ``named`` is its Chinese name."""
    return Bound(instant, named)


def again(
    length: str | None,
    *,
    times: int,
    figure: str,
    named: str,
    clause: str = "",
    source: Source = ASSUMED,
) -> Again:
    """Let a clock fire again, a ``length`` after it has fired, at most so many ``times`` in all.

    A shop may set another length under the name ``figure``; with None it fires again only if a shop does.
    """
    return Again(times, Length(figure, length, named, clause, source))


def by(party: Party, label: str, *lines: Clause, form: str | None = None) -> Rule:
    """Declare a decision that a party may take."""
    return Rule(party, label, lines, form=form)


def never(clause: str) -> Clause:
    """Declare that a clause forbids the rule in every state: the refusal says what it would cost."""
    return Clause(clause, TransitionList([]), never=True)


def after(  # noqa: PLR0913 - a sentence of the rule book, all in one line of the chart
    length: str | Rule | None,
    label: str,
    *lines: Clause,
    of: Party,
    run_by: Party = Party.CLOCK,
    figure: str = "",
    named: str = "",
    clause: str = "",
    source: Source = ASSUMED,
    reminders: str = REMINDERS,
    since: str | None = None,
    again: Again | None = None,
    escalates: bool | None = None,
) -> Rule:
    """Declare a clock of a party that runs out after a length of time, counted from the entry of the state.

    It is counted from the last firing of a rule, or from an instant of the case, if ``since`` names one.  ``again``:
    the clock stays in its state (see ``again`` and ``once``).  ``escalates``: whether its reminders are escalations.
    Without a length it runs only if a shop sets one.

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
        shared = Length(figure, length, named or label, clause or _cited(lines), source)
    clock = Clock(
        shared.figure,
        of,
        run_by,
        reminders,
        length=shared,
        since=since,
        again=_of_lines(again, lines),
        urgent=escalates,
    )
    return Rule(Party.CLOCK, label, lines, clock=clock)


def _cited(lines: tuple[Clause, ...]) -> str:
    return ", ".join(dict.fromkeys(line.clause for line in lines if isinstance(line, Clause)))


def _of_lines(again: Again | None, lines: tuple[Clause, ...]) -> Again | None:
    """Return how a clock repeats, under the clauses of its lines if its length cites none."""
    if again is None or again.length is None or again.length.clause:
        return again
    return replace(again, length=replace(again.length, clause=_cited(lines)))


def at(  # noqa: PLR0913 - a sentence of the rule book, all in one line of the chart
    instant: str,
    label: str,
    *lines: Clause,
    named: str,
    of: Party,
    run_by: Party = Party.CLOCK,
    reminders: str = REMINDERS,
    again: Again | None = None,
    escalates: bool | None = None,
) -> Rule:
    """Declare a clock of a party that runs until an instant of the case; ``named`` is the instant's Chinese name.

    ``again`` and ``escalates`` are those of ``after``.
    """
    clock = Clock(instant, of, run_by, reminders, instant=named, again=_of_lines(again, lines), urgent=escalates)
    return Rule(Party.CLOCK, label, lines, clock=clock)


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


def book(
    name: str,
    label: str,
    *,
    clause: str,
    counted: bool = False,
    each: bool = False,
    once_an_order: bool = False,
    income: bool = False,
) -> Any:
    """Declare a ledger entry to write when the transition is made; see Effect.

    The case supplies amount and points, None while they are unknown; a ``counted`` entry has none.
    """
    return _action(
        Effect(
            name,
            label,
            clause=clause,
            is_ledger_entry=True,
            counted=counted,
            each=each,
            once_an_order=once_an_order,
            income=income,
        )
    )


def undo(
    name: str,
    label: str,
    *,
    entries: tuple[str, ...] = (),
    clause: str,
    across: tuple[str, ...] = (),
    of: BegunBetween | None = None,
    unless: str | None = None,
) -> Any:
    """Declare that ledger entries are taken back: those that the ``book`` effects of these names have made.

    ``across`` are the clauses under which it also takes back what other cases enter once an order, before or after;
    ``of``: not of the case's order, but of those that began in a period.  Raises ChartFault.
    """
    for wrong, given, kind in (("entries", entries, "effects"), ("across", across, "clauses")):
        if isinstance(given, str):
            raise ChartFault(f'effect {name!r}: {wrong} takes a tuple of {kind}: write {wrong}=("{given}",)')
    if not (entries or across):
        raise ChartFault(f"effect {name!r} takes nothing back: name entries=(...) or across=(...)")
    return _action(Effect(name, label, clause=clause, undoes=entries, across=across, of=of, unless=unless))


def notice(name: str, label: str) -> Any:
    """Declare a notice to the operator, who need not do anything."""
    return _action(Effect(name, label, notice=True))


def tell(
    name: str,
    label: str,
    *,
    process: str,
    rule: str,
    to: Literal["order", "shop"] = "order",
    with_form: bool = False,
    unless: str | None = None,
) -> Any:
    """Declare what other cases of a process are told (G-15): a rule is reported to them, with a form of the case.

    It is told to the cases of the same order, or of the whole shop, once, whichever case was opened first.
    ``with_form``: the form is that of the rule that fired.
    """
    return _action(Effect(name, label, telling=Telling(process, rule, to == "shop", with_form), unless=unless))


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
