"""Entries that count once an order, and cases that take back those of others (JD-14), in whatever order they come."""

import contextlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from aftersales.ledger.in_memory import InMemoryLedger
from aftersales.ledger.once_an_order import Group, counting
from aftersales.ledger.settling import settle
from aftersales.ledger.store import SqlLedger
from cases.ledger import BegunIn, Bill, Booked, CaseRecord, LedgerEntry, OpenedCase, Undone
from cases.ports import Ledger
from tests.support.records.booking import bill, expected, november, opened, recorded

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)
CLAUSES = ("JD-10", "JD-14")


def late(own_id: str, day: int = 3, clause: str = "JD-10", order: str = "O1", **fields: Any) -> LedgerEntry:
    marks = {"counted": True, "once_an_order": True} | fields
    return expected(own_id, clause, november(day), process="jd_shipment", about=order, **marks)


def undoing(
    own_id: str, day: int, *, order: str = "O1", clauses: tuple[str, ...] = CLAUSES, **fields: Any
) -> CaseRecord:
    """Return the record of a case that takes back what was late up to a day."""
    undone = (Undone(clauses=clauses, order=order, at=november(day), key="approve_report/1"),)
    return of_case(own_id, undone=undone, **fields)


def of_case(own_id: str, *entries: LedgerEntry, **fields: Any) -> CaseRecord:
    case = {"case_id": f"jd_shipment/{own_id}", "process": "jd_shipment"}
    return recorded(*entries, **(case | fields))


def entries(ledger: Ledger) -> list[LedgerEntry]:
    if isinstance(ledger, InMemoryLedger):
        return ledger.entries()
    return list(ledger.entries(FIRST, LAST))  # type: ignore[attr-defined]


def in_force(ledger: Ledger) -> list[str]:
    """The own ids of the cases whose entries are in force."""
    return [entry.case_id.partition("/")[2] for entry in entries(ledger) if entry.status == "expected"]


def counts(ledger: Ledger) -> list[str]:
    """The own ids of the cases whose entries count."""
    expected = [entry for entry in entries(ledger) if entry.status == "expected"]
    return [entry.case_id.partition("/")[2] for entry in counting(expected)]


def test_jd_14_the_earliest_entry_counts_and_when_it_is_reversed_the_next_does(any_ledger: Ledger) -> None:
    for own, day in (("C1", 5), ("C2", 3), ("C3", 4)):
        any_ledger.record(of_case(own, late(own, day)))
    seen = [counts(any_ledger)]
    for number, own in enumerate(("C2", "C3", "C1")):
        any_ledger.record(of_case(own, as_of=november(11, number)))
        seen.append(counts(any_ledger))
    assert seen == [["C2"], ["C3"], ["C1"], []]


@pytest.mark.parametrize("other", [{"order": "O2"}, {"clause": "JD-14"}, {"shop_id": "S2"}, {"once_an_order": False}])
def test_another_order_clause_or_shop_counts_by_itself(any_ledger: Ledger, other: dict[str, Any]) -> None:
    any_ledger.record(of_case("C1", late("C1")))
    any_ledger.record(of_case("C2", late("C2", **other)))
    assert sorted(counts(any_ledger)) == ["C1", "C2"]


@pytest.mark.parametrize("first", ["lateness", "approval"])
@pytest.mark.parametrize(("day", "left"), [(2, ["C1", "C2"]), (3, ["C1", "C2"]), (4, ["C2"]), (6, [])])
def test_jd_14_an_approval_takes_back_what_was_late_before_its_instant(
    any_ledger: Ledger, day: int, left: list[str], first: str
) -> None:
    records = [of_case("C1", late("C1", 3)), of_case("C2", late("C2", 5, "JD-14")), undoing("A1", day)]
    for record in records if first == "lateness" else reversed(records):
        any_ledger.record(record)
    assert sorted(in_force(any_ledger)) == left


def test_jd_14_what_is_late_again_at_the_instant_of_the_approval_counts(any_ledger: Ledger) -> None:
    before, at_once = late("C1").model_copy(update={"at": november(3) - timedelta(seconds=1)}), late("C2", 3)
    for record in (of_case("C1", before), of_case("C2", at_once), undoing("A1", 3)):
        any_ledger.record(record)
    assert in_force(any_ledger) == ["C2"]


@pytest.mark.parametrize(
    "other", [{"order": "O2"}, {"clauses": ("JD-5", "JD-14")}, {"shop_id": "S2"}], ids=lambda other: next(iter(other))
)
def test_an_approval_takes_nothing_back_of_another_order_clause_or_shop(
    any_ledger: Ledger, other: dict[str, Any]
) -> None:
    any_ledger.record(of_case("C1", late("C1")))
    any_ledger.record(undoing("A1", 9, **other))
    assert in_force(any_ledger) == ["C1"]


