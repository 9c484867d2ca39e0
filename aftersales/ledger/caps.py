"""Caps on platforms' penalties (JD-11, DS-5, DS-6), applied oldest first (SL-1).

Days and weeks (Monday to Sunday) are Shanghai's.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from aftersales.ledger.once_an_order import counting
from cases.ledger import LedgerEntry
from cases.policy import Policy
from cases.shanghai import shanghai_day

_NOTHING = Decimal(0)
_POINTS_CLAUSE = "DS-5"
_MONEY_CLAUSE = "DS-6"
LATE_CLAUSES = ("JD-5", "JD-10", "JD-11", "JD-14")
"""An entry under one of these clauses is a late order of JD-11; an order is one, however many of them it has."""

FIGURED_CLAUSES = (_POINTS_CLAUSE, _MONEY_CLAUSE, *LATE_CLAUSES)
"""The clauses to which the figures of a shop's policies matter."""


@dataclass(frozen=True)
class Caps:
    """The caps of DS-5 (points a week and a day) and DS-6 (penalties an order, CNY a day); None means no cap.

    Those of a shop are the figures of these names in its policies (``figures_of``).
    """

    points_a_week: Decimal | None = Decimal(2)
    points_a_day: Decimal | None = Decimal(1)
    penalties_an_order: int | None = 2
    fines_a_day: Decimal | None = Decimal("500.00")


@dataclass(frozen=True)
class ScoreRules:
    """The figures of a shop's weekly score (JD-11): what a late order costs, at most, and below which pickup rate."""

    pickup_rate: Decimal = Decimal("0.95")
    score_a_late_order: int = 1
    score_a_week: int = 7


Figures = TypeVar("Figures", Caps, ScoreRules)


def figures_of(kind: type[Figures], policies: Iterable[Policy]) -> Figures:
    """Return the figures that the policies of a shop have, each by its name; those that none has are as above."""
    names = [field.name for field in fields(kind)]
    return kind(**{name: getattr(one, name).value for one in policies for name in names if name in one.figures()})


@dataclass(frozen=True)
class Capped:
    """An entry, and the part of its amount (CNY) and points that counts within the caps.

    Of an unknown entry that part is unknown too, unless a cap is reached: then it is zero, whatever was entered.
    """

    entry: LedgerEntry
    amount: Decimal | None
    points: Decimal | None

    @property
    def is_unknown(self) -> bool:
        """Whether it is unknown what counts."""
        return self.entry.is_unknown and self.amount is None and self.points is None


def monday(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def capped(entries: Iterable[LedgerEntry], caps: Caps | None = None) -> list[Capped]:
    """Apply the caps to entries, oldest first and each shop by itself.

    A penalty that does not count at all is not one of the two that an order may have; one of unknown amount is.  What
    only counts, or is income, is no penalty: it uses up no cap.  What counts once an order is left out where an earlier
    entry counts.
    """
    points, money = _points(caps or Caps()), _money(caps or Caps())
    result = []
    for entry in counting(entries):
        capped_clause = None if entry.income else entry.clause
        counted = points(entry) if capped_clause == _POINTS_CLAUSE else entry.points
        amount = money(entry) if capped_clause == _MONEY_CLAUSE else entry.amount
        result.append(Capped(entry, amount, counted))
    return result


def _points(caps: Caps) -> Callable[[LedgerEntry], Decimal | None]:
    weeks: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    days: dict[tuple[str, date], Decimal] = defaultdict(Decimal)

    def count(entry: LedgerEntry) -> Decimal | None:
        if entry.points is None and not entry.is_unknown:
            return None
        day = (entry.shop_id, shanghai_day(entry.at))
        week = (entry.shop_id, monday(day[1]))
        left = min(_left(caps.points_a_week, weeks[week]), _left(caps.points_a_day, days[day]))
        if entry.points is None:
            return None if left else _NOTHING
        counts = min(entry.points, left)
        weeks[week] += counts
        days[day] += counts
        return counts

    return count


def _money(caps: Caps) -> Callable[[LedgerEntry], Decimal | None]:
    days: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    orders: Counter[tuple[str, str]] = Counter()

    def count(entry: LedgerEntry) -> Decimal | None:
        if entry.amount is None and not entry.is_unknown:
            return None
        day, order = (entry.shop_id, shanghai_day(entry.at)), (entry.shop_id, entry.about or entry.key)
        often = caps.penalties_an_order is not None and orders[order] >= caps.penalties_an_order
        left = _NOTHING if often else _left(caps.fines_a_day, days[day])
        if entry.amount is None:
            orders[order] += left > 0
            return None if left else _NOTHING
        counts = min(entry.amount, left)
        days[day] += counts
        orders[order] += counts > 0
        return counts

    return count


def _left(cap: Decimal | None, used: Decimal) -> Decimal:
    return Decimal("Infinity") if cap is None else cap - used


@dataclass(frozen=True)
class Score:
    """A shop's score of a week (JD-11): a range, of one value if the pickup rate is known."""

    least: int
    most: int

    def __str__(self) -> str:
        """Format as 3 or 3-7."""
        return str(self.least) if self.least == self.most else f"{self.least}-{self.most}"


def weekly_score(late_orders: int, pickup_rate: Decimal | None = None, rules: ScoreRules | None = None) -> Score:
    """Return a week's score by its late orders and the share of orders picked up within 48 h, None if unknown."""
    if late_orders <= 0:
        return Score(0, 0)
    rules = rules or ScoreRules()
    worst, by_number = rules.score_a_week, late_orders * rules.score_a_late_order
    least = worst if pickup_rate is not None and pickup_rate < rules.pickup_rate else min(by_number, worst)
    return Score(least, least if pickup_rate is not None else worst)
