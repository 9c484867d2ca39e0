"""Entries of the ledger, and how they are written."""

import json

import pytest

from cases.ledger import CaseRecord, LedgerEntry, Undone
from tests.support.records.booking import expected, november, recorded

CASE = "jd_shipment/OD1"


def late(key: str, order: str | None = None) -> LedgerEntry:
    return LedgerEntry(key=key, case_id=CASE, shop_id="S1", clause="JD-10", at=november(3), order=order)


@pytest.mark.parametrize(
    ("key", "order", "about"),
    [
        (f"{CASE}/JD-10/OD1", None, "OD1"),
        (f"{CASE}/JD-10/OD1", "OD2", "OD2"),
        (f"{CASE}/JD-10/{CASE}", None, None),
        (f"{CASE}/JD-10/OD1/2026-01-05T09:00:00+00:00", "OD1", "OD1"),
        (f"{CASE}/JD-10/{CASE}/2026-01-05T09:00:00+00:00", None, None),
        (f"{CASE}/JD-10/2026-01-05T09:00:00+00:00", None, None),
        ("billed/S1/B1", None, None),
        ("billed/S1/B1", "OD1", "OD1"),
    ],
)
def test_the_order_of_an_entry_is_its_own_else_the_one_that_ends_its_key(
    key: str, order: str | None, about: str | None
) -> None:
    assert late(key, order).about == about


def test_what_is_not_set_is_not_written_so_that_earlier_records_stay_as_they_are() -> None:
    plain = recorded(expected(amount="5.00"))
    written = json.loads(plain.model_dump_json())
    assert "undone" not in written
    assert written["entries"][0].keys().isdisjoint({"once_an_order", "income"})
    assert CaseRecord.model_validate_json(plain.model_dump_json()) == plain


def test_what_is_set_comes_back_as_it_was_written() -> None:
    back = Undone(clauses=("JD-5", "JD-10"), order="OD1", at=november(4), key="approve_report/1")
    marked = recorded(expected(once_an_order=True, income=True), undone=(back,))
    assert CaseRecord.model_validate_json(marked.model_dump_json()) == marked
    assert {"once_an_order", "income"} <= json.loads(marked.model_dump_json())["entries"][0].keys()