def test_an_approval_takes_nothing_back_that_does_not_count_once_an_order(any_ledger: Ledger) -> None:
    any_ledger.record(of_case("C1", late("C1", once_an_order=False)))
    any_ledger.record(undoing("A1", 9))
    assert in_force(any_ledger) == ["C1"]


def test_jd_14_an_approval_takes_back_the_entries_of_its_own_case_too(any_ledger: Ledger) -> None:
    own = undoing("C1", 4).model_copy(update={"entries": (late("C1", 3),)})
    any_ledger.record(own)
    assert in_force(any_ledger) == []


def test_g_11_an_approval_that_is_gone_takes_nothing_back_any_more(any_ledger: Ledger) -> None:
    any_ledger.record(of_case("C1", late("C1")))
    seen = []
    for number, record in enumerate((undoing("A1", 4), undoing("A2", 5), of_case("A1"), of_case("A2"))):
        any_ledger.record(record.model_copy(update={"as_of": november(10, number)}))
        seen.append(in_force(any_ledger))
    assert seen == [[], [], [], ["C1"]]


def test_g_11_an_entry_that_its_own_case_has_dropped_does_not_come_back_with_the_approval(any_ledger: Ledger) -> None:
    any_ledger.record(of_case("C1", late("C1")))
    any_ledger.record(undoing("A1", 4))
    any_ledger.record(of_case("C1", as_of=november(11)))
    any_ledger.record(of_case("A1", as_of=november(11)))
    assert in_force(any_ledger) == []
    any_ledger.record(of_case("C1", late("C1"), as_of=november(12)))
    assert in_force(any_ledger) == ["C1"]


def test_an_entry_says_which_case_took_it_back(ledger: SqlLedger) -> None:
    ledger.record(of_case("C1", late("C1", 3)))
    ledger.record(undoing("A2", 6))
    ledger.record(undoing("A1", 5))
    (entry,) = ledger.entries(FIRST, LAST)
    assert (entry.status, entry.undone_by) == ("reversed", "jd_shipment/A1")
    assert Booked.model_validate_json(entry.model_dump_json()) == entry
    ledger.record(of_case("C1", as_of=november(11)))
    assert [(entry.status, entry.undone_by) for entry in ledger.entries(FIRST, LAST)] == [("reversed", None)]


def test_an_entry_put_right_is_judged_by_its_new_instant(any_ledger: Ledger) -> None:
    any_ledger.record(of_case("C1", late("C1", 3)))
    any_ledger.record(undoing("A1", 4))
    any_ledger.record(of_case("C1", late("C1", 5), as_of=november(11)))
    assert in_force(any_ledger) == ["C1"]


# The orders of a period (JD-7)


def of_period(own_id: str = "R1", first: int = 4, last: int = 6, **fields: Any) -> CaseRecord:
    """Return the record of a case that takes back what was late of the orders begun from a day to another."""
    begun_in = BegunIn(process="jd_shipment", begins_at=november(first), ends_at=november(last))
    undone = Undone(clauses=CLAUSES, order=None, at=november(7), key="approve/1", begun_in=begun_in)
    case = {"case_id": f"jd_advance_report/{own_id}", "process": "jd_advance_report", "order": None}
    return recorded(undone=(undone,), **(case | fields))


def begun(order: str, at: datetime) -> OpenedCase:
    return opened(f"W{order}", order=order, process="jd_shipment", opened_at=at)


def hand_in(ledger: Ledger, item: CaseRecord | OpenedCase) -> None:
    if isinstance(item, CaseRecord):
        ledger.record(item)
    else:
        ledger.opened([item])


