"""What cases tell each other through the ledger (G-15), the cases of an order, and the use of numbers (DS-3)."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from aftersales.ledger.store import SqlLedger
from aftersales.ledger.tables import TOLD
from cases.ledger import LONG_ENDED, KnownCase, NumberUse, ToldFact
from cases.ports import Ledger
from tests.support.records.booking import ended, november, opened, recorded

SHIPMENT = "jd_shipment"


def fact(key: str = "k1", day: int = 4, **fields: Any) -> ToldFact:
    defaults = {
        "process": SHIPMENT,
        "shop_id": "S1",
        "order": "O1",
        "rule": "exempt",
        "form": {"by": "card", "until": "2026-11-09T01:00:00Z"},
        "told_by": "jd_delay_card/O1",
    }
    return ToldFact(key=key, occurred_at=november(day), **(defaults | fields))


def watch(own_id: str, order: str | None = "O1", **fields: Any) -> Any:
    return opened(own_id, order=order, process=SHIPMENT, **fields)


def test_g_15_a_fact_goes_to_the_cases_of_the_process_about_the_order(any_ledger: Ledger) -> None:
    others = [
        watch("W9", order="O9"),
        watch("W8", shop_id="S2"),
        watch("W7", order=None),
        opened("O1", order="O1", process="jd_delay_card"),
    ]
    any_ledger.opened([watch("W2"), watch("W1"), *others])
    assert any_ledger.tell(fact()) == [f"{SHIPMENT}/W1", f"{SHIPMENT}/W2"]
    assert any_ledger.tell(fact(told_by=f"{SHIPMENT}/W1")) == [f"{SHIPMENT}/W2"]
    assert any_ledger.tell(fact(order="O5")) == []


def test_g_15_a_fact_about_the_shop_goes_to_all_its_cases_of_the_process(any_ledger: Ledger) -> None:
    any_ledger.opened([watch("W1"), watch("W2", order="O2"), watch("W3", order=None), watch("W4", shop_id="S2")])
    told = any_ledger.tell(fact(order=None, told_by=f"{SHIPMENT}/W2"))
    assert told == [f"{SHIPMENT}/W1", f"{SHIPMENT}/W3"]


def test_g_15_a_fact_goes_to_cases_that_have_ended_too_as_it_may_put_them_right(any_ledger: Ledger) -> None:
    any_ledger.record(recorded(ended("W1", process=SHIPMENT, order="O1")))
    assert any_ledger.tell(fact()) == [f"{SHIPMENT}/W1"]


def test_g_15_a_case_that_opens_later_is_told_what_concerns_its_order_and_its_shop_oldest_first(
    any_ledger: Ledger,
) -> None:
    of_order, of_shop = fact("k3", 3), fact("k1", 5, order=None, form=None)
    others = [
        fact("o1", order="O2"),
        fact("o2", shop_id="S2"),
        fact("o3", process="douyin_shipment"),
        fact("o4", order=None, shop_id="S2"),
    ]
    for told in (of_shop, *others, of_order):
        any_ledger.tell(told)
    assert any_ledger.told(watch("asking", "O1", shop_id="S1")) == [of_order, of_shop]
    assert any_ledger.told(watch("asking", None, shop_id="S1")) == [of_shop]
    assert any_ledger.told(watch("asking", "O9", shop_id="S1")) == [of_shop]
    assert any_ledger.told(watch("asking", "O1", shop_id="S3")) == []


@pytest.mark.parametrize(("closed", "listed"), [(4, []), (5, ["jd_shipment/W1"])])
def test_g_15_a_case_that_ended_more_than_a_month_before_is_not_told(
    any_ledger: Ledger, closed: int, listed: list[str]
) -> None:
    any_ledger.record(recorded(ended("W1", process=SHIPMENT, order="O1", closed_at=november(closed))))
    told = fact().model_copy(update={"occurred_at": november(4) + LONG_ENDED + timedelta(seconds=1)})

    assert any_ledger.tell(told) == listed


def test_g_15_a_fact_told_twice_is_told_once_and_told_anew_is_replaced(any_ledger: Ledger) -> None:
    for told in (fact(), fact(), fact(day=6, form={"by": "emergency_report"})):
        any_ledger.tell(told)
    assert any_ledger.told(watch("asking", "O1", shop_id="S1")) == [fact(day=6, form={"by": "emergency_report"})]


PERIOD = {"begins_at": "2026-11-04T09:00:00+08:00", "ends_at": "2026-11-06T09:00:00+08:00"}


@pytest.mark.parametrize(
    ("opened_at", "concerned"),
    [
        (november(4) - timedelta(seconds=1), False),
        (november(4), True),
        (november(6), True),
        (november(6) + timedelta(seconds=1), False),
    ],
)
def test_jd_7_a_fact_about_a_period_is_told_only_to_the_cases_that_began_in_it(
    any_ledger: Ledger,
    opened_at: datetime,
    concerned: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    case = watch("W1", opened_at=opened_at)
    any_ledger.opened([case])
    of_period = fact(order=None, form={"by": "advance_report", **PERIOD})
    assert any_ledger.tell(of_period) == [case.case_id] * concerned
    assert any_ledger.told(case) == [of_period] * concerned


def test_g_15_a_fact_that_was_withdrawn_is_told_no_more_until_it_is_told_again(any_ledger: Ledger) -> None:
    for told in (fact(), fact("k2", 5)):
        any_ledger.tell(told)
    for key in ("k1", "k1", "k9"):
        any_ledger.untell(key)
    assert any_ledger.told(watch("W1")) == [fact("k2", 5)]
    any_ledger.tell(fact())
    assert any_ledger.told(watch("W1")) == [fact(), fact("k2", 5)]


def test_g_15_of_a_fact_and_a_case_that_come_at_the_same_time_none_is_missed(any_ledger: Ledger) -> None:
    pairs = 24
    both = [threading.Barrier(2) for _ in range(pairs)]
    listed: dict[int, list[str]] = {}
    found: dict[int, list[ToldFact]] = {}

    def tell(number: int) -> None:
        both[number].wait(20)
        listed[number] = any_ledger.tell(fact(f"k{number}", order=f"O{number}"))

    def open_case(number: int) -> None:
        both[number].wait(20)
        any_ledger.opened([watch(f"W{number}", order=f"O{number}")])
        found[number] = any_ledger.told(watch("asking", f"O{number}", shop_id="S1"))

    with ThreadPoolExecutor(8) as pool:
        for number in range(pairs):
            pool.submit(tell, number)
            pool.submit(open_case, number)
    assert all(listed[number] or found[number] for number in range(pairs))


def test_g_15_a_fact_can_be_found_before_the_cases_are_listed(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case that is stored after the listing asks after it, too."""
    reading, found = ledger._reading, list[Any]()

    @contextmanager
    def looked_at_by_another() -> Iterator[Connection]:
        with reading() as connection:
            found.extend(connection.execute(select(TOLD.c.key)).scalars())
        with reading() as connection:
            yield connection

    monkeypatch.setattr(ledger, "_reading", looked_at_by_another)
    ledger.tell(fact())
    assert found == ["k1"]


