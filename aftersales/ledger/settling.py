"""Settling the entries of a shop, clause and order of which one counts: which are in force, which bill answers it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, or_, select, update

from aftersales.ledger.matching import match, match_again, release
from aftersales.ledger.once_an_order import Group, TakenBack, undone_by
from aftersales.ledger.tables import ENTRIES, UNDONE


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
    of_group = (UNDONE.c.shop_id == group.shop, UNDONE.c.clause == group.clause, UNDONE.c.order == group.order)
    return [TakenBack(*row) for row in connection.execute(select(UNDONE.c.at, UNDONE.c.case_id).where(*of_group))]


def _booked(connection: Connection, group: Group) -> list[dict[str, Any]]:
    """Return the rows of a group that are in force for their own cases, oldest first."""
    of_group = (ENTRIES.c.shop_id == group.shop, ENTRIES.c.clause == group.clause, ENTRIES.c.order == group.order)
    booked = or_(ENTRIES.c.status == "expected", ENTRIES.c.undone_by.is_not(None))
    query = select(ENTRIES).where(*of_group, booked, ENTRIES.c.once_an_order).order_by(ENTRIES.c.at, ENTRIES.c.key)
    return [dict(row) for row in connection.execute(query).mappings()]
