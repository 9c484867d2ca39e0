"""The month's figures of every shop, computed from its ledger.

Days, weeks and months are Shanghai's; a week belongs to the month in which it ends.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from aftersales.ledger.caps import (
    FIGURED_CLAUSES,
    LATE_CLAUSES,
    Capped,
    Caps,
    ScoreRules,
    capped,
    figures_of,
    monday,
    weekly_score,
)
from aftersales.ledger.month_clocks import ClockNames, MissedClock
from aftersales.ledger.month_losses import ClauseLost, DearCase, Lost, by_clause, dearest, losses_of, lost
from cases.case import Appeals
from cases.errors import BadForm
from cases.ledger import Booked, CaseOutcome, Decided, Missed
from cases.models import Strict
from cases.policy import Policy
from cases.shanghai import shanghai_day

LOOK_BACK = timedelta(days=157)
"""How far back entries matter: an order lives at most 150 days (DS-7), and its week began before."""
LOOK_AHEAD = timedelta(days=31)
"""How long after a month a bill may still match an entry of it."""
_LAST_DAY = timedelta(days=6)


@dataclass(frozen=True)
class Month:
    """A calendar month, from its first day to its last."""

    first: date
    last: date

    def __str__(self) -> str:
        """Format as 2026-11."""
        return f"{self.first:%Y-%m}"

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def month_of(written: str) -> Month:
    """Read a month such as 2026-11; raises BadForm."""
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", written, flags=re.ASCII):
        raise BadForm(f"month: 月份有误 / not a month: {written!r}; expected a month such as 2026-11")
    return month_with(date.fromisoformat(f"{written}-01"))


def month_with(day: date) -> Month:
    """Return the month of a day."""
    first = day.replace(day=1)
    return Month(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


class Sums(Strict):
    """Totals of entries: number, CNY and points, and the parts that count within the caps.

    The totals are those of what is known; ``unknown`` is the number of entries of which neither amount nor points are,
    ``unknown_counted`` that of those that count.
    """

    entries: int
    unknown: int
    unknown_counted: int
    amount: Decimal
    amount_counted: Decimal
    points: Decimal
    points_counted: Decimal


class RuleFigures(Strict):
    """The expected and billed totals of a clause; ``unexpected``: bills without an expected entry."""

    clause: str
    expected: Sums
    billed: Sums
    answered: int
    unexpected: int


class Net(Strict):
    """What the shop lost in a month within the caps, what it got, and the difference; what is unknown is in neither."""

    lost: Decimal
    lost_unknown: int
    income: Decimal
    income_unknown: int
    net: Decimal


class CaseFigures(Strict):
    """The number of cases of a process that ended in a state."""

    process: str
    state: str
    label: str
    cases: int


class Share(Strict):
    """A count out of a total, with the ratio to four decimals, None if the total is zero."""

    many: int
    of: int

    @property
    def share(self) -> Decimal | None:
        """The ratio, rounded half up."""
        return (Decimal(self.many) / self.of).quantize(Decimal("0.0001"), ROUND_HALF_UP) if self.of else None


class WeekFigures(Strict):
    """A week's late orders and its score (JD-11), a range if the pickup rate is unknown.

    An order is late once, in the week in which it first was, however many cases and clauses say so.
    """

    first: date
    last: date
    late_orders: int
    score: str


class DeciderFigures(Strict):
    """The number of decisions that somebody took by one way (G-13); ``actor`` is the operator's name, if it was one."""

    party: str
    actor: str | None
    way: str | None
    decisions: int


class MissedCase(Strict):
    """A case in which a deadline of ours was missed, who decided in it, and the clerk who had claimed it.

    ``state``, ``label`` and ``closed`` are None if the case did not end in the month.  ``clocks_run_out`` counts all
    clocks of a case that ended, those of others too; ``clocks`` are those of ours that the ledger names.
    """

    case_id: str
    state: str | None
    label: str | None
    closed: date | None
    clocks_run_out: int
    clocks: tuple[MissedClock, ...] = ()
    actors: tuple[str, ...]
    order: str | None = None
    clerk: str | None = None


class ShopMonth(Strict):
    """The month's figures of a shop; ``rules`` are what it loses by clause, ``income`` what it gets.

    ``lost`` is what it lost in all, each loss once, billed or expected, ``lost_by_clause`` the same by clause.
    """

    shop: str
    lost: Lost
    lost_by_clause: tuple[ClauseLost, ...]
    dearest: tuple[DearCase, ...]
    cases: tuple[CaseFigures, ...]
    decided_in_time: Share
    clocks_run_out: int
    missed: tuple[MissedCase, ...]
    decisions: tuple[DeciderFigures, ...]
    rules: tuple[RuleFigures, ...]
    income: tuple[RuleFigures, ...]
    expected_net: Net
    billed_net: Net
    appeals_won: Share
    weeks: tuple[WeekFigures, ...]


PoliciesOf = Callable[[str], Sequence[Policy]]


