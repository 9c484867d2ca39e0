"""The caps of JD-11, DS-5 and DS-6, applied in order of time."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.ledger.caps import Capped, Caps, Score, capped, monday, weekly_score
from cases.ledger import LedgerEntry
from cases.shanghai import shanghai_day
from tests.support.booking import expected, november


def penalty(own_id: str, at: datetime, **fields: Any) -> LedgerEntry:
    return expected(own_id, "DS-6", at, process="douyin_shipment", **({"amount": "10.00"} | fields))


def points(own_id: str, at: datetime, number: str = "0.1", **fields: Any) -> LedgerEntry:
    return expected(own_id, "DS-5", at, process="douyin_shipment", points=number, **fields)


def amounts(entries: list[Capped]) -> list[str]:
    return [str(entry.amount) for entry in entries]


def test_ds_6_an_order_is_penalised_at_most_twice() -> None:
    entries = [penalty(f"C{day}", november(day), about="O1") for day in (2, 3, 4)]
    assert amounts(capped(entries)) == ["10.00", "10.00", "0"]


def test_ds_6_a_shop_pays_at_most_500_a_day_and_the_day_is_shanghais() -> None:
    one_day = [penalty(f"C{number}", november(2, 0) + timedelta(minutes=number)) for number in range(52)]
    next_day = penalty("D1", november(3, 0))
    other_shop = penalty("D2", november(2, 23), shop_id="S2")
    counted = capped([*one_day, next_day, other_shop])
    assert sum((row.amount or Decimal(0) for row in counted), Decimal(0)) == Decimal("520.00")
    assert [row.entry.case_id for row in counted if row.amount == 0] == [
        "douyin_shipment/C50",
        "douyin_shipment/C51",
    ]


def test_ds_6_the_last_penalty_of_a_full_day_counts_in_part() -> None:
    entries = [penalty("C1", november(2, 1), amount="495.00"), penalty("C2", november(2, 2))]
    assert amounts(capped(entries)) == ["495.00", "5.00"]


def test_ds_6_a_penalty_of_which_nothing_counted_is_none_of_the_orders_two() -> None:
    full = penalty("C0", november(2, 1), amount="500.00")
    entries = [penalty(f"C{day}", november(day, 2), about="O1") for day in (2, 3, 4)]
    assert amounts(capped([full, *entries])) == ["500.00", "0.00", "10.00", "10.00"]


def test_ds_6_a_penalty_of_unknown_amount_is_one_of_the_orders_two_and_what_counts_of_it_is_unknown() -> None:
    unknown = [expected(f"C{day}", "DS-6", november(day), process="douyin_shipment", about="O1") for day in (2, 4)]
    counted = capped([unknown[0], penalty("C3", november(3), about="O1"), unknown[1]])
    assert [(row.amount, row.is_unknown) for row in counted] == [(None, True), (Decimal("10.00"), False), (0, False)]


def test_ds_6_a_penalty_of_unknown_amount_on_a_full_day_does_not_count() -> None:
    full = penalty("C0", november(2, 1), amount="500.00")
    unknown = expected("C1", "DS-6", november(2, 2), process="douyin_shipment", about="O1")
    later = [penalty(f"C{day}", november(day), about="O1") for day in (3, 4)]
    assert amounts(capped([full, unknown, *later])) == ["500.00", "0", "10.00", "10.00"]


def test_ds_5_unknown_points_are_unknown_until_the_week_is_full() -> None:
    unknown = [expected(f"C{day}", "DS-5", november(day), process="douyin_shipment") for day in (2, 4)]
    counted = capped([unknown[0], points("C3", november(3), "2"), unknown[1]])
    assert [(row.points, row.is_unknown) for row in counted] == [(None, True), (2, False), (0, False)]


def test_what_only_counts_has_no_amount_and_is_not_unknown() -> None:
    (row,) = capped([expected("C1", "DS-6", counted=True)])
    assert (row.amount, row.points, row.is_unknown) == (None, None, False)


def test_ds_5_a_shop_gets_at_most_two_points_a_week_from_monday_to_sunday() -> None:
    week = [points(f"C{number}", november(2) + timedelta(hours=number)) for number in range(21)]
    sunday, next_monday = points("D1", november(8, 23, 59, 59)), points("D2", november(9, 0))
    counted = {row.entry.case_id.partition("/")[2]: row.points for row in capped([*week, sunday, next_monday])}
    assert [name for name, value in counted.items() if value == 0] == ["C20", "D1"]
    assert counted["D2"] == Decimal("0.1")


def test_ds_5_the_daily_cap_is_unset_and_can_be_set() -> None:
    day = [points(f"C{number}", november(2, number), "0.5") for number in range(3)]
    assert [row.points for row in capped(day)] == [Decimal("0.5")] * 3
    assert [row.points for row in capped(day, Caps(points_a_day=Decimal(1)))] == [*[Decimal("0.5")] * 2, Decimal(0)]


def test_what_no_cap_is_about_counts_in_full() -> None:
    entries = [expected(f"C{number}", "CL-3", amount="400.00") for number in range(3)]
    assert amounts(capped(entries)) == ["400.00"] * 3


MOMENTS = st.integers(0, 20 * 24).map(lambda hours: november(1, 0) + timedelta(hours=hours))
ENTRIES = st.lists(
    st.builds(
        lambda number, at, order, shop, amount, ds_6: (
            penalty(f"C{number}", at, about=order, shop_id=shop, amount=str(amount))
            if ds_6
            else points(f"C{number}", at, str(amount / 100), about=order, shop_id=shop)
        ),
        st.integers(0, 10**6),
        MOMENTS,
        st.sampled_from(["O1", "O2", "O3", "O4"]),
        st.sampled_from(["S1", "S2"]),
        st.decimals("0.10", "400", places=1),
        st.booleans(),
    ),
    max_size=30,
    unique_by=lambda entry: entry.key,
)


@settings(max_examples=60)
@given(ENTRIES, st.randoms())
def test_no_cap_is_ever_passed_and_nothing_counts_more_than_was_entered(entries: list[LedgerEntry], by: Any) -> None:
    counted = capped(entries)
    days: dict[Any, Decimal] = defaultdict(Decimal)
    weeks: dict[Any, Decimal] = defaultdict(Decimal)
    orders: dict[Any, int] = defaultdict(int)
    for row in counted:
        assert Decimal(0) <= (row.amount or Decimal(0)) <= (row.entry.amount or Decimal(0))
        assert Decimal(0) <= (row.points or Decimal(0)) <= (row.entry.points or Decimal(0))
        day = shanghai_day(row.entry.at)
        days[row.entry.shop_id, day] += row.amount or 0
        weeks[row.entry.shop_id, monday(day)] += row.points or 0
        orders[row.entry.shop_id, row.entry.about] += bool(row.amount)
    assert max(days.values(), default=Decimal(0)) <= 500
    assert max(weeks.values(), default=Decimal(0)) <= 2
    assert max(orders.values(), default=0) <= 2
    by.shuffle(entries)
    assert capped(entries) == counted


@settings(max_examples=40)
@given(ENTRIES)
def test_what_comes_later_changes_nothing_before_it(entries: list[LedgerEntry]) -> None:
    counted = capped(entries)
    half = len(counted) // 2
    assert capped([row.entry for row in counted[:half]]) == counted[:half]


@pytest.mark.parametrize(
    ("late", "rate", "score"),
    [
        (0, None, Score(0, 0)),
        (0, "0.10", Score(0, 0)),
        (1, "0.95", Score(1, 1)),
        (7, "1", Score(7, 7)),
        (8, "0.99", Score(7, 7)),
        (1, "0.9499", Score(7, 7)),
        (3, None, Score(3, 7)),
        (9, None, Score(7, 7)),
    ],
)
def test_jd_11_the_score_of_a_week(late: int, rate: str | None, score: Score) -> None:
    assert weekly_score(late, rate and Decimal(rate)) == score  # type: ignore[arg-type]


def test_jd_11_a_score_with_an_unknown_rate_is_a_range() -> None:
    assert [str(weekly_score(late)) for late in (0, 3, 7)] == ["0", "3-7", "7"]