@pytest.mark.parametrize("turn", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize(
    ("at", "left"),
    [
        (november(4) - timedelta(seconds=1), ["C1"]),
        (november(4), []),
        (november(6), []),
        (november(6) + timedelta(seconds=1), ["C1"]),
    ],
)
def test_jd_7_a_period_takes_back_what_is_late_of_its_orders_in_whatever_order_it_is_known(
    any_ledger: Ledger, turn: tuple[int, ...], at: datetime, left: list[str]
) -> None:
    """Another case of the order was late, after the approval, too."""
    items = (of_case("C1", late("C1", 9, "JD-14")), begun("O1", at), of_period())
    for number in turn:
        hand_in(any_ledger, items[number])
    assert in_force(any_ledger) == left


@pytest.mark.parametrize("turn", list(permutations(range(2))), ids=str)
def test_jd_7_a_case_that_has_ended_is_taken_back_by_when_it_says_that_it_began(
    any_ledger: Ledger, turn: tuple[int, ...]
) -> None:
    any_ledger.opened([opened("C1", order="O1", process="jd_shipment", opened_at=november(9))])
    items = (of_case("C1", late("C1", 5), order="O1", opened_at=november(4)), of_period())
    for number in turn:
        any_ledger.record(items[number])
    assert in_force(any_ledger) == []


@pytest.mark.parametrize(
    "other",
    [{"shop_id": "S2"}, {"order": "O2"}, {"process": "jd_delay_card"}],
    ids=lambda other: next(iter(other)),
)
@pytest.mark.parametrize("first", ["case", "period"])
def test_jd_7_the_case_of_another_shop_order_or_process_says_nothing_of_when_an_order_began(
    any_ledger: Ledger, other: dict[str, Any], first: str
) -> None:
    any_ledger.record(of_case("C1", late("C1", 5)))
    items = [opened("W1", **({"order": "O1", "process": "jd_shipment", "opened_at": november(5)} | other)), of_period()]
    for item in items if first == "case" else reversed(items):
        hand_in(any_ledger, item)
    assert in_force(any_ledger) == ["C1"]


def test_g_11_an_approved_period_that_is_gone_takes_nothing_back_any_more(any_ledger: Ledger) -> None:
    any_ledger.opened([begun("O1", november(5))])
    any_ledger.record(of_case("C1", late("C1", 5)))
    seen = []
    for number, undone in enumerate((of_period().undone, of_period(first=1, last=2).undone, of_period().undone, ())):
        any_ledger.record(of_period().model_copy(update={"as_of": november(10, number), "undone": undone}))
        seen.append(in_force(any_ledger))
    assert seen == [[], ["C1"], [], ["C1"]]


def test_jd_7_a_case_and_a_period_that_come_at_the_same_time_see_each_other(ledger: SqlLedger) -> None:
    start = threading.Barrier(2)

    def enter(item: CaseRecord | OpenedCase) -> None:
        start.wait(10)
        hand_in(ledger, item)

    for shop in (f"S{number}" for number in range(12)):
        ledger.record(of_case(f"C{shop}", late(f"C{shop}", 5, shop_id=shop), shop_id=shop))
        case = opened(f"W{shop}", order="O1", process="jd_shipment", opened_at=november(5), shop_id=shop)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(enter, (case, of_period(f"R{shop}", shop_id=shop))))
    assert in_force(ledger) == []


# Bills


def answered(ledger: SqlLedger) -> list[str | None]:
    """The own ids of the cases whose entries the bills answer, by number."""
    bills = sorted(
        (entry for entry in ledger.entries(FIRST, LAST) if entry.status == "billed"), key=lambda one: one.key
    )
    return [entry.answers and entry.answers.split("/")[1] for entry in bills]


def test_a_bill_answers_the_entry_that_counts_and_a_second_one_is_unexpected(ledger: SqlLedger) -> None:
    for own, day in (("C1", 5), ("C2", 3)):
        ledger.record(of_case(own, late(own, day)))
    for number in ("B1", "B2"):
        ledger.bill(bill(number, "JD-10", order="O1"))
    assert answered(ledger) == ["C2", None]


def test_a_bill_follows_the_entry_that_counts(ledger: SqlLedger) -> None:
    ledger.bill(bill("B1", "JD-10", order="O1"))
    seen = []
    for number, record in enumerate(
        (
            of_case("C1", late("C1", 5)),
            of_case("C2", late("C2", 3)),
            undoing("A1", 4),
            undoing("A1", 6),
            of_case("A1"),
            of_case("C2"),
        )
    ):
        ledger.record(record.model_copy(update={"as_of": november(10, number)}))
        seen += answered(ledger)
    assert seen == ["C1", "C2", "C1", None, "C2", "C1"]


def test_ds_8_a_bill_of_what_the_shop_got_never_answers_what_it_loses(ledger: SqlLedger) -> None:
    loss = expected("C1", "DS-8", amount="12.00")
    income = expected("C2", "DS-8", about="OC1", amount="300.00", income=True)
    ledger.bill(bill("B0", "DS-8", order="OC1", income=True))
    for entry in (loss, income):
        ledger.record(recorded(entry))
    for number, fields in (("B1", {"income": True}), ("B2", {}), ("B3", {})):
        ledger.bill(bill(number, "DS-8", order="OC1", **fields))
    assert answered(ledger) == ["C2", None, "C1", None]


# Any order


