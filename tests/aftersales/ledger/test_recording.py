"""The whole truth about a case as of an instant (G-11): what is in force, what was taken back, how it ended."""

import shutil
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TypeGuard

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.ledger.store import SqlLedger
from cases.ledger import Bill, Booked, CaseOutcome, CaseRecord, Decided, Ending, KnownCase, MissedDeadline
from cases.ports import Ledger
from tests.support.records.booking import bill, decided, ended, expected, november, opened, recorded

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
CASE = "claim_1688/C1"
PENALTY, APPEAL = expected(amount="5.00"), expected(clause="CL-5", counted=True)


def statuses(ledger: Ledger) -> dict[str, str]:
    """The status of every entry, by clause."""
    entries = ledger.entries() if isinstance(ledger, InMemoryLedger) else ledger.entries(FIRST, LAST)  # type: ignore[attr-defined]
    return {entry.clause: entry.status for entry in entries}


def outcomes(ledger: Ledger) -> list[CaseOutcome]:
    read = ledger.outcomes() if isinstance(ledger, InMemoryLedger) else ledger.outcomes(FIRST, LAST)  # type: ignore[attr-defined]
    return list(read)


def one_bill(ledger: SqlLedger) -> Booked:
    (billed,) = [entry for entry in ledger.entries(FIRST, LAST) if entry.status == "billed"]
    return billed


def known(ledger: Ledger) -> KnownCase:
    return ledger.known([CASE])[CASE]


def test_sl_1_what_is_recorded_twice_is_stored_once(any_ledger: Ledger) -> None:
    for _ in range(2):
        any_ledger.record(recorded(PENALTY, decided(), ended()))
    assert (statuses(any_ledger), outcomes(any_ledger)) == ({"CL-3": "expected"}, [ended()])


def test_sl_1_the_deadlines_that_a_case_has_missed_are_those_of_its_newest_record(ledger: SqlLedger) -> None:
    first = MissedDeadline(rule="platform_decides", at=november(3))
    second = MissedDeadline(rule="platform_decides", at=november(5), order="O2")
    seen = []
    for number, missed in enumerate([(first,), (first, second), (second,), ()]):
        ledger.record(recorded(missed=missed, case_id=CASE, as_of=november(10 + number)))
        seen.append([(one.case_id, one.shop_id, one.at, one.order) for one in ledger.missed(FIRST, LAST)])
    in_book = [(CASE, "S1", one.at, one.order) for one in (first, second)]
    assert seen == [in_book[:1], in_book, in_book[1:], []]


def test_missed_deadlines_are_read_by_their_day_in_shanghai_and_by_shop(ledger: SqlLedger) -> None:
    late = datetime.fromisoformat("2026-11-30T16:00:00+00:00")
    for number, at in enumerate([late - timedelta(seconds=1), late]):
        missed = (MissedDeadline(rule="platform_decides", at=at),)
        ledger.record(recorded(missed=missed, case_id=f"claim_1688/C{number}"))
    assert [one.case_id for one in ledger.missed(FIRST, LAST, "S1")] == ["claim_1688/C0"]
    assert ledger.missed(FIRST, LAST, "S2") == []


def test_g_11_an_entry_taken_back_stays_as_reversed_and_is_expected_again_when_it_is_back_in_force(
    any_ledger: Ledger,
) -> None:
    seen = []
    for number, entries in enumerate([(PENALTY, APPEAL), (APPEAL,), (), (PENALTY,)]):
        any_ledger.record(recorded(*entries, case_id=CASE, as_of=november(10 + number)))
        seen.append(statuses(any_ledger))
    assert seen == [
        {"CL-3": "expected", "CL-5": "expected"},
        {"CL-3": "reversed", "CL-5": "expected"},
        {"CL-3": "reversed", "CL-5": "reversed"},
        {"CL-3": "expected", "CL-5": "reversed"},
    ]


def test_g_11_an_entry_in_force_follows_what_is_recorded_last(ledger: SqlLedger) -> None:
    ledger.record(recorded(PENALTY))
    ledger.record(recorded(expected(amount="7.00", at=november(4))))
    (entry,) = ledger.entries(FIRST, LAST)
    assert (entry.amount, entry.at, entry.day) == (Decimal("7.00"), november(4), date(2026, 11, 4))


def test_a_record_older_than_the_stored_one_changes_nothing(any_ledger: Ledger) -> None:
    newer = recorded(APPEAL, decided(), ended())
    any_ledger.record(newer)
    any_ledger.record(recorded(PENALTY, as_of=newer.as_of - timedelta(seconds=1)))
    assert (statuses(any_ledger), outcomes(any_ledger)) == ({"CL-5": "expected"}, [ended()])


def test_other_cases_are_left_as_they_are(any_ledger: Ledger) -> None:
    any_ledger.record(recorded(expected("C2", "CL-3"), ended("C2")))
    any_ledger.record(recorded(case_id=CASE))
    assert (statuses(any_ledger), outcomes(any_ledger)) == ({"CL-3": "expected"}, [ended("C2")])


