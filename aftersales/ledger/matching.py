"""Matching bills with the entries that cases expect (SL-1)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from aftersales.ledger.tables import SQLITE, EntryRow


def lock(connection: Connection, shop: str, clause: str) -> None:
    """Serialize writers for a shop and clause, so that entry and bill see each other."""
    if connection.dialect.name != SQLITE:  # SQLite has one writer at a time
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{shop}/{clause}", 0))))


def lock_cases(connection: Connection, shop: str, process: str, *, shared: bool) -> None:
    """Let who enters cases of a shop and process (``shared``) and who takes back by when they began see each other.

    To be taken before the locks of clauses, lest two wait in a circle.
    """
    if connection.dialect.name != SQLITE:
        take = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        connection.execute(select(take(func.hashtextextended(f"cases of {shop}/{process}", 0))))


def match(connection: Connection, row: Mapping[str, Any]) -> None:
    """Match a row, bill or expected entry, with the earliest row of the other kind that fits, if any (SL-1).

    Of entries that count once an order only the one that counts is matched; what the shop gets never answers what it
    loses.
    """
    order, case_id, billed = row["order"], row["case_id"], row["status"] == "billed"
    other = select(EntryRow.key).where(EntryRow.shop_id == row["shop_id"], EntryRow.clause == row["clause"])
    other = other.where(EntryRow.income == row["income"])
    if billed:
        answer = aliased(EntryRow)
        fits = EntryRow.order == order if order else and_(EntryRow.case_id == case_id, EntryRow.case_id != "")
        free = ~exists().where(answer.answers == EntryRow.key)
        other = other.where(EntryRow.status == "expected", fits, free, ~_is_superfluous())
    else:
        of_case = and_(EntryRow.order.is_(None), EntryRow.case_id == case_id)
        other = other.where(EntryRow.status == "billed", EntryRow.answers.is_(None))
        other = other.where(or_(EntryRow.order == order, of_case))
    match_key = connection.execute(other.order_by(EntryRow.at, EntryRow.key).limit(1)).scalar()
    if match_key is None:
        return
    bill, expected = (row["key"], match_key) if billed else (match_key, row["key"])
    owner = select(EntryRow.case_id, EntryRow.process).where(EntryRow.key == expected)
    matched = connection.execute(owner).one()
    answers = {"answers": expected, "case_id": matched.case_id, "process": matched.process}
    connection.execute(update(EntryRow).where(EntryRow.key == bill).values(answers))


def _is_superfluous() -> ColumnElement[bool]:
    """Return whether an earlier entry of its shop, clause and order counts instead of one."""
    earlier = aliased(EntryRow)
    return and_(
        EntryRow.once_an_order,
        exists().where(
            earlier.shop_id == EntryRow.shop_id,
            earlier.clause == EntryRow.clause,
            earlier.order == EntryRow.order,
            earlier.status == "expected",
            earlier.once_an_order,
            or_(earlier.at < EntryRow.at, and_(earlier.at == EntryRow.at, earlier.key < EntryRow.key)),
        ),
    )


def release(connection: Connection, expected: Sequence[str]) -> list[str]:
    """Make the bills that answered these entries unexpected again; return their keys."""
    answered = EntryRow.answers.in_(expected)
    keys = list(connection.execute(select(EntryRow.key).where(answered).order_by(EntryRow.at, EntryRow.key)).scalars())
    if keys:
        # A bill without an order named its case itself; the other bills have theirs from the entry.
        named = {
            column: case((EntryRow.order.is_(None), column), else_="")
            for column in (EntryRow.case_id, EntryRow.process)
        }
        connection.execute(update(EntryRow).where(answered).values({EntryRow.answers: None, **named}))
    return keys


def match_again(connection: Connection, bills: Sequence[str]) -> None:
    """Match bills that were released with other entries, if any fit."""
    for key in bills:
        bill = select(EntryRow.__table__).where(EntryRow.key == key, EntryRow.answers.is_(None))
        row = connection.execute(bill).mappings().one_or_none()
        if row is not None:
            match(connection, dict(row))
