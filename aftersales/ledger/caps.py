"""The caps of what platforms charge (JD-11, DS-5, DS-6), applied in order of time (SL-1).

Days and weeks, Monday to Sunday, are Shanghai's.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from cases.ledger import LedgerEntry
from cases.shanghai import shanghai_day

NOTHING = Decimal(0)
POINTS_CLAUSE = "DS-5"
MONEY_CLAUSE = "DS-6"
CAPPED = (POINTS_CLAUSE, MONEY_CLAUSE)
LATE_CLAUSES = ("JD-5", "JD-10")
"""Each entry under one of these is one late order of JD-11."""

PICKUP_RATE = Decimal("0.95")
WORST_SCORE = 7


@dataclass(frozen=True)
class Caps:
    """The figures of DS-5 (points a week and a day) and DS-6 (penalties an order, CNY a day and shop); None: unset."""

    points_a_week: Decimal | None = Decimal(2)
    points_a_day: Decimal | None = None
    penalties_an_order: int | None = 2
    money_a_day: Decimal | None = Decimal("500.00")


@dataclass(frozen=True)
class Capped:
    """An entry, and what of its amount (CNY) and points counts within the caps."""

    entry: LedgerEntry
    amount: Decimal | None
    points: Decimal | None


def monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def capped(entries: Iterable[LedgerEntry], caps: Caps | None = None) -> list[Capped]:
    """The entries in order of time, each with what counts of it; the caps are each shop's own.

    A penalty of which nothing counts is none of the two that an order may have.
    """
    points, money = _points(caps or Caps()), _money(caps or Caps())
    found = []
    for each in sorted(entries, key=lambda entry: (entry.at, entry.key)):
        counted = points(each) if each.clause == POINTS_CLAUSE else each.points
        amount = money(each) if each.clause == MONEY_CLAUSE else each.amount
        found.append(Capped(each, amount, counted))
    return found


def _points(caps: Caps) -> Callable[[LedgerEntry], Decimal | None]:
    weeks: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    days: dict[tuple[str, date], Decimal] = defaultdict(Decimal)

    def count(entry: LedgerEntry) -> Decimal | None:
        if entry.points is None:
            return None
        day = (entry.shop_id, shanghai_day(entry.at))
        week = (entry.shop_id, monday(day[1]))
        counts = min(entry.points, _left(caps.points_a_week, weeks[week]), _left(caps.points_a_day, days[day]))
        weeks[week] += counts
        days[day] += counts
        return counts

    return count


def _money(caps: Caps) -> Callable[[LedgerEntry], Decimal | None]:
    days: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    orders: Counter[tuple[str, str]] = Counter()

    def count(entry: LedgerEntry) -> Decimal | None:
        if entry.amount is None:
            return None
        day, order = (entry.shop_id, shanghai_day(entry.at)), (entry.shop_id, entry.about or entry.key)
        often = caps.penalties_an_order is not None and orders[order] >= caps.penalties_an_order
        counts = NOTHING if often else min(entry.amount, _left(caps.money_a_day, days[day]))
        days[day] += counts
        orders[order] += counts > 0
        return counts

    return count


def _left(cap: Decimal | None, used: Decimal) -> Decimal:
    return Decimal("Infinity") if cap is None else cap - used


@dataclass(frozen=True)
class Score:
    """A week's score of a shop (JD-11) lies between the two, which are the same where the pickup rate is known."""

    least: int
    most: int

    def __str__(self) -> str:
        """As it is told: 3, or 3-7."""
        return str(self.least) if self.least == self.most else f"{self.least}-{self.most}"


def weekly_score(late_orders: int, pickup_rate: Decimal | None = None) -> Score:
    """The score of a week with so many late orders, by the share of orders picked up within 48 h; None: not known."""
    if late_orders <= 0:
        return Score(0, 0)
    least = WORST_SCORE if pickup_rate is not None and pickup_rate < PICKUP_RATE else min(late_orders, WORST_SCORE)
    return Score(least, least if pickup_rate is not None else WORST_SCORE)
