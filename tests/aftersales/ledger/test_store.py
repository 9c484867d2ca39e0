"""The ledger on both databases: every entry, bill and outcome once, and expected against billed (SL-1)."""

import contextlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from aftersales.ledger.store import SqlLedger, match
from cases.errors import BadForm, LedgerUnreachable
from cases.ledger import Booked
from tests.support.booking import bill, booked, ended, expected, november
from tests.support.places import ROOT

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


def of_november(ledger: SqlLedger) -> list[Booked]:
    return ledger.entries(FIRST, LAST)


def test_an_entry_comes_back_as_it_was_entered(ledger: SqlLedger) -> None:
    money = expected("C1", amount="1234567890.10")
    points = expected("C2", "DS-5", points="0.125", at=november(2), process="douyin_shipment")
    for entry in (money, points):
        ledger.enter(entry)
    named = [entry.model_copy(update={"order": entry.about}) for entry in (points, money)]
    assert of_november(ledger) == [booked(entry) for entry in named]
    assert [str(entry.points or entry.amount) for entry in of_november(ledger)] == ["0.125", "1234567890.10"]
    assert all(entry.at.tzinfo is UTC for entry in of_november(ledger))


def test_sl_1_an_entry_entered_twice_is_stored_once_and_the_first_stays(ledger: SqlLedger) -> None:
    for amount in ("3.00", "3.00", "5.00"):
        ledger.enter(expected(amount=amount))
    assert [entry.amount for entry in of_november(ledger)] == [Decimal("3.00")]


def test_a_day_begins_at_midnight_in_shanghai(ledger: SqlLedger) -> None:
    midnight = november(1, 0)
    ledger.enter(expected("C1", at=midnight - timedelta(seconds=1)))
    ledger.enter(expected("C2", at=midnight))
    ledger.enter(expected("C3", at=november(30, 23, 59, 59)))
    ledger.enter(expected("C4", at=november(30, 23, 59, 59) + timedelta(seconds=1)))
    assert [(entry.case_id, entry.day) for entry in of_november(ledger)] == [
        ("claim_1688/C2", FIRST),
        ("claim_1688/C3", LAST),
    ]


def test_entries_and_outcomes_are_found_by_shop(ledger: SqlLedger) -> None:
    for number, shop in enumerate(("S1", "S2", "S2")):
        ledger.enter(expected(f"C{number}", shop_id=shop))
        ledger.record_outcome(ended(f"C{number}", shop_id=shop))
    assert [len(ledger.entries(FIRST, LAST, shop)) for shop in ("S1", "S2", "S3")] == [1, 2, 0]
    assert [len(ledger.outcomes(FIRST, LAST, shop)) for shop in ("S1", "S2", "S3", None)] == [1, 2, 0, 3]


def test_a_bill_answers_the_expected_entry_of_its_order(ledger: SqlLedger) -> None:
    ledger.enter(expected("C1", amount="5.00"))
    ledger.enter(expected("C2", amount="5.00"))
    booking = ledger.bill(bill(order="OC2", amount="6.00"))
    assert (booking.status, booking.answers, booking.case_id) == ("billed", "claim_1688/C2/CL-3/OC2", "claim_1688/C2")


def test_a_bill_without_an_order_answers_its_case(ledger: SqlLedger) -> None:
    ledger.enter(expected("C1"))
    assert ledger.bill(bill(case_id="claim_1688/C1")).answers == "claim_1688/C1/CL-3/OC1"


def test_a_bill_that_came_first_is_answered_by_the_entry_that_comes_later(ledger: SqlLedger) -> None:
    assert ledger.bill(bill("B1", order="OC1")).answers is None
    assert ledger.bill(bill("B2", case_id="claim_1688/C2")).answers is None
    ledger.enter(expected("C1"))
    ledger.enter(expected("C2"))
    assert {entry.key: entry.answers for entry in of_november(ledger) if entry.status == "billed"} == {
        "billed/S1/B1": "claim_1688/C1/CL-3/OC1",
        "billed/S1/B2": "claim_1688/C2/CL-3/OC2",
    }


