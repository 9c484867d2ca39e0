"""Settling the entries of a shop, clause and order of which one counts: which are in force, which bill answers it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, exists, or_, select, update

from aftersales.ledger.matching import match, match_again, release
from aftersales.ledger.once_an_order import Group, TakenBack, undone_by
from aftersales.ledger.tables import CASES, ENTRIES, UNDONE

_BEGUN_IN_PERIOD = (
    CASES.c.shop_id == UNDONE.c.shop_id,
    CASES.c.process == UNDONE.c.process,
    CASES.c.opened_at.between(UNDONE.c.begins_at, UNDONE.c.ends_at),
)

_CLAUSES_BY_PERIOD = (
    select(UNDONE.c.clause)
    .distinct()
    .where(UNDONE.c.shop_id == bindparam("of_shop"), UNDONE.c.process == bindparam("of_process"))
)


def group_of_row(row: Mapping[str, Any]) -> Group | None:
    """Return the group of an entry's row, None for one that counts by itself."""
    return Group(row["shop_id"], row["clause"], row["order"]) if row["once_an_order"] and row["order"] else None


def is_booked(row: Mapping[str, Any]) -> bool:
    """Return whether an entry is in force for its own case, even if another one took it back."""
    return row["status"] == "expected" or row["undone_by"] is not None


def settle(connection: Connection, group: Group) -> None:
    """Reverse what is taken back of a group, put back into force what no longer is, and match bills with what counts.

    The caller holds the lock of the group's shop and clause.
    """
    taken_back = _taken_back(connection, group)
    counts: dict[str, Any] | None = None
    others = []
    for row in _booked(connection, group):
        by = undone_by(row["at"], taken_back)
        now = {"status": "reversed" if by else "expected", "undone_by": by}
        if now != {name: row[name] for name in now}:
            connection.execute(update(ENTRIES).where(ENTRIES.c.key == row["key"]).values(now))
        if by is None and counts is None:
            counts = row | now
        else:
            others.append(row["key"])
    released = release(connection, others)
    if counts and not connection.execute(select(ENTRIES.c.key).where(ENTRIES.c.answers == counts["key"])).first():
        match(connection, counts)
    match_again(connection, released)


def _taken_back(connection: Connection, group: Group) -> list[TakenBack]:
    of_clause = UNDONE.c.shop_id == group.shop, UNDONE.c.clause == group.clause
    begun = exists().where(*_BEGUN_IN_PERIOD, CASES.c.order == group.order)
    query = select(UNDONE.c.at, UNDONE.c.case_id, UNDONE.c.order.is_(None))
    found = connection.execute(query.where(*of_clause, or_(UNDONE.c.order == group.order, begun)))
    return [TakenBack(*row) for row in found]


def groups_begun_in(connection: Connection, undone: Mapping[str, Any]) -> set[Group]:
    """Return the groups with entries of the orders whose entries a row takes back by when their cases began."""
    shop, clause = undone["shop_id"], undone["clause"]
    begun = CASES.c.opened_at.between(undone["begins_at"], undone["ends_at"])
    case = exists().where(
        CASES.c.shop_id == shop, CASES.c.process == undone["process"], begun, CASES.c.order == ENTRIES.c.order
    )
    of_clause = ENTRIES.c.shop_id == shop, ENTRIES.c.clause == clause, ENTRIES.c.once_an_order
    orders = connection.execute(select(ENTRIES.c.order).distinct().where(*of_clause, case)).scalars()
    return {Group(shop, clause, order) for order in orders}


def groups_of_case(connection: Connection, shop: str, process: str, order: str) -> set[Group]:
    """Return the groups of an order that depend on when its case of a process began."""
    clauses = connection.execute(_CLAUSES_BY_PERIOD, {"of_shop": shop, "of_process": process})
    return {Group(shop, clause, order) for (clause,) in clauses}


def _booked(connection: Connection, group: Group) -> list[dict[str, Any]]:
    """Return the rows of a group that are in force for their own cases, oldest first."""
    of_group = (ENTRIES.c.shop_id == group.shop, ENTRIES.c.clause == group.clause, ENTRIES.c.order == group.order)
    booked = or_(ENTRIES.c.status == "expected", ENTRIES.c.undone_by.is_not(None))
    query = select(ENTRIES).where(*of_group, booked, ENTRIES.c.once_an_order).order_by(ENTRIES.c.at, ENTRIES.c.key)
    return [dict(row) for row in connection.execute(query).mappings()]
