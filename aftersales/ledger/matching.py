"""Expected against billed: which bill answers which entry (SL-1)."""

from typing import Any

from sqlalchemy import Connection, and_, exists, or_, select, update
from sqlalchemy.orm import aliased

from aftersales.ledger.tables import EntryRow


def match(connection: Connection, row: dict[str, Any]) -> None:
    """Pair a new row, bill or expected entry, with the earliest one of the other kind that it fits, if there is any."""
    order, case_id, billed = row["order"], row["case_id"], row["status"] == "billed"
    other = select(EntryRow.key).where(EntryRow.shop_id == row["shop_id"], EntryRow.clause == row["clause"])
    if billed:
        answer = aliased(EntryRow)
        fits = EntryRow.order == order if order else and_(EntryRow.case_id == case_id, EntryRow.case_id != "")
        free = ~exists().where(answer.answers == EntryRow.key)
        other = other.where(EntryRow.status == "expected", fits, free)
    else:
        of_case = and_(EntryRow.order.is_(None), EntryRow.case_id == case_id)
        other = other.where(EntryRow.status == "billed", EntryRow.answers.is_(None))
        other = other.where(or_(EntryRow.order == order, of_case))
    found = connection.execute(other.order_by(EntryRow.at, EntryRow.key).limit(1)).scalar()
    if found is None:
        return
    bill, expected = (row["key"], found) if billed else (found, row["key"])
    whose = select(EntryRow.case_id, EntryRow.process).where(EntryRow.key == expected)
    known = connection.execute(whose).one()
    answers = {"answers": expected, "case_id": known.case_id, "process": known.process}
    connection.execute(update(EntryRow).where(EntryRow.key == bill).values(answers))