OWN_IDS, ORDERS, DAYS = ("C1", "C2", "C3"), ("O1", "O2"), range(2, 7)
DRAWN_ENTRY = st.tuples(st.sampled_from(CLAUSES), st.sampled_from(ORDERS), st.sampled_from(DAYS))
UNDONE = st.tuples(
    st.lists(st.sampled_from(CLAUSES), min_size=1, max_size=2, unique=True),
    st.sampled_from(ORDERS),
    st.sampled_from(DAYS),
)
RECORDS = st.builds(
    lambda own, minute, entries, undone: of_case(
        own,
        *(late(own, day, clause, order) for (clause, order), day in {entry[:2]: entry[2] for entry in entries}.items()),
        undone=tuple(
            Undone(clauses=tuple(clauses), order=order, at=november(day), key=str(number))
            for number, (clauses, order, day) in enumerate(undone)
        ),
        as_of=november(10, 9, minute),
    ),
    st.sampled_from(OWN_IDS),
    st.integers(0, 59),
    st.lists(DRAWN_ENTRY, max_size=4),
    st.lists(UNDONE, max_size=2),
)
BILLS = st.builds(
    lambda number, clause, order: bill(f"B{number}", clause, order=order),
    st.integers(0, 5),
    st.sampled_from(CLAUSES),
    st.sampled_from(ORDERS),
)


def what_counts(records: list[CaseRecord]) -> dict[tuple[str, str], LedgerEntry]:
    """Return, worked out again from all records together, the entry that counts of each clause and order."""
    counting: dict[tuple[str, str], LedgerEntry] = {}
    for record in records:
        for entry in record.entries:
            order, place = str(entry.about), (entry.clause, str(entry.about))
            taken_back = any(
                undone.order == order and entry.clause in undone.clauses and entry.at < undone.at
                for other in records
                for undone in other.undone
            )
            before = counting.get(place)
            if not taken_back and (before is None or (entry.at, entry.key) < (before.at, before.key)):
                counting[place] = entry
    return counting


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(RECORDS, RECORDS, BILLS), max_size=14), st.randoms())
def test_jd_14_in_whatever_order_records_and_bills_come_an_order_is_late_once_or_not_at_all(
    made_sqlite: Path, tmp_path: Path, handed_in: list[CaseRecord | Bill], by: Random
) -> None:
    seen = set[tuple[str, datetime]]()
    told: list[CaseRecord | Bill] = []
    newest: dict[str, CaseRecord] = {}
    for item in handed_in:
        if isinstance(item, CaseRecord):
            if (item.case_id, item.as_of) in seen:
                continue  # two records of one instant have no order
            seen.add((item.case_id, item.as_of))
            if item.case_id not in newest or newest[item.case_id].as_of < item.as_of:
                newest[item.case_id] = item
        told.append(item)
    right = what_counts(list(newest.values()))
    keys = {entry.key for entry in right.values()}
    statuses = []
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
        expected, bills = ([one for one in stored if one.status == status] for status in ("expected", "billed"))
        assert {entry.key for entry in counting(expected)} == keys
        assert {entry.key: entry.status for entry in stored if entry.status == "expected"} == {
            entry.key: entry.status for entry in memory.entries() if entry.status == "expected"
        }
        assert {bill.answers for bill in bills} - {None} <= keys
        for clause, about in right:
            assert sum(bill.answers == right[clause, about].key for bill in bills) == any(
                (bill.clause, bill.order) == (clause, about) for bill in bills
            )
        statuses.append(sorted((entry.key, entry.undone_by) for entry in stored if entry.status == "expected"))
    assert statuses[0] == statuses[1]


def test_an_entry_and_an_approval_that_come_at_the_same_instant_see_each_other(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_are_settled = threading.Barrier(2, timeout=0.3)

    def slowly(connection: Connection, group: Group) -> None:
        settle(connection, group)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_are_settled.wait()

    monkeypatch.setattr("aftersales.ledger.recording.settle", slowly)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(ledger.record, (of_case("C1", late("C1", 3)), undoing("A1", 4, clauses=("JD-10",)))))
    assert in_force(ledger) == []


def test_cases_that_book_and_take_back_at_the_same_time_agree_with_what_they_would_one_by_one(
    ledger: SqlLedger,
) -> None:
    start = threading.Barrier(8)

    def hand_in(number: int) -> None:
        own, order = f"C{number}", f"O{number % 2}"
        start.wait(10)
        for turn in range(6):
            as_of = november(10, turn, number)
            if number < 4:
                clauses = CLAUSES if turn % 2 else CLAUSES[::-1]
                ledger.record(of_case(own, *(late(own, 3, clause, order) for clause in clauses), as_of=as_of))
            elif turn % 3:
                ledger.record(undoing(own, 4, order=order, as_of=as_of))
            else:
                ledger.record(of_case(own, as_of=as_of))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hand_in, range(8)))
    assert in_force(ledger) == []
    for number in range(4, 8):
        ledger.record(of_case(f"C{number}", as_of=november(11)))
    assert len(in_force(ledger)) == 8
    assert len(counts(ledger)) == 4