def test_g_11_a_case_put_right_has_another_outcome_and_one_opened_again_has_none(any_ledger: Ledger) -> None:
    seen = []
    for number, outcome in enumerate([ended(), ended(state="established"), None]):
        about = () if outcome is None else (outcome,)
        any_ledger.record(recorded(*about, as_of=november(10 + number)))
        seen.append(([ending.state for ending in outcomes(any_ledger)], known(any_ledger).state))
    assert seen == [(["dismissed"], "dismissed"), (["established"], "established"), ([], None)]


@pytest.mark.parametrize(
    "outcome",
    [
        ended(order=None),
        ended(decided_before_deadline=None, lost=Decimal("12.30"), clocks_run_out=2),
        ended(lost=None, unknown_losses=2),
    ],
    ids=["about no order", "without a deadline of ours", "of unknown cost"],
)
def test_an_outcome_comes_back_as_it_was_recorded(ledger: SqlLedger, outcome: CaseOutcome) -> None:
    ledger.record(recorded(outcome))
    assert ledger.outcomes(FIRST, LAST) == [outcome]


def test_g_13_the_decisions_in_force_are_stored_with_who_took_them(ledger: SqlLedger) -> None:
    first, second = decided("1"), decided("2", "withdraw", order="O9", actor=None, way="default", at=november(3))
    ledger.record(recorded(first, second))
    of_case = {"case_id": CASE, "process": "claim_1688", "shop_id": "S1"}
    assert ledger.decisions(FIRST, LAST) == [Decided(**one.model_dump(), **of_case) for one in (first, second)]
    ledger.record(recorded(second))
    assert [decision.key for decision in ledger.decisions(FIRST, LAST)] == ["2"]


# Bills


def test_g_11_a_bill_for_what_was_taken_back_is_unexpected_until_it_is_in_force_again(ledger: SqlLedger) -> None:
    ledger.record(recorded(PENALTY))
    ledger.bill(bill(order="OC1"))
    seen = []
    for number, entries in enumerate([(PENALTY,), (), (PENALTY,)]):
        ledger.record(recorded(*entries, case_id=CASE, as_of=november(10 + number)))
        seen.append((one_bill(ledger).answers, one_bill(ledger).case_id))
    assert seen == [(PENALTY.key, CASE), (None, ""), (PENALTY.key, CASE)]


def test_a_bill_that_names_its_case_still_does_when_the_entry_is_taken_back(ledger: SqlLedger) -> None:
    ledger.bill(bill(case_id=CASE))
    ledger.record(recorded(PENALTY))
    ledger.record(recorded(case_id=CASE))
    assert (one_bill(ledger).answers, one_bill(ledger).case_id) == (None, CASE)


def test_a_bill_goes_to_another_entry_of_its_order_when_its_own_is_taken_back(ledger: SqlLedger) -> None:
    ledger.record(recorded(expected(at=november(2))))
    ledger.record(recorded(expected("C9", about="OC1", at=november(3))))
    assert ledger.bill(bill(order="OC1")).answers == "claim_1688/C1/CL-3/OC1"
    ledger.record(recorded(case_id=CASE))
    assert one_bill(ledger).answers == "claim_1688/C9/CL-3/OC1"


def test_a_reversed_entry_answers_no_bill(ledger: SqlLedger) -> None:
    ledger.record(recorded(PENALTY))
    ledger.record(recorded(case_id=CASE))
    assert ledger.bill(bill(order="OC1")).answers is None


# Cases


def test_g_14_a_case_that_was_opened_is_known_for_ever(any_ledger: Ledger) -> None:
    any_ledger.opened([opened("C1"), opened("C2")])
    any_ledger.opened([opened("C1", opened_at=november(9), shop_id="S9")])
    many = [f"claim_1688/C{number}" for number in range(1500)]
    assert any_ledger.known(many) == {
        name: KnownCase(case_id=name, opened_at=november(1)) for name in (CASE, "claim_1688/C2")
    }
    assert any_ledger.known([]) == {}
    any_ledger.opened([])


def test_g_14_what_is_recorded_of_a_case_makes_it_known_and_says_how_it_ended(any_ledger: Ledger) -> None:
    any_ledger.record(recorded(PENALTY))
    assert known(any_ledger) == KnownCase(case_id=CASE, opened_at=november(1))
    any_ledger.record(recorded(ended(closed_at=november(5))))
    assert known(any_ledger) == KnownCase(case_id=CASE, opened_at=november(1), state="dismissed", ended_at=november(5))


@pytest.mark.parametrize("ending", ["terminated", "failed", "cancelled", "timed_out"])
def test_an_end_without_the_case_is_news_once(any_ledger: Ledger, ending: Ending) -> None:
    any_ledger.opened([opened()])
    at = november(6) + timedelta(microseconds=5)
    assert [any_ledger.ended(CASE, ending, at) for _ in range(2)] == [True, False]
    assert known(any_ledger) == KnownCase(case_id=CASE, opened_at=november(1), ending=ending, ended_at=november(6))