def test_the_cases_of_an_order_are_found_with_how_they_ended(any_ledger: Ledger) -> None:
    any_ledger.opened([watch("W1", opened_at=november(2)), watch("W2", order="O2"), watch("W3", shop_id="S2")])
    any_ledger.record(recorded(ended("A1", order="O1", shop_id="S1")))
    any_ledger.ended(f"{SHIPMENT}/W1", "terminated", november(6))
    assert any_ledger.cases_of_order("S1", "O1") == [
        KnownCase(case_id="claim_1688/A1", opened_at=november(1), state="dismissed", ended_at=november(5)),
        KnownCase(case_id=f"{SHIPMENT}/W1", opened_at=november(2), ending="terminated", ended_at=november(6)),
    ]
    assert [case.process for case in any_ledger.cases_of_order("S1", "O1")] == ["claim_1688", SHIPMENT]
    assert any_ledger.cases_of_order("S1", "O9") == []


# Tracking numbers


def use(order: str = "O1", day: int = 3, **fields: Any) -> NumberUse:
    defaults = {"shop_id": "S1", "tracking_no": "SF1", "carrier": "SF", "consignee": "p1"} | fields
    return NumberUse(order=order, at=november(day), case_id=f"douyin_shipment/{order}", **defaults)


def test_ds_3_the_uses_of_a_number_since_an_instant_are_found_oldest_first(any_ledger: Ledger) -> None:
    uses = [use("O3", 9, consignee=None), use("O1", 3), use("O2", 5, carrier="ZTO")]
    for one in (*uses, use("O4", tracking_no="SF2"), use("O5", shop_id="S2")):
        any_ledger.use_number(one)
    assert any_ledger.numbers_used("S1", "SF1", november(1)) == [uses[1], uses[2], uses[0]]


@pytest.mark.parametrize(("second", "found"), [(-1, 1), (0, 1), (1, 0)])
def test_ds_3_the_instant_itself_is_within_the_time(any_ledger: Ledger, second: int, found: int) -> None:
    any_ledger.use_number(use().model_copy(update={"at": november(3, 9, 0, 30)}))
    assert len(any_ledger.numbers_used("S1", "SF1", november(3, 9, 0, 30 + second))) == found


@pytest.mark.parametrize("days", [(3, 20, 3), (20, 3, 20), (20, 20, 3)])
def test_ds_3_a_number_is_used_once_an_order_the_last_time_counts_in_whatever_order_it_is_told(
    any_ledger: Ledger, days: tuple[int, ...]
) -> None:
    for day in days:
        any_ledger.use_number(use(day=day))
    assert any_ledger.numbers_used("S1", "SF1", november(1)) == [use(day=20)]
