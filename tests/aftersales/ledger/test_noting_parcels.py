"""The tracking numbers that cases know: found in whatever reaches a case, and stored beside it."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from aftersales.ledger import noting_parcels
from aftersales.ledger.noting_parcels import MOST_VALUES, ParcelNotes, numbers_in, parcels_stored
from aftersales.ledger.parcels import MOST_CASES_OF_A_PARCEL, CaseParcel
from aftersales.ledger.store import SqlLedger
from cases.errors import BadForm, LedgerUnreachable

SF1, SF2 = CaseParcel("SF1", "p/C1"), CaseParcel("SF2", "p/C1")


def told(*numbers: Any) -> list[Any]:
    return [{"facts": {"parcels": [{"tracking_no": number} for number in numbers]}}]


def test_numbers_are_found_however_deep_they_lie() -> None:
    deep: Any = {"tracking_no": "SF9"}
    for _ in range(5000):
        deep = [{"form": deep}]

    assert sorted(numbers_in(told("SF1", " SF2 "))) == ["SF1", "SF2"]
    assert list(numbers_in(deep)) == ["SF9"]
    assert list(numbers_in([{"rule": "ship", "form": {"order": "O1", "tracking_no": "YT1"}}, None, 3])) == ["YT1"]


@pytest.mark.parametrize("number", [None, 7, "", " ", "SF\x001", "\ud800", "9" * 201, ["SF1"]])
def test_what_nobody_can_search_for_is_no_number(number: Any) -> None:
    assert list(numbers_in(told(number))) == []


def test_only_so_much_is_looked_through() -> None:
    assert list(numbers_in([{"tracking_no": "SF1"}, [0] * MOST_VALUES])) == []


def test_cases_are_found_by_any_number_that_they_know(ledger: SqlLedger) -> None:
    ledger.keep_parcels([SF2, SF1, SF1])
    ledger.keep_parcels([SF1, CaseParcel("SF1", "q/C2")])

    assert ledger.cases_of_parcel("SF1") == ["p/C1", "q/C2"]
    assert ledger.cases_of_parcel("SF2") == ["p/C1"]
    assert ledger.cases_of_parcel("SF3") == []


def test_of_a_number_that_very_many_cases_know_some_are_found(ledger: SqlLedger) -> None:
    ledger.keep_parcels([CaseParcel("1", f"p/{number}") for number in range(2 * MOST_CASES_OF_A_PARCEL)])

    assert len(ledger.cases_of_parcel("1")) == MOST_CASES_OF_A_PARCEL


def test_what_is_noted_last_is_stored_before_the_end_and_nothing_twice(ledger: SqlLedger) -> None:
    stored: list[CaseParcel] = []

    def store(parcels: Sequence[CaseParcel]) -> None:
        stored.extend(parcels)
        ledger.keep_parcels(parcels)

    with parcels_stored(store) as note:
        for _ in range(3):
            note("p/C1", told("SF1", "SF2"))

    assert sorted(stored) == [SF1, SF2]
    assert ledger.cases_of_parcel("SF2") == ["p/C1"]


def test_numbers_wait_for_a_ledger_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting_parcels, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(noting_parcels, "PAUSE_AFTER_FAILURE_SECONDS", 0.01)
    asked, is_there, stored = threading.Event(), threading.Event(), threading.Event()

    def store(parcels: Sequence[CaseParcel]) -> None:
        asked.set()
        if not is_there.is_set():
            raise LedgerUnreachable("away")
        assert list(parcels) == [SF1]
        stored.set()

    with parcels_stored(store) as note:
        note("p/C1", told("SF1"))
        assert asked.wait(10)
        is_there.set()
        assert stored.wait(10)


def test_what_cannot_be_stored_keeps_nothing_else_from_being_stored() -> None:
    stored: list[CaseParcel] = []

    def store(parcels: Sequence[CaseParcel]) -> None:
        if SF1 in parcels:
            raise BadForm("not that one")
        stored.extend(parcels)

    notes = ParcelNotes(store)
    for number in ("SF1", "SF2"):
        notes.note("p/C1", told(number))
        notes.stop()
        notes.keep_storing()

    assert stored == [SF2]