@dataclass(frozen=True)
class Books:
    """What the figures of a month are computed from.

    ``entries``: from LOOK_BACK before the month to LOOK_AHEAD after it; ``decisions`` and ``missed``: from LOOK_BACK
    before it; ``outcomes``: those of the month; ``clerks``: who has claimed which case; ``clocks``: what names those of
    ours.
    """

    entries: Sequence[Booked] = ()
    decisions: Sequence[Decided] = ()
    outcomes: Sequence[CaseOutcome] = ()
    missed: Sequence[Missed] = ()
    clerks: Mapping[str, str] = field(default_factory=dict)
    clocks: ClockNames = field(default_factory=ClockNames)

    def of(self, shop: str) -> "Books":
        """Return the part of a shop."""
        return replace(
            self,
            entries=[entry for entry in self.entries if entry.shop_id == shop],
            decisions=[decision for decision in self.decisions if decision.shop_id == shop],
            outcomes=[outcome for outcome in self.outcomes if outcome.shop_id == shop],
            missed=[told for told in self.missed if told.shop_id == shop],
        )

    def in_force(self) -> "Books":
        """Return the books without what was taken back; a bill for what only counts only counts, too."""
        counted = {entry.key for entry in self.entries if entry.counted}
        entries = [
            entry.model_copy(update={"counted": True}) if entry.answers in counted else entry
            for entry in self.entries
            if entry.status != "reversed"
        ]
        return replace(self, entries=entries)


def shop_months(
    month: Month, books: Books, appeals: Mapping[str, Appeals], policies: PoliciesOf | None = None
) -> list[ShopMonth]:
    """Return the figures of every shop that has any.

    ``appeals``: by process, how an appeal and its end are recognized.  ``policies`` returns those of a shop, which cap
    its penalties.
    """
    books = books.in_force()
    of_month = [entry for entry in books.entries if entry.day in month or monday(entry.day) + _LAST_DAY in month]
    decided = [decision for decision in books.decisions if decision.day in month]
    shops = {
        *(entry.shop_id for entry in of_month),
        *(decision.shop_id for decision in decided),
        *(outcome.shop_id for outcome in books.outcomes),
        *(told.shop_id for told in books.missed if told.day in month),
    }
    return [_shop(month, shop, books.of(shop), appeals, policies) for shop in sorted(shops)]


def _shop(
    month: Month, shop: str, books: Books, appeals: Mapping[str, Appeals], policies: PoliciesOf | None
) -> ShopMonth:
    entries, outcomes = books.entries, books.outcomes
    # To resolve policies, every process must be loaded.
    figured = any(entry.clause in FIGURED_CLAUSES for entry in entries)
    own = policies(shop) if policies and figured else ()
    caps, rules = figures_of(Caps, own), figures_of(ScoreRules, own)
    states = Counter((outcome.process, outcome.state, outcome.state_label) for outcome in outcomes)
    in_time = [outcome.decided_before_deadline for outcome in outcomes if outcome.decided_before_deadline is not None]
    losses = tuple(_rules(month, [entry for entry in entries if not entry.income], caps))
    income = tuple(_rules(month, [entry for entry in entries if entry.income], caps))
    month_losses = losses_of(month.__contains__, entries, caps)
    return ShopMonth(
        shop=shop,
        lost=lost(month_losses),
        lost_by_clause=tuple(by_clause(month_losses)),
        dearest=tuple(dearest(month_losses, outcomes)),
        cases=tuple(
            CaseFigures(process=process, state=state, label=label, cases=many)
            for (process, state, label), many in sorted(states.items())
        ),
        decided_in_time=Share(many=sum(in_time), of=len(in_time)),
        clocks_run_out=sum(outcome.clocks_run_out for outcome in outcomes),
        missed=tuple(_missed(month, books)),
        decisions=tuple(_deciders(decision for decision in books.decisions if decision.day in month)),
        rules=losses,
        income=income,
        expected_net=_net([rule.expected for rule in losses], [rule.expected for rule in income]),
        billed_net=_net([rule.billed for rule in losses], [rule.billed for rule in income]),
        appeals_won=_appeals_won(entries, outcomes, appeals),
        weeks=tuple(_weeks(month, entries, rules)),
    )


def missed_clocks(month: Month, books: Books) -> dict[str, list[MissedClock]]:
    """Return the cases in which a deadline of ours was missed, and which: the cases that ended first.

    A case that did not end in the month is one of them if it missed one in the month, as it has told or an entry says.
    """
    by_case: dict[str, list[MissedClock]] = defaultdict(list)
    of_month = {told.case_id for told in books.missed if told.day in month}
    for told in books.missed:
        by_case[told.case_id].append(books.clocks.of_deadline(told))
    have_told = set(by_case)
    for entry in books.entries:
        if entry.case_id in have_told or entry.day > month.last:
            continue
        if clock := books.clocks.of_entry(entry):
            by_case[entry.case_id].append(clock)
            of_month |= {entry.case_id} if entry.day in month else set()
    missed = {outcome.case_id: outcome for outcome in books.outcomes if outcome.decided_before_deadline is False}
    for case_id, outcome in missed.items():
        if case_id in have_told:
            continue
        if (end := books.clocks.of_end(outcome)) and not any(
            (clock.label, clock.day) == (end.label, end.day) for clock in by_case[case_id]
        ):
            by_case[case_id].append(end)
    ended = {outcome.case_id for outcome in books.outcomes}
    listed = [*missed, *(case_id for case_id in by_case if case_id in of_month - ended)]
    return {case_id: sorted(by_case[case_id], key=lambda clock: clock.day) for case_id in listed}


