"""The ledger on both databases: the truth about every case, every bill once, and expected against billed (SL-1)."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from aftersales.ledger.matching import match
from aftersales.ledger.store import SqlLedger
from cases.errors import BadForm, LedgerUnreachable
from cases.ledger import Booked
from tests.support.patience import PATIENCE_SECONDS
from tests.support.places import ROOT
from tests.support.records.booking import bill, booked, decided, ended, expected, november, opened, recorded

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


def of_november(ledger: SqlLedger) -> list[Booked]:
    return ledger.entries(FIRST, LAST)


def answers(ledger: SqlLedger) -> dict[str, str | None]:
    return {entry.key: entry.answers for entry in of_november(ledger) if entry.status == "billed"}


def test_an_entry_comes_back_as_it_was_recorded(ledger: SqlLedger) -> None:
    money = expected("C1", amount="1234567890.10")
    points = expected("C2", "DS-5", points="0.125", at=november(2), process="douyin_shipment")
    counted = expected("C3", "CL-5", counted=True, at=november(4))
    for entry in (money, points, counted):
        ledger.record(recorded(entry))
    named = [entry.model_copy(update={"order": entry.about}) for entry in (points, money, counted)]
    assert of_november(ledger) == [booked(entry) for entry in named]
    assert [str(entry.points or entry.amount) for entry in of_november(ledger)] == ["0.125", "1234567890.10", "None"]
    assert all(entry.at.tzinfo is UTC for entry in of_november(ledger))


def test_a_day_begins_at_midnight_in_shanghai(ledger: SqlLedger) -> None:
    midnight, last = november(1, 0), november(30, 23, 59, 59)
    for number, at in enumerate(
        (midnight - timedelta(seconds=1), midnight, last, last + timedelta(seconds=1)), start=1
    ):
        ledger.record(recorded(expected(f"C{number}", at=at), decided(at=at)))
    assert [(entry.case_id, entry.day) for entry in of_november(ledger)] == [
        ("claim_1688/C2", FIRST),
        ("claim_1688/C3", LAST),
    ]
    assert [(decision.case_id, decision.day) for decision in ledger.decisions(FIRST, LAST)] == [
        ("claim_1688/C2", FIRST),
        ("claim_1688/C3", LAST),
    ]


def test_entries_decisions_and_outcomes_are_found_by_shop(ledger: SqlLedger) -> None:
    for number, shop in enumerate(("S1", "S2", "S2")):
        own = {"shop_id": shop}
        ledger.record(recorded(expected(f"C{number}", **own), decided(), ended(f"C{number}", **own), **own))
    for read in (ledger.entries, ledger.outcomes, ledger.decisions):
        assert [len(read(FIRST, LAST, shop)) for shop in ("S1", "S2", "S3", None)] == [1, 2, 0, 3]


def test_open_cases_are_those_that_have_not_ended_in_any_way(ledger: SqlLedger) -> None:
    ledger.opened([opened("C1"), opened("C2"), opened("C3"), opened("C4", shop_id="S2"), opened("C5")])
    ledger.record(recorded(ended("C2")))
    ledger.ended("claim_1688/C3", "terminated", november(6))

    assert ledger.open_cases() == {("S1", "claim_1688"): 2, ("S2", "claim_1688"): 1}
    assert ledger.open_cases("S2") == {("S2", "claim_1688"): 1}


def test_a_bill_answers_the_expected_entry_of_its_order(ledger: SqlLedger) -> None:
    for own in ("C1", "C2"):
        ledger.record(recorded(expected(own, amount="5.00")))
    booking = ledger.bill(bill(order="OC2", amount="6.00"))
    assert (booking.status, booking.answers, booking.case_id) == ("billed", "claim_1688/C2/CL-3/OC2", "claim_1688/C2")


def test_a_bill_without_an_order_answers_its_case(ledger: SqlLedger) -> None:
    ledger.record(recorded(expected("C1")))
    assert ledger.bill(bill(case_id="claim_1688/C1")).answers == "claim_1688/C1/CL-3/OC1"


def test_a_bill_that_came_first_is_answered_by_the_entry_that_comes_later(ledger: SqlLedger) -> None:
    assert ledger.bill(bill("B1", order="OC1")).answers is None
    assert ledger.bill(bill("B2", case_id="claim_1688/C2")).answers is None
    for own in ("C1", "C2"):
        ledger.record(recorded(expected(own)))
    assert answers(ledger) == {
        "billed/S1/B1": "claim_1688/C1/CL-3/OC1",
        "billed/S1/B2": "claim_1688/C2/CL-3/OC2",
    }


@pytest.mark.parametrize(
    "other",
    [{"shop_id": "S2"}, {"clause": "DR-10"}, {"order": "O9"}, {"order": None}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_bill_of_another_shop_clause_or_order_answers_nothing(ledger: SqlLedger, other: dict[str, str]) -> None:
    ledger.record(recorded(expected("C1")))
    assert ledger.bill(bill(**({"order": "OC1"} | other))).answers is None


def test_a_bill_is_taken_once_and_two_bills_never_answer_one_entry(ledger: SqlLedger) -> None:
    ledger.record(recorded(expected("C1", at=november(3))))
    ledger.record(recorded(expected("C9", about="OC1", at=november(2))))
    answered = [ledger.bill(bill(name, order="OC1", amount="5.00")).answers for name in ("B1", "B1", "B2", "B3")]
    earlier, later = "claim_1688/C9/CL-3/OC1", "claim_1688/C1/CL-3/OC1"
    assert answered == [earlier, earlier, later, None]
    assert ledger.bill(bill("B1", order="OC1", amount="7.00")).amount == Decimal("5.00")


def test_many_threads_record_each_case_once_and_every_bill_is_answered(ledger: SqlLedger) -> None:
    def hand_in(number: int) -> None:
        own = f"C{number % 10}"
        ledger.record(recorded(expected(own), decided(), ended(own)))
        ledger.bill(bill(f"B{own}", order=f"O{own}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hand_in, range(40)))
    assert len(of_november(ledger)) == 20
    assert len(set(answers(ledger).values()) - {None}) == 10
    assert (len(ledger.outcomes(FIRST, LAST)), len(ledger.decisions(FIRST, LAST))) == (10, 10)


def test_cases_with_the_same_clauses_are_recorded_at_once_without_waiting_in_a_circle(ledger: SqlLedger) -> None:
    clauses = ["CL-3", "CL-5", "DR-10", "DR-11"]

    def hand_in(number: int) -> None:
        own = f"C{number % 8}"
        order = clauses if number % 2 else clauses[::-1]
        ledger.record(recorded(*(expected(own, clause) for clause in order), as_of=november(10, 1, 0, number)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hand_in, range(48)))
    assert len(of_november(ledger)) == 32


def test_a_bill_and_its_entry_that_come_at_the_same_instant_find_each_other(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_are_in = threading.Barrier(2, timeout=0.3)

    def late(connection: Connection, row: Mapping[str, Any]) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both_are_in.wait()
        match(connection, row)

    for module in ("store", "recording"):
        monkeypatch.setattr(f"aftersales.ledger.{module}.match", late)
    with ThreadPoolExecutor(2) as pool:
        both = [lambda: ledger.record(recorded(expected())), lambda: ledger.bill(bill(order="OC1"))]
        list(pool.map(lambda hand_in: hand_in(), both))
    assert list(answers(ledger).values()) == ["claim_1688/C1/CL-3/OC1"]


def test_what_cannot_be_held_is_refused_for_good_and_nothing_of_it_is_stored(ledger: SqlLedger) -> None:
    with pytest.raises(BadForm, match="cannot be stored"):
        ledger.record(recorded(expected("C1"), expected("C1", "DS-5", points="0.0001"), ended()))
    assert (of_november(ledger), ledger.outcomes(FIRST, LAST), ledger.known(["claim_1688/C1"])) == ([], [], {})


def test_a_postgresql_text_without_end_is_refused_for_good(postgresql: str) -> None:
    with SqlLedger(postgresql) as ledger, pytest.raises(BadForm, match="cannot be stored"):
        ledger.bill(bill(note="a\0b"))


HANDING_IN = """
import sys
from aftersales.ledger.store import SqlLedger
from tests.support.records.booking import bill, decided, ended, expected, recorded
for address in sys.argv[1:]:
    with SqlLedger(address) as ledger:
        for number in range(10):
            ledger.record(recorded(expected(f"C{number}"), decided(), ended(f"C{number}")))
            ledger.bill(bill(f"B{number}", order=f"OC{number}"))
"""


def test_processes_that_open_an_empty_database_at_once_agree(tmp_path: Path, postgresql: str) -> None:
    addresses = [f"sqlite:///{tmp_path / 'new' / 'ledger.sqlite3'}", postgresql]
    started = [
        subprocess.Popen([sys.executable, "-c", HANDING_IN, *addresses], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=PATIENCE_SECONDS)[1] for process in started]
    assert (said, [process.returncode for process in started]) == (["", ""], [0, 0])
    for address in addresses:
        with SqlLedger(address) as ledger:
            assert (len(of_november(ledger)), len(set(answers(ledger).values()) - {None})) == (20, 10)
            assert (len(ledger.outcomes(FIRST, LAST)), len(ledger.decisions(FIRST, LAST))) == (10, 10)


def test_a_missing_database_is_reported_without_its_password() -> None:
    address = "postgresql+psycopg://operator:hidden@127.0.0.1:1/ledger?connect_timeout=2"
    with SqlLedger(address) as ledger, pytest.raises(LedgerUnreachable) as caught:
        ledger.prepare()
    assert "postgresql+psycopg://127.0.0.1:1/ledger" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None
