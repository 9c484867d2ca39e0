"""Recording all about a case as of one instant, in one transaction (G-11)."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from aftersales.ledger.database import insert_new
from aftersales.ledger.matching import lock, match, match_again, release
from aftersales.ledger.tables import CaseRow, DecisionRow, EntryRow, OutcomeRow
from cases.ledger import CaseRecord, LedgerEntry
from cases.shanghai import shanghai_day

_ENTRIES = EntryRow.__table__


def record_case(connection: Connection, record: CaseRecord) -> None:
    """Replace what is stored of a case, unless that is newer."""
    if not _is_newest(connection, record):
        return
    _record_entries(connection, record)
    _record_decisions(connection, record)
    connection.execute(delete(OutcomeRow).where(OutcomeRow.case_id == record.case_id))
    if record.outcome is not None:
        row = record.outcome.model_dump() | {"day": shanghai_day(record.outcome.closed_at)}
        connection.execute(insert(OutcomeRow), row)


def _is_newest(connection: Connection, record: CaseRecord) -> bool:
    """Store when the case was recorded, and keep others out meanwhile; return False if a newer record is stored."""
    values = record.model_dump(include={"process", "shop_id", "order", "opened_at", "as_of"})
    if insert_new(connection, CaseRow, {"case_id": record.case_id, **values}):
        return True
    this = CaseRow.case_id == record.case_id
    stored = connection.execute(select(CaseRow.__table__).where(this).with_for_update()).mappings().one()
    if stored["as_of"] is not None and stored["as_of"] > record.as_of:
        return False
    if record.outcome is not None or (stored["ended_at"] is not None and stored["ended_at"] < record.as_of):
        values |= {"ending": None, "ended_at": None}
    connection.execute(update(CaseRow).where(this).values(values))
    return True


def _record_entries(connection: Connection, record: CaseRecord) -> None:
    in_force = {entry.key: entry_row(entry) for entry in record.entries}
    own = select(_ENTRIES).where(EntryRow.case_id == record.case_id, EntryRow.status != "billed")
    stored = {row["key"]: dict(row) for row in connection.execute(own).mappings()}
    for shop, clause in sorted({(row["shop_id"], row["clause"]) for row in (*stored.values(), *in_force.values())}):
        lock(connection, shop, clause)
    gone = sorted(key for key, row in stored.items() if key not in in_force and row["status"] != "reversed")
    released: list[str] = []
    if gone:
        connection.execute(update(EntryRow).where(EntryRow.key.in_(gone)).values(status="reversed"))
        released = release(connection, gone)
    for key, row in in_force.items():
        before = stored.get(key)
        if before is None:
            connection.execute(insert(EntryRow), row)
        elif before != row:
            connection.execute(update(EntryRow).where(EntryRow.key == key).values(row))
        if before is None or before["status"] == "reversed":
            match(connection, row)
    match_again(connection, released)


def entry_row(entry: LedgerEntry) -> dict[str, Any]:
    """Return the row of a case's entry in force."""
    own = {"status": "expected", "process": entry.process, "order": entry.about, "day": shanghai_day(entry.at)}
    return entry.model_dump() | own | {"note": None, "answers": None}


def _record_decisions(connection: Connection, record: CaseRecord) -> None:
    connection.execute(delete(DecisionRow).where(DecisionRow.case_id == record.case_id))
    case = record.model_dump(include={"case_id", "process", "shop_id"})
    by_key = {decision.key: decision for decision in record.decisions}
    rows = [decision.model_dump() | case | {"day": shanghai_day(decision.at)} for decision in by_key.values()]
    if rows:
        connection.execute(insert(DecisionRow), rows)
