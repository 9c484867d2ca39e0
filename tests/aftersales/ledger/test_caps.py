"""The caps of JD-11, DS-5 and DS-6, applied in order of time."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.ledger.caps import Capped, Caps, Score, ScoreRules, capped, figures_of, monday, weekly_score
from cases.ledger import LedgerEntry
from cases.shanghai import shanghai_day
from tests.support.records.booking import expected, november
from workflows.registry import PROCESSES


def penalty(own_id: str, at: datetime, **fields: Any) -> LedgerEntry:
    return expected(own_id, "DS-6", at, process="douyin_shipment", **({"amount": "10.00"} | fields))


def points(own_id: str, at: datetime, number: str = "0.1", **fields: Any) -> LedgerEntry:
    return expected(own_id, "DS-5", at, process="douyin_shipment", points=number, **fields)


def amounts(entries: list[Capped]) -> list[str]:
    return [str(entry.amount) for entry in entries]


def test_g_9_what_caps_the_penalties_of_a_shop_are_figures_of_its_policies() -> None:
    defaults = [process.case.policy_type()() for process in PROCESSES.values()]
    assert (figures_of(Caps, defaults), figures_of(ScoreRules, defaults)) == (Caps(), ScoreRules())
    own = {"points_a_day": "0.5", "fines_a_day": None, "points_a_week": "3"}
    shipments = PROCESSES["douyin_shipment"].case.policy_type().resolve(own)
    assert figures_of(Caps, [shipments]) == Caps(Decimal(3), Decimal("0.5"), 2, None)
    watches = PROCESSES["jd_shipment"].case.policy_type().resolve({"score_a_late_order": 2, "pickup_rate": "0.9"})
    rules = figures_of(ScoreRules, [shipments, watches])
    assert [str(weekly_score(2, Decimal(rate), rules)) for rate in ("0.9", "0.89")] == ["4", "7"]


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
    unknown = [expected(f"C{day}", "DS-5", november(day), process="douyin_shipment") for day in (2, 5)]
    counted = capped([unknown[0], *(points(f"C{day}", november(day), "1") for day in (3, 4)), unknown[1]])
    assert [(row.points, row.is_unknown) for row in counted] == [(None, True), (1, False), (1, False), (0, False)]


def test_ds_5_points_are_0_1_each_and_the_last_of_a_full_day_or_week_count_zero() -> None:
    day = [points(f"A{number}", november(2) + timedelta(minutes=number)) for number in range(12)]
    assert [str(row.points) for row in capped(day)] == [*["0.1"] * 10, "0.0", "0.0"]


def test_what_only_counts_has_no_amount_and_is_not_unknown() -> None:
    (row,) = capped([expected("C1", "DS-6", counted=True)])
    assert (row.amount, row.points, row.is_unknown) == (None, None, False)


def test_ds_6_the_third_late_shipment_of_an_order_blocks_the_product_and_uses_up_no_cap() -> None:
    blocked = expected("C0", "DS-6", november(2, 1), process="douyin_shipment", about="O1", counted=True)
    entries = [penalty(f"C{day}", november(day, 2), about="O1") for day in (2, 3, 4)]
    assert [row.amount for row in capped([blocked, *entries])] == [None, Decimal(10), Decimal(10), 0]


def test_what_only_counts_and_what_is_income_uses_up_no_cap() -> None:
    free = [
        expected("A1", "DS-6", november(2, 1), about="O1", counted=True),
        penalty("A2", november(2, 1), about="O1", amount="1000.00", income=True),
        points("A3", november(2, 1), "2", income=True),
    ]
    counted = capped([*free, penalty("C1", november(2, 2), about="O1", amount="500.00"), points("C2", november(2, 3))])
    assert [(row.amount, row.points) for row in counted] == [
        (None, None),
        (Decimal("1000.00"), None),
        (None, Decimal(2)),
        (Decimal("500.00"), None),
        (None, Decimal("0.1")),
    ]


def test_jd_14_an_order_is_late_once_whichever_cases_book_it_and_the_earliest_counts() -> None:
    late = {"about": "O1", "counted": True, "once_an_order": True}
    entries = [
        expected("C1", "JD-10", november(4), process="jd_shipment", **late),
        expected("C2", "JD-10", november(3), process="jd_shipment", **late),
        expected("C3", "JD-14", november(5), process="jd_delay_card", **late),
        expected("C4", "JD-10", november(2), process="jd_shipment", **(late | {"about": "O2"})),
        expected("C5", "JD-10", november(2), process="jd_shipment", shop_id="S2", **late),
    ]
    assert [row.entry.case_id.partition("/")[2] for row in capped(entries)] == ["C4", "C5", "C2", "C3"]


def test_ds_5_a_shop_gets_at_most_two_points_a_week_from_monday_to_sunday() -> None:
    week = [points(f"C{number:02}", november(2 + number // 7, number % 7)) for number in range(21)]
    sunday, next_monday = points("D1", november(8, 23, 59, 59)), points("D2", november(9, 0))
    counted = {row.entry.case_id.partition("/")[2]: row.points for row in capped([*week, sunday, next_monday])}
    assert [name for name, value in counted.items() if value == 0] == ["C20", "D1"]
    assert sum(counted.values(), Decimal(0)) == Decimal("2.1")
    assert counted["D2"] == Decimal("0.1")


def test_ds_5_the_daily_cap_is_one_and_can_be_lifted() -> None:
    day = [points(f"C{number}", november(2, number), "0.5") for number in range(3)]
    assert [row.points for row in capped(day)] == [*[Decimal("0.5")] * 2, Decimal(0)]
    assert [row.points for row in capped(day, Caps(points_a_day=None))] == [Decimal("0.5")] * 3


def test_what_no_cap_is_about_counts_in_full() -> None:
    entries = [expected(f"C{number}", "CL-3", amount="400.00") for number in range(3)]
    assert amounts(capped(entries)) == ["400.00"] * 3


MOMENTS = st.integers(0, 20 * 24).map(lambda hours: november(1, 0) + timedelta(hours=hours))
OWN = st.integers(0, 10**6).map(lambda number: f"C{number}")
ABOUT = {"about": st.sampled_from(["O1", "O2", "O3", "O4"]), "shop_id": st.sampled_from(["S1", "S2"])}
PENALTIES = st.builds(penalty, OWN, MOMENTS, amount=st.sampled_from(["10.00", "10.00", "400.00", "0.10"]), **ABOUT)
POINTS = st.builds(points, OWN, MOMENTS, st.sampled_from(["0.1", "0.1", "0.7", "3"]), **ABOUT)
LATE = st.builds(
    lambda *known, **about: expected(*known, process="jd_shipment", counted=True, **about),
    OWN,
    st.sampled_from(["JD-5", "JD-10", "JD-14"]),
    MOMENTS,
    once_an_order=st.booleans(),
    **ABOUT,
)
BLOCKED = st.builds(
    lambda *known, **about: expected(*known, counted=True, **about), OWN, st.just("DS-6"), MOMENTS, **ABOUT
)
UNKNOWN = st.builds(expected, OWN, st.sampled_from(["DS-5", "DS-6"]), MOMENTS, **ABOUT)
INCOME = st.builds(
    lambda own, clause, at, **about: expected(own, clause, at, amount="1000.00", income=True, **about),
    OWN,
    st.sampled_from(["DS-6", "DS-8"]),
    MOMENTS,
    **ABOUT,
)
ENTRIES = st.lists(
    st.one_of(PENALTIES, POINTS, LATE, BLOCKED, UNKNOWN, INCOME), max_size=40, unique_by=lambda entry: entry.key
)


@settings(max_examples=150)
@given(ENTRIES, st.randoms())
def test_no_cap_is_ever_passed_and_nothing_counts_more_than_was_entered(entries: list[LedgerEntry], by: Any) -> None:
    counted = capped(entries)
    money: dict[Any, Decimal] = defaultdict(Decimal)
    points_of: dict[Any, Decimal] = defaultdict(Decimal)
    penalties: dict[Any, int] = defaultdict(int)
    late: dict[Any, int] = defaultdict(int)
    for row in counted:
        assert Decimal(0) <= (row.amount or Decimal(0)) <= (row.entry.amount or Decimal(0))
        assert Decimal(0) <= (row.points or Decimal(0)) <= (row.entry.points or Decimal(0))
        late[row.entry.shop_id, row.entry.clause, row.entry.about] += row.entry.once_an_order
        if row.entry.income:
            assert row.amount == row.entry.amount
            continue
        day = shanghai_day(row.entry.at)
        money[row.entry.shop_id, day] += row.amount or 0
        for period in (day, (monday(day),)):
            points_of[row.entry.shop_id, period] += row.points or 0
        penalties[row.entry.shop_id, row.entry.about] += bool(row.amount)
    assert max(money.values(), default=Decimal(0)) <= 500
    for (_, period), many in points_of.items():
        assert many <= (2 if isinstance(period, tuple) else 1)
    assert max(penalties.values(), default=0) <= 2
    assert max(late.values(), default=0) <= 1
    assert {group for group, many in late.items() if many} == {
        (entry.shop_id, entry.clause, entry.about) for entry in entries if entry.once_an_order
    }
    by.shuffle(entries)
    assert capped(entries) == counted


@settings(max_examples=100)
@given(ENTRIES)
def test_what_uses_up_no_cap_changes_nothing_for_the_penalties(entries: list[LedgerEntry]) -> None:
    penalties = [entry for entry in entries if not entry.income and not entry.counted]
    assert [row for row in capped(entries) if row.entry in penalties] == capped(penalties)


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
