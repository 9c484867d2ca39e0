"""Matching bills with the entries that cases expect (SL-1)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select, update

from aftersales.ledger.tables import ENTRIES, SQLITE

ENTRY: Final = ENTRIES.c
"""The columns of an entry."""


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
    other = select(ENTRY.key).where(ENTRY.shop_id == row["shop_id"], ENTRY.clause == row["clause"])
    other = other.where(ENTRY.income == row["income"])
    if billed:
        answer = ENTRIES.alias().c
        fits = ENTRY.order == order if order else and_(ENTRY.case_id == case_id, ENTRY.case_id != "")
        free = ~exists().where(answer.answers == ENTRY.key)
        other = other.where(ENTRY.status == "expected", fits, free, ~_is_superfluous())
    else:
        of_case = and_(ENTRY.order.is_(None), ENTRY.case_id == case_id)
        other = other.where(ENTRY.status == "billed", ENTRY.answers.is_(None))
        other = other.where(or_(ENTRY.order == order, of_case))
    match_key = connection.execute(other.order_by(ENTRY.at, ENTRY.key).limit(1)).scalar()
    if match_key is None:
        return
    bill, expected = (row["key"], match_key) if billed else (match_key, row["key"])
    owner = select(ENTRY.case_id, ENTRY.process).where(ENTRY.key == expected)
    matched = connection.execute(owner).one()
    answers = {"answers": expected, "case_id": matched.case_id, "process": matched.process}
    connection.execute(update(ENTRIES).where(ENTRY.key == bill).values(answers))


def _is_superfluous() -> ColumnElement[bool]:
    """Return whether an earlier entry of its shop, clause and order counts instead of one."""
    earlier = ENTRIES.alias().c
    return and_(
        ENTRY.once_an_order,
        exists().where(
            earlier.shop_id == ENTRY.shop_id,
            earlier.clause == ENTRY.clause,
            earlier.order == ENTRY.order,
            earlier.status == "expected",
            earlier.once_an_order,
            or_(earlier.at < ENTRY.at, and_(earlier.at == ENTRY.at, earlier.key < ENTRY.key)),
        ),
    )


def release(connection: Connection, expected: Sequence[str]) -> list[str]:
    """Make the bills that answered these entries unexpected again; return their keys."""
    answered = ENTRY.answers.in_(expected)
    keys = list(connection.execute(select(ENTRY.key).where(answered).order_by(ENTRY.at, ENTRY.key)).scalars())
    if keys:
        # A bill without an order named its case itself; the other bills have theirs from the entry.
        named = {column: case((ENTRY.order.is_(None), column), else_="") for column in (ENTRY.case_id, ENTRY.process)}
        connection.execute(update(ENTRIES).where(answered).values({ENTRY.answers: None, **named}))
    return keys


def match_again(connection: Connection, bills: Sequence[str]) -> None:
    """Match bills that were released with other entries, if any fit."""
    for key in bills:
        bill = select(ENTRIES).where(ENTRY.key == key, ENTRY.answers.is_(None))
        row = connection.execute(bill).mappings().one_or_none()
        if row is not None:
            match(connection, dict(row))
