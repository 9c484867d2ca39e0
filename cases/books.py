"""Entries of the shop's ledger (SL-1)."""

from decimal import Decimal
from typing import Literal

from cases.models import Instant, Money, Strict


class LedgerEntry(Strict):
    """Money (CNY) or points that a case expects, or that the platform billed, under a clause.

    ``key`` makes it one entry however often it is handed in: case, clause and order.
    """

    key: str
    case_id: str
    shop_id: str
    clause: str
    order: str | None = None
    at: Instant
    amount: Money | None = None
    points: Decimal | None = None
    status: Literal["expected", "billed"] = "expected"
