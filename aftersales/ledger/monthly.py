"""A month's figures of each shop, computed from its ledger.

Days, weeks and months are Shanghai's; a week belongs to the month in which it ends.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from aftersales.ledger.caps import LATE_CLAUSES, Capped, capped, monday, weekly_score
from cases.errors import BadForm
from cases.ledger import Booked, CaseOutcome
from cases.models import Strict
from workflows.registry import PROCESSES

LOOK_BACK = timedelta(days=157)
"""How far before a month entries still matter: an order lives at most 150 days (DS-7), and a week begins before."""
LOOK_AHEAD = timedelta(days=31)
"""How long after a month a bill may still answer what was expected in it."""
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Month:
    """A calendar month, from its first day to its last."""

    first: date
    last: date

    def __str__(self) -> str:
        """As it is written: 2026-11."""
        return f"{self.first:%Y-%m}"

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def month_of(written: str) -> Month:
    """The month that is written as 2026-11; raises BadForm."""
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", written, flags=re.ASCII):
        raise BadForm(f"month: 月份有误 / {written!r} is no month; expected one such as 2026-11")
    first = date.fromisoformat(f"{written}-01")
    return Month(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


class Sums(Strict):
    """Entries of one kind: how many, their CNY and points, and what of these counts within the caps."""

    entries: int
    amount: Decimal
    amount_counted: Decimal
    points: Decimal
    points_counted: Decimal


class RuleFigures(Strict):
    """What was expected and billed under a clause; ``unexpected``: bills that no case expects."""

    clause: str
    expected: Sums
    billed: Sums
    answered: int
    unexpected: int


class CaseFigures(Strict):
    """How many cases of a process ended in a state."""

    process: str
    state: str
    label: str
    cases: int


class Share(Strict):
    """So many of so many, and the share to four places; None where there are none."""

    many: int
    of: int

    @property
    def share(self) -> Decimal | None:
        """The share, half up."""
        return (Decimal(self.many) / self.of).quantize(Decimal("0.0001"), ROUND_HALF_UP) if self.of else None


class WeekFigures(Strict):
    """A week's late orders on JD and the score they make (JD-11): a range where the pickup rate is not known."""

    first: date
    last: date
    late_orders: int
    score: str


class ShopMonth(Strict):
    """A shop's month."""

    shop: str
    cases: tuple[CaseFigures, ...]
    decided_in_time: Share
    clocks_run_out: int
    rules: tuple[RuleFigures, ...]
    appeals_won: Share
    weeks: tuple[WeekFigures, ...]


def monthly(month: Month, entries: Sequence[Booked], outcomes: Sequence[CaseOutcome]) -> list[ShopMonth]:
    """The figures of every shop that has any; outcomes are those of the month.

    Entries are those from LOOK_BACK before the month until LOOK_AHEAD after it.
    """
    mine = [each for each in entries if each.day in month or monday(each.day) + WEEK - timedelta(days=1) in month]
    shops = {each.shop_id for each in mine} | {each.shop_id for each in outcomes}
    return [
        _shop(month, shop, [e for e in entries if e.shop_id == shop], [o for o in outcomes if o.shop_id == shop])
        for shop in sorted(shops)
    ]


def _shop(month: Month, shop: str, entries: list[Booked], outcomes: list[CaseOutcome]) -> ShopMonth:
    states = Counter((each.process, each.state, each.state_label) for each in outcomes)
    judged = [each.decided_before_deadline for each in outcomes if each.decided_before_deadline is not None]
    return ShopMonth(
        shop=shop,
        cases=tuple(
            CaseFigures(process=process, state=state, label=label, cases=many)
            for (process, state, label), many in sorted(states.items())
        ),
        decided_in_time=Share(many=sum(judged), of=len(judged)),
        clocks_run_out=sum(each.clocks_run_out for each in outcomes),
        rules=tuple(_rules(month, entries)),
        appeals_won=_appeals_won(entries, outcomes),
        weeks=tuple(_weeks(month, entries)),
    )


def _appeals_won(entries: list[Booked], outcomes: list[CaseOutcome]) -> Share:
    """Of the appealed cases that were ruled on, those that were won."""
    appealed = {(entry.case_id, entry.clause) for entry in entries}
    won = lost = 0
    for outcome in outcomes:
        process = PROCESSES.get(outcome.process)
        appeals = process.case.appeals if process else None
        if appeals and (outcome.case_id, appeals.clause) in appealed:
            won += outcome.state == appeals.won
            lost += outcome.state == appeals.lost
    return Share(many=won, of=won + lost)


def _rules(month: Month, entries: list[Booked]) -> Iterator[RuleFigures]:
    known = {each.key: each for each in entries}
    counted = {
        status: [
            each for each in capped(e for e in entries if e.status == status) if known[each.entry.key].day in month
        ]
        for status in ("expected", "billed")
    }
    answered = {each.answers for each in entries if each.answers}
    for clause in sorted({each.entry.clause for found in counted.values() for each in found}, key=_in_order):
        expected, billed = ([each for each in counted[status] if each.entry.clause == clause] for status in counted)
        yield RuleFigures(
            clause=clause,
            expected=_sums(expected),
            billed=_sums(billed),
            answered=sum(each.entry.key in answered for each in expected),
            unexpected=sum(known[each.entry.key].answers is None for each in billed),
        )


def _in_order(clause: str) -> tuple[str, int, str]:
    rule, _, number = clause.partition("-")
    return rule, int(number) if number.isascii() and number.isdigit() else 0, clause


def _sums(found: Iterable[Capped]) -> Sums:
    found = list(found)
    return Sums(
        entries=len(found),
        amount=sum((each.entry.amount or Decimal(0) for each in found), Decimal("0.00")),
        amount_counted=sum((each.amount or Decimal(0) for each in found), Decimal("0.00")),
        points=sum((each.entry.points or Decimal(0) for each in found), Decimal("0.0")),
        points_counted=sum((each.points or Decimal(0) for each in found), Decimal("0.0")),
    )


def _weeks(month: Month, entries: list[Booked]) -> Iterator[WeekFigures]:
    """The weeks with late orders; what is expected and billed for one order is one late order."""
    late = {(monday(e.day), e.about or e.key) for e in entries if e.clause in LATE_CLAUSES and e.answers is None}
    for first, many in sorted(Counter(first for first, _ in late).items()):
        last = first + WEEK - timedelta(days=1)
        if last in month:
            yield WeekFigures(first=first, last=last, late_orders=many, score=str(weekly_score(many)))
