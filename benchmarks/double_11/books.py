"""The ledger as it must be, recomputed plainly from what became of the orders: none of the product's code is used."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from benchmarks.double_11.orders import SHANGHAI, Fate, PlannedOrder, card_of

FINE, FINES_A_DAY = Decimal("10.00"), Decimal("500.00")
"""DS-6: a late order, and what a shop is fined at most on a day."""
POINTS, POINTS_A_DAY, POINTS_A_WEEK = Decimal("0.1"), Decimal(1), Decimal(2)
"""DS-5: a judgement, and what a shop gets at most on a day and in a week."""


@dataclass(frozen=True, order=True)
class Entry:
    """What an order costs under a clause, or did until it was taken back; a late order of JD only counts."""

    case_id: str
    clause: str
    taken_back: bool = False
    amount: Decimal = Decimal(0)
    points: Decimal = Decimal(0)


@dataclass(frozen=True)
class ShopTotals:
    """What counts in a shop: fines and points within their caps, and its late orders."""

    fines: Decimal
    points: Decimal
    late_orders: int


def costs(order: PlannedOrder, judged_at: Mapping[str, datetime]) -> Iterator[tuple[datetime, Entry]]:
    """Yield what an order costs, with the instant."""
    due, case_id = order.clock_due, order.case_id
    match order.process, order.fate:
        case "douyin_shipment", Fate.LATE if due:
            yield due, Entry(case_id, "DS-6", amount=FINE)
        case "douyin_shipment", Fate.LATE_TWICE if due:
            yield due - timedelta(hours=24), Entry(case_id, "DS-6", amount=FINE)
            yield due, Entry(case_id, "DS-6", amount=FINE)
        case "douyin_shipment", Fate.JUDGED | Fate.CLEARED:
            yield judged_at[case_id], Entry(case_id, "DS-5", order.fate is Fate.CLEARED, points=POINTS)
        case "jd_shipment", Fate.LATE | Fate.NOT_PICKED_UP if due:
            yield due, Entry(case_id, "JD-10")
        case "jd_shipment", Fate.LATE_AND_EXEMPT if due:
            yield due, Entry(case_id, "JD-10", taken_back=True)
            yield due, Entry(card_of(order), "JD-14", taken_back=True)


def entries(orders: Iterable[PlannedOrder], judged_at: Mapping[str, datetime]) -> list[Entry]:
    """Return all entries, sorted."""
    return sorted(entry for order in orders for _, entry in costs(order, judged_at))


def totals(orders: Iterable[PlannedOrder], judged_at: Mapping[str, datetime]) -> dict[str, ShopTotals]:
    """Return what counts, by shop; the caps go by the day and the week, from Monday, in Shanghai."""
    fines: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    points: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    late: Counter[str] = Counter()
    for order in orders:
        for at, entry in costs(order, judged_at):
            day = (order.shop, at.astimezone(SHANGHAI).date())
            if not entry.taken_back:
                fines[day] += entry.amount
                points[day] += entry.points
                late[order.shop] += entry.clause.startswith("JD-")
    weeks: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for (shop, on), got in points.items():
        weeks[shop, on - timedelta(days=on.weekday())] += min(got, POINTS_A_DAY)
    return {
        shop: ShopTotals(
            sum((min(fined, FINES_A_DAY) for (whose, _), fined in fines.items() if whose == shop), Decimal(0)),
            sum((min(got, POINTS_A_WEEK) for (whose, _), got in weeks.items() if whose == shop), Decimal(0)),
            late[shop],
        )
        for shop in sorted({order.shop for order in orders})
    }


def ends(orders: Iterable[PlannedOrder]) -> dict[str, str]:
    """Return the state in which every case of the orders ends; that of a reship is not among them."""
    found = {}
    for order in orders:
        match order.process, order.fate:
            case "douyin_shipment", Fate.RESHIPPED:
                found[order.case_id] = "watch_ended"
            case "douyin_shipment", _:
                found[order.case_id] = "delivered"
            case _, Fate.CANCELLED:
                found[order.case_id] = "cancelled"
            case _:
                found[order.case_id] = "picked_up"
        if order.fate is Fate.LATE_AND_EXEMPT:
            found[card_of(order)] = "shipped_on_time"
    return found
