"""Recording all about a case as of one instant, in one transaction (G-11)."""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from aftersales.ledger.database import insert_new
from aftersales.ledger.matching import lock, lock_cases, match, match_again, release
from aftersales.ledger.once_an_order import Group
from aftersales.ledger.settling import group_of_row, groups_begun_in, groups_of_case, is_booked, settle
from aftersales.ledger.tables import CASES, DECISIONS, ENTRIES, MISSED_DEADLINES, OUTCOMES, UNDONE
from cases.ledger import CaseRecord, LedgerEntry, OpenedCase
from cases.shanghai import shanghai_day

# Statements that name no values are built once: building them takes longer than running them.
_CASE = select(CASES).where(CASES.c.case_id == bindparam("of_case")).with_for_update()
_UPDATE_CASE = update(CASES).where(CASES.c.case_id == bindparam("of_case"))
_OWN_ENTRIES = select(ENTRIES).where(ENTRIES.c.case_id == bindparam("of_case"), ENTRIES.c.status != "billed")
_UPDATE_ENTRY = update(ENTRIES).where(ENTRIES.c.key == bindparam("of_key"))
_OWN_UNDONE = select(UNDONE).where(UNDONE.c.case_id == bindparam("of_case"))
_DELETE_UNDONE = delete(UNDONE).where(UNDONE.c.case_id == bindparam("of_case"))
_DELETE_DECISIONS = delete(DECISIONS).where(DECISIONS.c.case_id == bindparam("of_case"))
_DELETE_MISSED = delete(MISSED_DEADLINES).where(MISSED_DEADLINES.c.case_id == bindparam("of_case"))
_INSERT_ENTRY, _INSERT_DECISION, _INSERT_OUTCOME = insert(ENTRIES), insert(DECISIONS), insert(OUTCOMES)
_INSERT_MISSED = insert(MISSED_DEADLINES)
_DELETE_OUTCOME = delete(OUTCOMES).where(OUTCOMES.c.case_id == bindparam("of_case"))


class _Before(Enum):
    """What is stored of a case when it is recorded."""

    NOTHING = auto()
    OLDER = auto()
    NEWER = auto()


def record_case(connection: Connection, record: CaseRecord) -> None:
    """Replace what is stored of a case, unless that is newer."""
    before, begun = _record_instant(connection, record)
    if before is _Before.NEWER:
        return
    _record_entries(connection, record, begun=begun)
    case = {"of_case": record.case_id}
    if before is _Before.OLDER:
        connection.execute(_DELETE_DECISIONS, case)
        connection.execute(_DELETE_MISSED, case)
        connection.execute(_DELETE_OUTCOME, case)
    if record.decisions:
        connection.execute(_INSERT_DECISION, _decision_rows(record))
    if record.missed:
        connection.execute(_INSERT_MISSED, _missed_rows(record))
    if record.outcome is not None:
        row = record.outcome.model_dump() | {"day": shanghai_day(record.outcome.closed_at)}
        connection.execute(_INSERT_OUTCOME, row)


def enter_cases(connection: Connection, cases: Iterable[OpenedCase]) -> None:
    """Store cases that are not known yet; what was taken back by when they began is taken back of their orders, too."""
    news = [case for case in cases if insert_new(connection, CASES, case.model_dump())]
    about = sorted({(case.shop_id, case.process, case.order) for case in news if case.order is not None})
    for shop, process in sorted({(shop, process) for shop, process, _ in about}):
        lock_cases(connection, shop, process, shared=True)
    groups = sorted({group for case in about for group in groups_of_case(connection, *case)})
    for shop, clause in sorted({(group.shop, group.clause) for group in groups}):
        lock(connection, shop, clause)
    for group in groups:
        settle(connection, group)


def _record_instant(connection: Connection, record: CaseRecord) -> tuple[_Before, bool]:
    """Store as of when the case is recorded, unless a newer record is stored; keep others out until the end.

    Also return whether it is news when the case began.
    """
    values = record.model_dump(include={"process", "shop_id", "order", "opened_at", "as_of"})
    if insert_new(connection, CASES, {"case_id": record.case_id, **values}):
        return _Before.NOTHING, True
    case = {"of_case": record.case_id}
    stored = connection.execute(_CASE, case).mappings().one()
    if stored["as_of"] is not None and stored["as_of"] > record.as_of:
        return _Before.NEWER, False
    if record.outcome is not None or (stored["ended_at"] is not None and stored["ended_at"] < record.as_of):
        values |= {"ending": None, "ended_at": None}
    connection.execute(_UPDATE_CASE, case | values)
    begun = any(stored[name] != values[name] for name in ("shop_id", "order", "opened_at"))
    return (_Before.NOTHING if stored["as_of"] is None else _Before.OLDER), begun