@pytest.mark.parametrize(
    "other",
    [{"shop_id": "S2"}, {"clause": "DR-10"}, {"order": "O9"}, {"order": None}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_bill_of_another_shop_clause_or_order_answers_nothing(ledger: SqlLedger, other: dict[str, str]) -> None:
    ledger.enter(expected("C1"))
    assert ledger.bill(bill(**({"order": "OC1"} | other))).answers is None


def test_a_bill_is_taken_once_and_two_bills_never_answer_one_entry(ledger: SqlLedger) -> None:
    ledger.enter(expected("C1", at=november(3)))
    ledger.enter(expected("C9", about="OC1", at=november(2)))
    answers = [ledger.bill(bill(name, order="OC1", amount="5.00")).answers for name in ("B1", "B1", "B2", "B3")]
    earlier, later = "claim_1688/C9/CL-3/OC1", "claim_1688/C1/CL-3/OC1"
    assert answers == [earlier, earlier, later, None]
    assert ledger.bill(bill("B1", order="OC1", amount="7.00")).amount == Decimal("5.00")


def test_the_outcome_of_a_case_about_no_order_comes_back_without_one(ledger: SqlLedger) -> None:
    outcome = ended(order=None)
    ledger.record_outcome(outcome)
    assert ledger.outcomes(FIRST, LAST) == [outcome]


def test_an_outcome_is_kept_once_and_comes_back_as_it_was(ledger: SqlLedger) -> None:
    first, second = ended("C1"), ended("C2", decided_before_deadline=None, lost=Decimal("12.30"), clocks_run_out=2)
    for outcome in (first, ended("C1", "established"), second):
        ledger.record_outcome(outcome)
    assert ledger.outcomes(FIRST, LAST) == [first, second]


def test_jd_1_it_is_known_for_ever_which_cases_have_ended(ledger: SqlLedger) -> None:
    for own_id in ("C1", "C2"):
        ledger.record_outcome(ended(own_id))
    many = [f"claim_1688/C{number}" for number in range(2, 1500)]
    assert ledger.ended(many) == {"claim_1688/C2"}
    assert ledger.ended([]) == set()


def test_many_threads_enter_each_entry_once_and_every_bill_is_answered(ledger: SqlLedger) -> None:
    def hand_in(number: int) -> None:
        own = f"C{number % 10}"
        ledger.enter(expected(own))
        ledger.bill(bill(f"B{own}", order=f"O{own}"))
        ledger.record_outcome(ended(own))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hand_in, range(40)))
    entries = of_november(ledger)
    assert len(entries) == 20
    assert len({entry.answers for entry in entries if entry.status == "billed"} - {None}) == 10
    assert len(ledger.outcomes(FIRST, LAST)) == 10


def test_a_bill_and_its_entry_that_come_at_the_same_instant_find_each_other(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_are_in = threading.Barrier(2, timeout=0.3)

    def late(connection: Connection, row: dict[str, Any]) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both_are_in.wait()
        match(connection, row)

    monkeypatch.setattr("aftersales.ledger.store.match", late)
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda hand_in: hand_in(), [lambda: ledger.enter(expected()), lambda: ledger.bill(bill(order="OC1"))]
            )
        )
    assert [entry.answers for entry in of_november(ledger) if entry.status == "billed"] == ["claim_1688/C1/CL-3/OC1"]


def test_what_cannot_be_held_is_refused_for_good(ledger: SqlLedger) -> None:
    with pytest.raises(BadForm, match="cannot be stored"):
        ledger.enter(expected(points="0.0001"))
    assert of_november(ledger) == []


def test_a_postgresql_text_without_end_is_refused_for_good(postgresql: str) -> None:
    with SqlLedger(postgresql) as ledger, pytest.raises(BadForm, match="cannot be stored"):
        ledger.bill(bill(note="a\0b"))


HANDING_IN = """
import sys
from aftersales.ledger.store import SqlLedger
from tests.support.booking import bill, ended, expected
for address in sys.argv[1:]:
    with SqlLedger(address) as ledger:
        for number in range(10):
            ledger.enter(expected(f"C{number}"))
            ledger.bill(bill(f"B{number}", order=f"OC{number}"))
"""


def test_processes_that_open_an_empty_database_at_once_agree(tmp_path: Path, postgresql: str) -> None:
    addresses = [f"sqlite:///{tmp_path / 'new' / 'ledger.sqlite3'}", postgresql]
    started = [
        subprocess.Popen([sys.executable, "-c", HANDING_IN, *addresses], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in started] == [("", 0)] * 2
    for address in addresses:
        with SqlLedger(address) as ledger:
            entries = of_november(ledger)
            assert (len(entries), sum(entry.answers is not None for entry in entries)) == (20, 10)


def test_a_missing_database_is_reported_without_its_password() -> None:
    address = "postgresql+psycopg://operator:hidden@127.0.0.1:1/ledger?connect_timeout=2"
    with pytest.raises(LedgerUnreachable) as caught:
        SqlLedger(address)
    assert "postgresql+psycopg://127.0.0.1:1/ledger" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None
