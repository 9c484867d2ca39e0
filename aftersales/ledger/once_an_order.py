"""Entries that count once an order, however many cases book them, and cases that take back those of others (JD-14).

Of a shop, clause and order the earliest entry in force counts.  A case that takes such entries back takes back those
of all cases before an instant; whatever came first to the ledger, its record or theirs, the result is the same.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, TypeVar

from cases.ledger import LedgerEntry

Entry = TypeVar("Entry", bound=LedgerEntry)


class Group(NamedTuple):
    """The entries of which one counts: those of a shop, a clause and an order."""

    shop: str
    clause: str
    order: str


class TakenBack(NamedTuple):
    """Before which instant a case takes back the entries of a group, or that it takes back all of them."""

    at: datetime
    case_id: str
    always: bool = False


def group_of(entry: LedgerEntry) -> Group | None:
    """Return the group of an entry, None for one that counts by itself."""
    return Group(entry.shop_id, entry.clause, entry.about) if entry.once_an_order and entry.about else None


def undone_by(at: datetime, taken_back: Iterable[TakenBack]) -> str | None:
    """Return the case that took back an entry of an instant, the first of several; None if none did."""
    by = [undone for undone in taken_back if undone.always or at < undone.at]
    return min(by).case_id if by else None


def counting(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries in force, oldest first, without those in whose stead an earlier one of their group counts."""
    kept: list[Entry] = []
    seen: set[Group] = set()
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.key)):
        group = group_of(entry)
        if group is None or group not in seen:
            kept.append(entry)
        if group is not None:
            seen.add(group)
    return kept
