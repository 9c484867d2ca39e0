"""Who works on a case, and notes about it, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from aftersales.ledger.store import SqlLedger
from aftersales.ledger.teamwork import LONGEST_NOTE, Claim, Note
from tests.support.records.booking import ended, november, recorded

AT = datetime(2026, 11, 11, 3, tzinfo=UTC)


def claimed(clerk: str, case_id: str = "p/C1", minutes: int = 0) -> Claim:
    return Claim(case_id=case_id, clerk=clerk, at=AT + timedelta(minutes=minutes))


def test_a_case_is_claimed_by_the_first_and_the_second_is_told_by_whom(ledger: SqlLedger) -> None:
    assert ledger.claim(claimed("张三")) == claimed("张三")
    assert ledger.claim(claimed("李四", minutes=1)) == claimed("张三")
    assert ledger.claims(["p/C1", "p/C2"]) == {"p/C1": claimed("张三")}


def test_of_clerks_who_claim_at_once_one_gets_the_case(ledger: SqlLedger) -> None:
    clerks = [f"clerk {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        got = {claim.clerk for claim in pool.map(lambda clerk: ledger.claim(claimed(clerk)), clerks)}
    assert len(got) == 1


def test_a_case_is_taken_over_only_from_the_clerk_who_was_named(ledger: SqlLedger) -> None:
    ledger.claim(claimed("张三"))
    assert ledger.claim(claimed("李四", minutes=1), instead_of="王五").clerk == "张三"
    assert ledger.claim(claimed("李四", minutes=2), instead_of="张三") == claimed("李四", minutes=2)


def test_a_released_case_can_be_claimed_but_nobody_releases_it_for_another(ledger: SqlLedger) -> None:
    ledger.claim(claimed("张三"))
    ledger.release("p/C1", "李四")
    assert ledger.claims(["p/C1"])["p/C1"].clerk == "张三"
    ledger.release("p/C1", "张三")
    assert ledger.claims(["p/C1"]) == {}
    assert ledger.claim(claimed("李四")).clerk == "李四"


def test_a_clerk_sees_his_own_cases_in_the_order_in_which_he_claimed_them(ledger: SqlLedger) -> None:
    for case_id, clerk, minutes in (("p/B", "张三", 2), ("p/A", "张三", 5), ("p/C", "李四", 1)):
        ledger.claim(claimed(clerk, case_id, minutes))
    assert ledger.claimed_by("张三") == ["p/B", "p/A"]


def test_a_clerk_is_told_of_no_case_that_has_ended_and_of_very_many_the_newest(ledger: SqlLedger) -> None:
    for number in range(60):
        ledger.record(recorded(ended(f"E{number}")))
        ledger.claim(claimed("张三", f"claim_1688/E{number}", number))
    assert ledger.claimed_by("张三") == []
    ledger.record(recorded(case_id="claim_1688/E7", as_of=november(11)))
    assert ledger.claimed_by("张三") == ["claim_1688/E7"]
    for number in range(520):
        ledger.claim(claimed("张三", f"p/{number}", 100 + number))
    assert ledger.claimed_by("张三") == [f"p/{number}" for number in range(20, 520)]


def test_notes_are_kept_in_the_order_in_which_they_were_written(ledger: SqlLedger) -> None:
    notes = [Note(case_id="p/C1", clerk=clerk, at=AT, text=text) for clerk, text in (("张三", "乙"), ("李四", "甲"))]
    for note in (*notes, Note(case_id="p/C2", clerk="张三", at=AT, text="另一件")):
        ledger.add_note(note)
    assert ledger.notes("p/C1") == notes


@pytest.mark.parametrize("text", ["", "长" * (LONGEST_NOTE + 1)])
def test_a_note_has_a_length(text: str) -> None:
    with pytest.raises(ValidationError):
        Note(case_id="p/C1", clerk="张三", at=AT, text=text)