def test_a_revived_case_is_open_and_its_next_end_is_news(any_ledger: Ledger) -> None:
    any_ledger.opened([opened()])
    assert any_ledger.ended(CASE, "terminated", november(6))
    any_ledger.revived(CASE)
    assert known(any_ledger) == KnownCase(case_id=CASE, opened_at=november(1))
    assert any_ledger.ended(CASE, "terminated", november(7))
    assert not any_ledger.ended(CASE, "failed", november(6))
    assert (known(any_ledger).ending, known(any_ledger).ended_at) == ("terminated", november(7))


def test_an_end_never_overwrites_an_outcome(any_ledger: Ledger) -> None:
    any_ledger.record(recorded(ended(), as_of=november(6)))
    assert not any_ledger.ended(CASE, "terminated", november(7))
    assert (known(any_ledger).state, known(any_ledger).ending) == ("dismissed", None)
    any_ledger.revived(CASE)
    assert known(any_ledger).state == "dismissed"


def test_a_case_that_is_recorded_after_its_end_runs_again(any_ledger: Ledger) -> None:
    any_ledger.opened([opened()])
    any_ledger.ended(CASE, "terminated", november(6))
    any_ledger.record(recorded(PENALTY, as_of=november(5)))
    assert known(any_ledger).ending == "terminated"
    any_ledger.record(recorded(PENALTY, as_of=november(7)))
    assert known(any_ledger).ending is None
    assert not any_ledger.ended(CASE, "terminated", november(6))


def test_the_end_of_a_case_that_nobody_recorded_is_kept_too(any_ledger: Ledger) -> None:
    assert any_ledger.ended(CASE, "failed", november(6))
    assert (known(any_ledger).ending, known(any_ledger).ended_at) == ("failed", november(6))


# Any order


ORDERS, OWNERS = ("O1", "O2"), ("C1", "C2")
ENTRIES = [expected(own, about=order) for own in OWNERS for order in ORDERS]
RECORDS = st.builds(
    lambda own, minute, in_force, state: recorded(
        *(entry for entry in ENTRIES if entry.case_id == f"claim_1688/{own}" and entry.about in in_force),
        *((ended(own, state),) if state else ()),
        case_id=f"claim_1688/{own}",
        as_of=november(10, 9, minute),
    ),
    st.sampled_from(OWNERS),
    st.integers(0, 59),
    st.sets(st.sampled_from(ORDERS)),
    st.sampled_from([None, "dismissed", "established"]),
)
BILLS = st.builds(lambda number, order: bill(f"B{number}", order=order), st.integers(0, 5), st.sampled_from(ORDERS))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(RECORDS, BILLS), max_size=12), st.randoms())
def test_g_11_in_whatever_order_records_and_bills_come_the_newest_record_is_in_force_and_every_bill_finds_its_entry(
    made_sqlite: Path, tmp_path: Path, handed_in: list[CaseRecord | Bill], by: Random
) -> None:
    instants = set[tuple[str, datetime]]()
    told = [item for item in handed_in if isinstance(item, Bill) or is_first(instants, (item.case_id, item.as_of))]
    newest = {item.case_id: item for item in sorted(filter(is_record, told), key=lambda record: record.as_of)}
    for order in (told, by.sample(told, len(told))):
        with SqlLedger(Path(shutil.copy(made_sqlite, tmp_path / f"{by.random()}"))) as ledger:
            memory = InMemoryLedger()
            for item in order:
                if isinstance(item, Bill):
                    ledger.bill(item)
                else:
                    ledger.record(item)
                    memory.record(item)
            stored = ledger.entries(FIRST, LAST)
            in_force = {entry.key: entry for entry in stored if entry.status == "expected"}
            assert in_force.keys() == {entry.key for record in newest.values() for entry in record.entries}
            assert in_force.keys() == {entry.key for entry in memory.entries() if entry.status == "expected"}
            assert ledger.known(list(newest)) == memory.known(list(newest))
            assert sorted(outcomes(ledger), key=lambda outcome: outcome.case_id) == memory.outcomes()
            bills = [entry for entry in stored if entry.status == "billed"]
            answered = [entry.answers for entry in bills if entry.answers]
            assert len(answered) == len(set(answered))
            assert {in_force[entry.answers].about for entry in bills if entry.answers} <= {*ORDERS}
            for about in ORDERS:
                billed = sum(entry.order == about for entry in bills)
                free = sum(entry.about == about for entry in in_force.values())
                matched = sum(entry.order == about and entry.answers is not None for entry in bills)
                assert matched == min(billed, free)


def is_first(seen: set[tuple[str, datetime]], item: tuple[str, datetime]) -> bool:
    """Return whether an item is seen for the first time; two records of one instant have no order."""
    return not (item in seen or seen.add(item))


def is_record(item: CaseRecord | Bill) -> TypeGuard[CaseRecord]:
    return isinstance(item, CaseRecord)
