"""Recording all about a case as of one instant, in one transaction (G-11)."""

from enum import Enum, auto
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from aftersales.ledger.database import insert_new
from aftersales.ledger.matching import lock, match, match_again, release
from aftersales.ledger.tables import CASES, DECISIONS, ENTRIES, OUTCOMES
from cases.ledger import CaseRecord, LedgerEntry
from cases.shanghai import shanghai_day

# Statements that name no values are built once: building them takes longer than running them.
_CASE = select(CASES).where(CASES.c.case_id == bindparam("of_case")).with_for_update()
_UPDATE_CASE = update(CASES).where(CASES.c.case_id == bindparam("of_case"))
_OWN_ENTRIES = select(ENTRIES).where(ENTRIES.c.case_id == bindparam("of_case"), ENTRIES.c.status != "billed")
_UPDATE_ENTRY = update(ENTRIES).where(ENTRIES.c.key == bindparam("of_key"))
_DELETE_DECISIONS = delete(DECISIONS).where(DECISIONS.c.case_id == bindparam("of_case"))
_DELETE_OUTCOME = delete(OUTCOMES).where(OUTCOMES.c.case_id == bindparam("of_case"))


class _Before(Enum):
    """What is stored of a case when it is recorded."""

    NOTHING = auto()
    OLDER = auto()
    NEWER = auto()


def record_case(connection: Connection, record: CaseRecord) -> None:
    """Replace what is stored of a case, unless that is newer."""
    before = _record_instant(connection, record)
    if before is _Before.NEWER:
        return
    _record_entries(connection, record)
    case = {"of_case": record.case_id}
    if before is _Before.OLDER:
        connection.execute(_DELETE_DECISIONS, case)
        connection.execute(_DELETE_OUTCOME, case)
    if record.decisions:
        connection.execute(insert(DECISIONS), _decision_rows(record))
    if record.outcome is not None:
        row = record.outcome.model_dump() | {"day": shanghai_day(record.outcome.closed_at)}
        connection.execute(insert(OUTCOMES), row)


def _record_instant(connection: Connection, record: CaseRecord) -> _Before:
    """Store as of when the case is recorded, unless a newer record is stored; keep others out until the end."""
    values = record.model_dump(include={"process", "shop_id", "order", "opened_at", "as_of"})
    if insert_new(connection, CASES, {"case_id": record.case_id, **values}):
        return _Before.NOTHING
    case = {"of_case": record.case_id}
    stored = connection.execute(_CASE, case).mappings().one()
    if stored["as_of"] is not None and stored["as_of"] > record.as_of:
        return _Before.NEWER
    if record.outcome is not None or (stored["ended_at"] is not None and stored["ended_at"] < record.as_of):
        values |= {"ending": None, "ended_at": None}
    connection.execute(_UPDATE_CASE, case | values)
    return _Before.NOTHING if stored["as_of"] is None else _Before.OLDER


def _record_entries(connection: Connection, record: CaseRecord) -> None:
    in_force = {entry.key: _entry_row(entry) for entry in record.entries}
    own = connection.execute(_OWN_ENTRIES, {"of_case": record.case_id}).mappings()
    stored = {row["key"]: dict(row) for row in own}
    for shop, clause in sorted({(row["shop_id"], row["clause"]) for row in (*stored.values(), *in_force.values())}):
        lock(connection, shop, clause)
    gone = sorted(key for key, row in stored.items() if key not in in_force and row["status"] != "reversed")
    released: list[str] = []
    if gone:
        connection.execute(update(ENTRIES).where(ENTRIES.c.key.in_(gone)).values(status="reversed"))
        released = release(connection, gone)
    for key, row in in_force.items():
        before = stored.get(key)
        if before is None:
            connection.execute(insert(ENTRIES), row)
        elif before != row:
            connection.execute(_UPDATE_ENTRY, row | {"of_key": key})
        if before is None or before["status"] == "reversed":
            match(connection, row)
    match_again(connection, released)


def _entry_row(entry: LedgerEntry) -> dict[str, Any]:
    """Return the row of a case's entry in force."""
    own = {"status": "expected", "process": entry.process, "order": entry.about, "day": shanghai_day(entry.at)}
    return entry.model_dump() | own | {"note": None, "answers": None}


def _decision_rows(record: CaseRecord) -> list[dict[str, Any]]:
    case = record.model_dump(include={"case_id", "process", "shop_id"})
    by_key = {decision.key: decision for decision in record.decisions}
    return [decision.model_dump() | case | {"day": shanghai_day(decision.at)} for decision in by_key.values()]
