"""What a month's losses come to: each once, in one month."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from aftersales.ledger.month_figures import Books, Month, ShopMonth, month_of, shop_months
from cases.ledger import Booked, LedgerEntry
from cases.shanghai import SHANGHAI
from tests.support.records.booking import bill, booked, ended, expected, november

OCTOBER, NOVEMBER, DECEMBER = (month_of(f"2026-{number}") for number in (10, 11, 12))


def billed(bill_id: str, answers: LedgerEntry | None = None, **fields: Any) -> Booked:
    """Return a bill as the ledger stores it."""
    answer = bill(bill_id, **fields)
    own = answer.model_dump(include={"key", "shop_id", "clause", "order", "at", "amount", "points"})
    plain = LedgerEntry(**own, key=answer.key, case_id=answer.case_id or "", status="billed")
    return booked(plain, answers=answers.key if answers else None)


def figures(entries: list[Booked], *outcomes: Any, month: Month = NOVEMBER) -> ShopMonth:
    (shop,) = shop_months(month, Books(entries, (), outcomes), {})
    return shop


def test_a_loss_that_was_billed_counts_once_with_the_amount_of_the_bill() -> None:
    first, second = expected("C1", amount="5.00"), expected("C2", amount="10.00")
    entries = [booked(first), booked(second), billed("B1", first, amount="6.00"), billed("B2", amount="7.50")]

    lost = figures(entries).lost

    assert (lost.entries, lost.amount, lost.billed) == (3, Decimal("23.50"), Decimal("13.50"))


def test_a_loss_belongs_to_the_month_in_which_it_was_expected_and_to_no_other() -> None:
    first = expected("C1", amount="5.00", at=november(30))
    entries = [booked(first), billed("B1", first, amount="6.00", at=datetime(2026, 12, 3, tzinfo=SHANGHAI))]

    assert figures(entries).lost.amount == Decimal("6.00")
    assert figures(entries, month=DECEMBER).lost.amount == 0


def test_what_counts_within_the_caps_is_lost_and_what_is_unknown_is_not_nothing() -> None:
    penalties = [booked(expected(f"C{n}", "DS-6", november(n), about="O1", amount="10.00")) for n in (1, 2, 3)]
    unknown = booked(expected("C9", "DR-11"))

    lost = figures([*penalties, unknown]).lost

    assert (lost.amount, lost.unknown) == (Decimal("20.00"), 1)


def test_income_and_what_was_taken_back_are_no_losses() -> None:
    income = booked(expected("I1", "DS-8", amount="300.00", income=True))
    back = booked(expected("C1", amount="5.00", status="reversed"))

    assert figures([income, back, booked(expected("C2", amount="1.00"))]).lost.amount == Decimal("1.00")


def test_clauses_are_in_the_order_of_what_they_cost() -> None:
    entries = [
        booked(expected("C1", "CL-3", amount="5.00")),
        booked(expected("C2", "JD-8", amount="50.00")),
        booked(expected("C3", "DS-5", points="1.5")),
    ]

    assert [(clause.clause, clause.amount) for clause in figures(entries).lost_by_clause] == [
        ("JD-8", Decimal("50.00")),
        ("CL-3", Decimal("5.00")),
        ("DS-5", Decimal("0.00")),
    ]


def test_the_dearest_cases_come_first_with_how_they_ended() -> None:
    cheap, dear = expected("C1", amount="5.00"), expected("C2", amount="10.00")
    counted = booked(expected("C3", "JD-10", counted=True))
    entries = [booked(cheap), booked(dear), counted, billed("B1", cheap, amount="60.00"), billed("B2", amount="900.00")]

    dearest = figures(entries, ended("C1", state_label="赔付成立")).dearest

    assert [(case.case_id, case.order, case.amount, case.label) for case in dearest] == [
        ("claim_1688/C1", "OC1", Decimal("60.00"), "赔付成立"),
        ("claim_1688/C2", "OC2", Decimal("10.00"), None),
    ]


def test_at_most_ten_cases_are_named() -> None:
    entries = [booked(expected(f"C{number}", amount=f"{number}.00")) for number in range(1, 20)]

    assert [case.amount for case in figures(entries).dearest] == [Decimal(number) for number in range(19, 9, -1)]
