"""A month's figures, worked out by hand."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftersales.ledger.caps import monday
from aftersales.ledger.month_clocks import ClockNames
from aftersales.ledger.month_figures import (
    Books,
    DeciderFigures,
    MissedCase,
    Month,
    Net,
    RuleFigures,
    Share,
    ShopMonth,
    Sums,
    month_of,
    shop_months,
)
from cases.case import Appeals
from cases.errors import BadForm
from cases.ledger import Booked, CaseOutcome, Decided, LedgerEntry, Missed
from cases.shanghai import SHANGHAI, shanghai_day
from tests.support.records.booking import bill, booked, decided, ended, expected, november
from workflows.registry import PROCESSES

APPEALS = {"claim_1688": Appeals(clause="CL-5", won="dismissed", lost="established")}
NOVEMBER = month_of("2026-11")


def billed(bill_id: str, clause: str = "CL-3", answers: str | None = None, **fields: Any) -> Booked:
    """Return a bill as the ledger stores it."""
    answer = bill(bill_id, clause, **fields)
    plain = LedgerEntry(
        key=answer.key,
        case_id="",
        shop_id=answer.shop_id,
        clause=clause,
        order=answer.order,
        at=answer.at,
        amount=answer.amount,
        points=answer.points,
        income=answer.income,
        status="billed",
    )
    return booked(plain, answers=answers)


def only(entries: list[Booked], *outcomes: Any) -> ShopMonth:
    (shop,) = shop_months(NOVEMBER, Books(entries, (), outcomes), APPEALS)
    return shop


def rule(entries: list[Booked], clause: str) -> RuleFigures:
    (figures,) = [row for row in only(entries).rules if row.clause == clause]
    return figures


def taken(own_id: str = "C1", shop: str = "S1", **fields: Any) -> Decided:
    """Return a decision as the ledger stores it."""
    case = {"case_id": f"claim_1688/{own_id}", "process": "claim_1688", "shop_id": shop}
    return Decided(**decided(**fields).model_dump(), **case)


def sums(entries: int, amount: str, counted: str | None = None, unknown: tuple[int, int] = (0, 0)) -> Sums:
    return Sums(
        entries=entries,
        unknown=unknown[0],
        unknown_counted=unknown[1],
        amount=Decimal(amount),
        amount_counted=Decimal(counted or amount),
        points=Decimal(0),
        points_counted=Decimal(0),
    )


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2026-11", "2026-11-01", "2026-11-30"),
        ("2028-02", "2028-02-01", "2028-02-29"),
        ("2026-12", "2026-12-01", "2026-12-31"),
    ],
)
def test_a_month_runs_from_its_first_day_to_its_last(written: str, first: str, last: str) -> None:
    month = month_of(written)
    assert (month.first, month.last, str(month)) == (date.fromisoformat(first), date.fromisoformat(last), written)


@pytest.mark.parametrize("written", ["2026-13", "2026-1", "2026", "11-2026", "2026-11-01", "2026-1١", "", "1999-01"])
def test_an_invalid_month_is_refused(written: str) -> None:
    with pytest.raises(BadForm, match="expected a month such as 2026-11"):
        month_of(written)


def test_a_month_without_anything_has_no_shops() -> None:
    assert shop_months(NOVEMBER, Books(), APPEALS) == []
    october = booked(expected(at=datetime(2026, 10, 20, tzinfo=SHANGHAI)))
    december = booked(expected(at=datetime(2026, 12, 8, tzinfo=SHANGHAI)))
    assert shop_months(NOVEMBER, Books([october, december]), APPEALS) == []


def test_cases_are_counted_by_process_and_state() -> None:
    outcomes = [
        ended("C1", "dismissed", clocks_run_out=1),
        ended("C2", "dismissed", decided_before_deadline=None),
        ended("C3", "established", decided_before_deadline=False, clocks_run_out=2),
        ended("A1", "completed", process="douyin_reship"),
    ]
    shop = only([], *outcomes)
    assert [(case.process, case.state, case.cases) for case in shop.cases] == [
        ("claim_1688", "dismissed", 2),
        ("claim_1688", "established", 1),
        ("douyin_reship", "completed", 1),
    ]
    assert (shop.decided_in_time, shop.decided_in_time.share) == (Share(many=2, of=3), Decimal("0.6667"))
    assert shop.clocks_run_out == 3


def test_what_was_expected_and_what_was_billed_stand_beside_each_other() -> None:
    first, second = expected("C1", amount="5.00"), expected("C2", amount="10.00")
    entries = [
        booked(first),
        booked(second),
        billed("B1", answers=first.key, order="OC1", amount="6.00"),
        billed("B2", order="O9", amount="7.50"),
    ]
    assert rule(entries, "CL-3") == RuleFigures(
        clause="CL-3", expected=sums(2, "15.00"), billed=sums(2, "13.50"), answered=1, unexpected=1
    )


def test_ds_6_the_caps_look_back_beyond_the_month() -> None:
    october = [datetime(2026, 10, day, 9, tzinfo=SHANGHAI) for day in (30, 31)]
    entries = [
        booked(expected(f"C{number}", "DS-6", at, about="O1", amount="10.00"))
        for number, at in enumerate([*october, november(1)])
    ]
    assert rule(entries, "DS-6").expected == sums(1, "10.00", "0.00")


def test_ds_6_what_was_billed_beyond_the_caps_is_seen() -> None:
    entries = [billed(f"B{number}", "DS-6", order=f"O{number}", amount="10.00") for number in range(52)]
    assert rule(entries, "DS-6").billed == sums(52, "520.00", "500.00")


def test_ds_5_points_are_counted_up_to_two_a_week() -> None:
    entries = [
        booked(expected(f"C{number}", "DS-5", november(2 + number % 5, number), points="0.1")) for number in range(24)
    ]
    totals = rule(entries, "DS-5").expected
    assert (totals.points, totals.points_counted, totals.amount) == (Decimal("2.4"), Decimal("2.0"), Decimal(0))


def test_cl_5_of_appealed_claims_that_were_ruled_on_the_dismissed_ones_are_won() -> None:
    appealed = [booked(expected(f"C{number}", "CL-5", november(1))) for number in range(1, 5)]
    outcomes = [
        ended("C1", "dismissed"),
        ended("C2", "established"),
        ended("C3", "dismissed"),
        ended("C4", "buyer_withdrew"),
        ended("C5", "dismissed"),  # the platform dropped it without an appeal
    ]
    appeals = only(appealed, *outcomes).appeals_won
    assert (appeals, appeals.share) == (Share(many=2, of=3), Decimal("0.6667"))


def test_without_appeals_there_is_no_share_of_them() -> None:
    assert only([], ended("C1", "dismissed")).appeals_won.share is None


def test_jd_11_a_week_belongs_to_the_month_in_which_it_ends_and_an_order_is_late_once() -> None:
    october_31 = datetime(2026, 10, 31, 9, tzinfo=SHANGHAI)  # a Saturday: its week ends on November 1
    late = [
        expected("D1", "JD-5", october_31, process="jd_delay_card"),
        expected("D2", "JD-5", november(3), process="jd_delay_card"),
        expected("D3", "JD-10", november(3), process="jd_shipment", about="OD2"),
        expected("D4", "JD-10", november(8, 23, 59), process="jd_shipment"),
        expected("D5", "JD-10", november(9, 0), process="jd_shipment"),
        expected("D6", "JD-10", november(30), process="jd_shipment"),
    ]
    answered = billed("B1", "JD-10", answers=late[3].key, order="OD4", at=november(8, 23, 59))
    weeks = only([*map(booked, late), answered]).weeks
    assert [(str(week.first), str(week.last), week.late_orders, week.score) for week in weeks] == [
        ("2026-10-26", "2026-11-01", 1, "1-7"),
        ("2026-11-02", "2026-11-08", 2, "2-7"),
        ("2026-11-09", "2026-11-15", 1, "1-7"),
    ]


LATE = {"counted": True, "once_an_order": True}


def test_jd_11_an_order_is_late_in_the_week_in_which_it_first_was_under_whatever_clause() -> None:
    late = [
        expected("OD1", "JD-10", november(3), process="jd_shipment", about="OD1", **LATE),
        expected("OD1", "JD-14", november(10), process="jd_delay_card", about="OD1", **LATE),
        expected("C1", "JD-5", november(17), process="jd_delay_card", about="OD1", counted=True),
        expected("OD2", "JD-14", november(11), process="jd_presale_shortage", about="OD2", **LATE),
        expected("C9", "JD-10", november(12), process="jd_shipment", about="OD2", status="reversed", **LATE),
    ]
    shop = only([*map(booked, late)])
    assert [(str(week.first), week.late_orders) for week in shop.weeks] == [("2026-11-02", 1), ("2026-11-09", 1)]
    assert {rule.clause: rule.expected.entries for rule in shop.rules} == {"JD-5": 1, "JD-10": 1, "JD-14": 2}


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.sampled_from(["JD-5", "JD-10", "JD-14"]),
            st.sampled_from([f"O{number}" for number in range(12)]),
            st.integers(2 * 24, 16 * 24 - 1),
        ),
        max_size=40,
        unique_by=lambda entry: entry[:3],
    ),
    st.randoms(),
)
def test_jd_11_a_week_takes_at_most_7_points_and_an_order_one_however_many_cases_saw_it(
    seen: list[tuple[int, str, str, int]], by: Random
) -> None:
    entries = [
        booked(
            expected(f"C{case}", clause, november(1, 0) + timedelta(hours=hour), about=order, process="p", **LATE)
            if clause != "JD-5"
            else expected(f"C{case}", clause, november(1, 0) + timedelta(hours=hour), about=order, process="p")
        )
        for case, clause, order, hour in seen
    ]
    by.shuffle(entries)
    months = shop_months(NOVEMBER, Books(entries), APPEALS)
    weeks = months[0].weeks if months else ()
    first = {order: min(hour for *_, about, hour in seen if about == order) for *_, order, _ in seen}
    late = Counter(monday(shanghai_day(november(1, 0) + timedelta(hours=hour))) for hour in first.values())
    assert {week.first: week.late_orders for week in weeks} == late
    for week in weeks:
        least, most = week.score.split("-") if "-" in week.score else [week.score] * 2
        assert (int(least), int(most)) == (min(week.late_orders, 7), 7)


def test_jd_14_what_other_cases_made_superfluous_is_entered_once() -> None:
    entries = [
        booked(expected(f"C{day}", "DS-1", november(day), about="O1", amount="10.00", once_an_order=True))
        for day in (4, 3, 5)
    ]
    assert rule(entries, "DS-1").expected == sums(1, "10.00")


def test_ds_8_income_is_a_line_of_its_own_and_counted_against_losses() -> None:
    fee = expected("I1", "DS-8", amount="12.00", process="douyin_interception")
    income = expected("I1", "DS-8", amount="300.00", process="douyin_interception", about="OI1x", income=True)
    unknown = expected("I2", "DS-8", process="douyin_interception", income=True)
    paid = billed("B1", "DS-8", answers=income.key, order="OI1x", amount="250.00", income=True)
    shop = only([booked(fee), booked(income), booked(unknown), paid, billed("B2", "DR-10", amount="3.00")])
    assert [(row.clause, row.expected.amount, row.billed.amount) for row in shop.rules] == [
        ("DR-10", Decimal("0.00"), Decimal("3.00")),
        ("DS-8", Decimal("12.00"), Decimal("0.00")),
    ]
    assert shop.income == (
        RuleFigures(
            clause="DS-8",
            expected=sums(2, "300.00", unknown=(1, 1)),
            billed=sums(1, "250.00"),
            answered=1,
            unexpected=0,
        ),
    )
    assert shop.expected_net == Net(
        lost=Decimal("12.00"), lost_unknown=0, income=Decimal("300.00"), income_unknown=1, net=Decimal("-288.00")
    )
    assert shop.billed_net.net == Decimal("-247.00")


def test_what_counts_against_income_is_what_is_left_within_the_caps() -> None:
    late = [booked(expected(f"C{day}", "DS-6", november(day), about="O1", amount="10.00")) for day in (2, 3, 4)]
    assert only(late).expected_net.lost == Decimal("20.00")


def test_every_shop_has_its_own_month() -> None:
    books = Books([booked(expected(shop_id="S2", amount="1.00"))], [taken(shop="S3")], [ended("C1", shop_id="S1")])
    shops = shop_months(NOVEMBER, books, APPEALS)
    assert [(shop.shop, len(shop.cases), len(shop.rules), len(shop.decisions)) for shop in shops] == [
        ("S1", 1, 0, 0),
        ("S2", 0, 1, 0),
        ("S3", 0, 0, 1),
    ]


def test_clauses_stand_in_the_order_of_the_rule_book() -> None:
    entries = [booked(expected(f"C{n}", clause)) for n, clause in enumerate(["DR-11", "CL-3", "DR-10", "DR-9", "odd"])]
    assert [row.clause for row in only(entries).rules] == ["CL-3", "DR-9", "DR-10", "DR-11", "odd"]


def test_g_11_what_was_taken_back_is_in_no_figure() -> None:
    back = [expected(clause=clause, amount="5.00", status="reversed") for clause in ("CL-3", "CL-5", "JD-5")]
    assert shop_months(NOVEMBER, Books([booked(entry) for entry in back]), APPEALS) == []
    shop = only([*map(booked, back), booked(expected("C2", amount="1.00"))], ended("C1", "dismissed"))
    assert [(rule.clause, rule.expected.entries) for rule in shop.rules] == [("CL-3", 1)]
    assert (shop.appeals_won, shop.weeks) == (Share(many=0, of=0), ())


def test_an_amount_that_is_unknown_is_counted_as_unknown_never_as_zero() -> None:
    entries = [booked(expected("C1", amount="5.00")), booked(expected("C2")), billed("B1", order="O9")]
    assert rule(entries, "CL-3") == RuleFigures(
        clause="CL-3",
        expected=sums(2, "5.00", unknown=(1, 1)),
        billed=sums(1, "0.00", unknown=(1, 1)),
        answered=0,
        unexpected=1,
    )


def test_what_only_counts_and_its_bill_are_not_unknown() -> None:
    late = expected("D1", "JD-10", process="jd_shipment", counted=True)
    points = expected("D2", "JD-10", process="jd_shipment", points="0.1")
    figures = rule([booked(late), booked(points), billed("B1", "JD-10", answers=late.key, order="OD1")], "JD-10")
    assert (figures.expected.unknown, figures.billed.unknown, figures.answered) == (0, 0, 1)


def test_ds_6_an_unknown_penalty_beyond_the_caps_is_known_not_to_count() -> None:
    entries = [
        booked(expected(f"C{day}", "DS-6", november(day), about="O1", **({"amount": "10.00"} if day == 2 else {})))
        for day in (2, 3, 4)
    ]
    assert rule(entries, "DS-6").expected == sums(3, "10.00", unknown=(2, 1))


def test_g_13_the_month_says_who_took_how_many_decisions_by_which_way() -> None:
    october = datetime(2026, 10, 31, 23, tzinfo=SHANGHAI)
    decisions = [
        *(taken(key=f"{number}") for number in range(3)),
        taken(key="w", way="web_ui"),
        taken(key="d", actor=None, way="default"),
        taken(key="b", party="buyer", actor=None, way="message"),
        taken(key="o", at=october, actor="li"),
    ]
    (shop,) = shop_months(NOVEMBER, Books([], decisions), APPEALS)
    assert shop.decisions == (
        DeciderFigures(party="merchant", actor="wang", way="command", decisions=3),
        DeciderFigures(party="buyer", actor=None, way="message", decisions=1),
        DeciderFigures(party="merchant", actor=None, way="default", decisions=1),
        DeciderFigures(party="merchant", actor="wang", way="web_ui", decisions=1),
    )


def test_g_13_a_missed_deadline_names_its_case_and_who_decided_in_it() -> None:
    october = datetime(2026, 10, 31, 23, tzinfo=SHANGHAI)
    decisions = [
        taken("C1", key="1", at=october, actor="li"),
        taken("C1", key="2"),
        taken("C1", key="3"),
        taken("C1", key="4", actor=None, way="default"),
        taken("C2"),
    ]
    missed = ended("C1", "established", decided_before_deadline=False, clocks_run_out=2, state_label="成立")
    (shop,) = shop_months(
        NOVEMBER, Books([], decisions, [missed, ended("C2"), ended("C3", decided_before_deadline=None)]), APPEALS
    )
    assert shop.missed == (
        MissedCase(
            case_id="claim_1688/C1",
            state="established",
            label="成立",
            closed=date(2026, 11, 5),
            clocks_run_out=2,
            actors=("li", "wang"),
            order="OC1",
        ),
    )


def late(own_id: str, day: int, **fields: Any) -> Booked:
    """Return the late order that only a clock of ours enters."""
    return booked(expected(own_id, "DS-6", november(day), process="douyin_shipment", counted=True, **fields))


def missed_in(
    month: Month, *entries: Booked, outcomes: Sequence[CaseOutcome] = (), missed: Sequence[Missed] = ()
) -> list[tuple[Any, ...]]:
    books = Books(entries, (), outcomes, missed, clocks=ClockNames(PROCESSES.values()))
    return [
        (case.case_id.partition("/")[2], [(clock.label, clock.day.day) for clock in case.clocks], case.label)
        for shop in shop_months(month, books, APPEALS)
        for case in shop.missed
    ]


def test_a_missed_deadline_is_named_where_an_entry_or_the_end_names_it() -> None:
    fields = {"decided_before_deadline": False, "clocks_run_out": 1}
    by_clock = ended("C1", "established", decided_by="clock", **fields)
    shipped = ended("D1", "delivered", process="douyin_shipment", **fields)
    unknown = ended("A1", "refused", process="douyin_reship", **fields)

    assert missed_in(NOVEMBER, late("D1", 3), outcomes=[by_clock, shipped, unknown]) == [
        ("C1", [("超时由平台判定", 5)], "established"),
        ("D1", [("发货超时", 3)], "delivered"),
        ("A1", [], "refused"),
    ]


def test_a_case_that_is_still_open_has_missed_a_deadline_that_an_entry_of_the_month_names() -> None:
    october = booked(expected("D9", "DS-6", datetime(2026, 10, 31, tzinfo=SHANGHAI), process="douyin_shipment"))

    december = booked(expected("D1", "DS-1", datetime(2026, 12, 2, tzinfo=SHANGHAI), process="douyin_shipment"))

    assert missed_in(NOVEMBER, late("D1", 3), late("D2", 4, status="reversed"), october, december) == [
        ("D1", [("发货超时", 3)], None)
    ]


def told(own_id: str, day: datetime, rule: str = "miss_shipment", process: str = "douyin_reship") -> Missed:
    """Return a deadline that a case has told to have missed."""
    return Missed(rule=rule, at=day, case_id=f"{process}/{own_id}", process=process, shop_id="S1")


def test_dr_9_an_open_case_that_has_told_a_missed_deadline_is_named_with_it_though_no_entry_tells_which() -> None:
    penalty = booked(expected("A1", "DR-10", november(7), process="douyin_reship", amount="5.00"))
    october = told("A2", datetime(2026, 10, 31, tzinfo=SHANGHAI))

    assert missed_in(NOVEMBER, penalty, missed=[told("A1", november(7)), october]) == [
        ("A1", [("超时未发货", 7)], None)
    ]


def test_a_case_that_ended_in_the_month_is_named_with_all_the_deadlines_that_it_has_told_and_each_once() -> None:
    fields = {"decided_before_deadline": False, "clocks_run_out": 1}
    by_clock = ended("C1", "established", decided_by="clock", **fields)
    shipped = ended("D1", "delivered", process="douyin_shipment", **fields)
    missed = [
        told("C1", november(4), "platform_decides", "claim_1688"),
        told("D1", datetime(2026, 10, 30, tzinfo=SHANGHAI), "gone_with_a_release", "douyin_shipment"),
    ]

    assert missed_in(NOVEMBER, late("D1", 3), outcomes=[by_clock, shipped], missed=missed) == [
        ("C1", [("超时由平台判定", 4)], "established"),
        ("D1", [("gone_with_a_release", 30)], "delivered"),
    ]


def test_a_shop_of_which_nothing_else_is_known_than_a_missed_deadline_has_a_month() -> None:
    assert missed_in(NOVEMBER, missed=[told("A1", november(7))]) == [("A1", [("超时未发货", 7)], None)]


def test_a_case_that_missed_nothing_of_ours_is_not_among_those_that_did() -> None:
    assert missed_in(NOVEMBER, booked(expected("C1")), outcomes=[ended("C1", "established", decided_by="clock")]) == []
