"""The plan and the plain books of a Double-11, against what the rules say of a few orders."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from aftersales.importing.case_files import read_shops
from aftersales.importing.exports import read_export
from aftersales.importing.mapping import read_mapping
from benchmarks.double_11 import books
from benchmarks.double_11.orders import CARD, DOUYIN, JD, RESHIP, Day, Fate, PlannedOrder, orders_of, write_export

NOON = datetime(2026, 11, 11, 4, tzinfo=UTC)
DAY = Day(NOON, timedelta(minutes=10))


def late(number: int, fate: Fate = Fate.LATE, shop: str = "1001", due: datetime = NOON) -> PlannedOrder:
    return PlannedOrder(DOUYIN, str(number), shop, fate, due - timedelta(hours=48), due)


def test_a_thousand_orders_have_the_shares_that_are_asked_for() -> None:
    fates = Counter(order.fate for order in orders_of(DOUYIN, 1000, DAY, NOON))
    assert fates[Fate.STALLED] == 20
    assert fates[Fate.LATE] + fates[Fate.LATE_TWICE] == 10
    assert fates[Fate.JUDGED] + fates[Fate.CLEARED] == 5
    assert fates[Fate.RESHIPPED] == 10
    fates = Counter(order.fate for order in orders_of(JD, 1000, DAY, NOON))
    assert (fates[Fate.LATE] + fates[Fate.LATE_AND_EXEMPT], fates[Fate.NOT_PICKED_UP]) == (10, 20)


def test_every_clock_of_the_day_is_due_in_it() -> None:
    dues = [order.clock_due for process in (DOUYIN, JD) for order in orders_of(process, 500, DAY, NOON)]
    assert all(DAY.begins < due < DAY.at(1) for due in dues if due)


def test_the_exports_are_read_without_a_rejected_row(tmp_path: Path) -> None:
    orders = {process: orders_of(process, 200, DAY, NOON) for process in (DOUYIN, JD)}
    for process, some in {**orders, RESHIP: orders[DOUYIN][:3], CARD: orders[JD][:3]}.items():
        export, mapping = write_export(tmp_path, process, some, NOON)
        read = read_export(export, read_mapping(mapping), read_shops(None), lambda _: None)
        assert (len(read.cases), read.rejected) == (len(some), [])


def test_ds_6_a_shop_is_fined_ten_yuan_an_order_and_at_most_500_a_day() -> None:
    orders = [*(late(number) for number in range(60)), late(60, shop="1002"), late(61, Fate.LATE_TWICE, "1003")]
    totals = books.totals(orders, {})
    assert {shop: found.fines for shop, found in totals.items()} == {
        "1001": Decimal(500),
        "1002": Decimal(10),
        "1003": Decimal(20),
    }


def test_ds_5_points_are_capped_by_day_and_what_was_cleared_is_none() -> None:
    orders = [PlannedOrder(DOUYIN, str(number), "1001", Fate.JUDGED, NOON) for number in range(12)]
    orders.append(PlannedOrder(DOUYIN, "99", "1002", Fate.CLEARED, NOON))
    totals = books.totals(orders, {order.case_id: NOON for order in orders})
    assert (totals["1001"].points, totals["1002"].points) == (Decimal(1), Decimal(0))


def test_jd_14_a_late_order_that_is_exempt_counts_no_more() -> None:
    orders = [
        PlannedOrder(JD, str(at), "1001", fate, NOON, NOON) for at, fate in enumerate((Fate.LATE, Fate.LATE_AND_EXEMPT))
    ]
    assert books.totals(orders, {})["1001"].late_orders == 1