def _missed(month: Month, books: Books) -> Iterator[MissedCase]:
    outcomes = {outcome.case_id: outcome for outcome in books.outcomes}
    actors: dict[str, dict[str, None]] = defaultdict(dict)
    for decision in books.decisions:
        if decision.actor:
            actors[decision.case_id][decision.actor] = None
    for case_id, clocks in missed_clocks(month, books).items():
        outcome = outcomes.get(case_id)
        yield MissedCase(
            case_id=case_id,
            state=outcome.state if outcome else None,
            label=outcome.state_label if outcome else None,
            closed=shanghai_day(outcome.closed_at) if outcome else None,
            clocks_run_out=outcome.clocks_run_out if outcome else len(clocks),
            clocks=tuple(clocks),
            actors=tuple(actors[case_id]),
            order=outcome.order if outcome else next((clock.order for clock in clocks if clock.order), None),
            clerk=books.clerks.get(case_id),
        )


def _deciders(decisions: Iterable[Decided]) -> Iterator[DeciderFigures]:
    """Yield who took how many decisions by which way, those who took most first."""
    taken = Counter((decision.party, decision.actor, decision.way) for decision in decisions)
    by_number = sorted(taken.items(), key=lambda item: (-item[1], *(name or "" for name in item[0])))
    for (party, actor, way), many in by_number:
        yield DeciderFigures(party=party, actor=actor, way=way, decisions=many)


def _appeals_won(entries: Sequence[Booked], outcomes: Sequence[CaseOutcome], appeals: Mapping[str, Appeals]) -> Share:
    """Return how many of the appealed cases that were ruled on were won."""
    appealed = {(entry.case_id, entry.clause) for entry in entries}
    won = lost = 0
    for outcome in outcomes:
        appeal = appeals.get(outcome.process)
        if appeal and (outcome.case_id, appeal.clause) in appealed:
            won += outcome.state == appeal.won
            lost += outcome.state == appeal.lost
    return Share(many=won, of=won + lost)


def _rules(month: Month, entries: Sequence[Booked], caps: Caps) -> Iterator[RuleFigures]:
    by_key = {entry.key: entry for entry in entries}
    counted = {
        status: [
            item
            for item in capped((entry for entry in entries if entry.status == status), caps)
            if by_key[item.entry.key].day in month
        ]
        for status in ("expected", "billed")
    }
    answered = {entry.answers for entry in entries if entry.answers}
    for clause in sorted({item.entry.clause for items in counted.values() for item in items}, key=_clause_order):
        expected, billed = ([item for item in counted[status] if item.entry.clause == clause] for status in counted)
        yield RuleFigures(
            clause=clause,
            expected=_sums(expected),
            billed=_sums(billed),
            answered=sum(item.entry.key in answered for item in expected),
            unexpected=sum(by_key[item.entry.key].answers is None for item in billed),
        )


def _clause_order(clause: str) -> tuple[str, int, str]:
    rule, _, number = clause.partition("-")
    return rule, int(number) if number.isascii() and number.isdigit() else 0, clause


def _sums(items: Sequence[Capped]) -> Sums:
    return Sums(
        entries=len(items),
        unknown=sum(item.entry.is_unknown for item in items),
        unknown_counted=sum(item.is_unknown for item in items),
        amount=sum((item.entry.amount or Decimal(0) for item in items), Decimal("0.00")),
        amount_counted=sum((item.amount or Decimal(0) for item in items), Decimal("0.00")),
        points=sum((item.entry.points or Decimal(0) for item in items), Decimal("0.0")),
        points_counted=sum((item.points or Decimal(0) for item in items), Decimal("0.0")),
    )


def _net(losses: Sequence[Sums], income: Sequence[Sums]) -> Net:
    lost, got = (sum((sums.amount_counted for sums in both), Decimal("0.00")) for both in (losses, income))
    lost_unknown, income_unknown = (sum(sums.unknown_counted for sums in both) for both in (losses, income))
    return Net(lost=lost, lost_unknown=lost_unknown, income=got, income_unknown=income_unknown, net=lost - got)


def _weeks(month: Month, entries: Sequence[Booked], rules: ScoreRules) -> Iterator[WeekFigures]:
    """Yield the weeks with late orders; an order that is both expected and billed counts once."""
    late = [entry for entry in entries if entry.clause in LATE_CLAUSES and entry.answers is None and not entry.income]
    first_late: dict[str, date] = {}
    for entry in sorted(late, key=lambda entry: entry.at):
        first_late.setdefault(entry.about or entry.key, monday(entry.day))
    for first, many in sorted(Counter(first_late.values()).items()):
        last = first + _LAST_DAY
        if last in month:
            yield WeekFigures(first=first, last=last, late_orders=many, score=str(weekly_score(many, rules=rules)))