def _record_entries(connection: Connection, record: CaseRecord, *, begun: bool) -> None:
    in_force = {entry.key: _entry_row(entry) for entry in record.entries}
    own = connection.execute(_OWN_ENTRIES, {"of_case": record.case_id}).mappings()
    stored = {row["key"]: dict(row) for row in own}
    undone = _undone_rows(record)
    undone_before = [dict(row) for row in connection.execute(_OWN_UNDONE, {"of_case": record.case_id}).mappings()]
    changed = [row for row in undone if row not in undone_before] + [row for row in undone_before if row not in undone]
    unsettled = _of_its_beginning(connection, record, changed, begun=begun)
    concerned = {(row["shop_id"], row["clause"]) for row in (*stored.values(), *in_force.values(), *changed)}
    for shop, clause in sorted(concerned | {(group.shop, group.clause) for group in unsettled}):
        lock(connection, shop, clause)
    for row in changed:
        by_order = {Group(row["shop_id"], row["clause"], row["order"])}
        unsettled |= by_order if row["order"] is not None else groups_begun_in(connection, row)
    if changed:
        _replace_undone(connection, record, undone)
    # What other cases take back changes the status of entries, but not whether their own case has them in force.
    gone = sorted(key for key, row in stored.items() if key not in in_force and is_booked(row))
    released: list[str] = []
    if gone:
        taken_back = {"status": "reversed", "undone_by": None}
        connection.execute(update(ENTRIES).where(ENTRIES.c.key.in_(gone)).values(taken_back))
        released = release(connection, gone)
        unsettled |= {group for key in gone if (group := group_of_row(stored[key]))}
    for key, row in in_force.items():
        before = stored.get(key)
        if before is None:
            connection.execute(_INSERT_ENTRY, row)
        elif not is_booked(before) or _facts(before) != _facts(row):
            connection.execute(_UPDATE_ENTRY, row | {"of_key": key})
        else:
            continue
        unsettled |= {group for version in (before, row) if version and (group := group_of_row(version))}
        if not group_of_row(row) and (before is None or before["status"] == "reversed"):
            match(connection, row)
    for group in sorted(unsettled):
        settle(connection, group)
    match_again(connection, released)


def _of_its_beginning(
    connection: Connection, record: CaseRecord, changed: list[dict[str, Any]], *, begun: bool
) -> set[Group]:
    """Return the groups that depend on when the case began, if that is news; take the locks that this asks for."""
    own = {record.process} if begun and record.order is not None else set()
    by_period = {row["process"] for row in changed if row["process"] is not None}
    for process in sorted(own | by_period):
        lock_cases(connection, record.shop_id, process, shared=process not in by_period)
    return groups_of_case(connection, record.shop_id, record.process, record.order) if own and record.order else set()


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says without whether it is taken back."""
    return {name: value for name, value in row.items() if name not in ("status", "undone_by")}


def _replace_undone(connection: Connection, record: CaseRecord, rows: list[dict[str, Any]]) -> None:
    connection.execute(_DELETE_UNDONE, {"of_case": record.case_id})
    if rows:
        connection.execute(insert(UNDONE), rows)


def _undone_rows(record: CaseRecord) -> list[dict[str, Any]]:
    """Return a row for each clause of what a case takes back."""
    rows = {
        (undone.key, clause): {
            "case_id": record.case_id,
            "key": undone.key,
            "clause": clause,
            "shop_id": record.shop_id,
            "order": undone.order,
            "at": undone.at,
            "process": undone.begun_in and undone.begun_in.process,
            "begins_at": undone.begun_in and undone.begun_in.begins_at,
            "ends_at": undone.begun_in and undone.begun_in.ends_at,
        }
        for undone in record.undone
        for clause in undone.clauses
    }
    return list(rows.values())


def _entry_row(entry: LedgerEntry) -> dict[str, Any]:
    """Return the row of a case's entry in force."""
    own = {"status": "expected", "process": entry.process, "order": entry.about, "day": shanghai_day(entry.at)}
    marks = {"once_an_order": entry.once_an_order, "income": entry.income}  # absent from a dump unless they are set
    return entry.model_dump() | marks | own | {"note": None, "answers": None, "undone_by": None}


def _decision_rows(record: CaseRecord) -> list[dict[str, Any]]:
    case = record.model_dump(include={"case_id", "process", "shop_id"})
    by_key = {decision.key: decision for decision in record.decisions}
    return [decision.model_dump() | case | {"day": shanghai_day(decision.at)} for decision in by_key.values()]


def _missed_rows(record: CaseRecord) -> list[dict[str, Any]]:
    case = record.model_dump(include={"case_id", "process", "shop_id"})
    return [
        missed.model_dump() | case | {"serial": serial, "day": shanghai_day(missed.at)}
        for serial, missed in enumerate(record.missed)
    ]
