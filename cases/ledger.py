"""Entries of the shop's ledger (SL-1), what platforms bill, and how cases ended."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from cases.models import Instant, Money, Strict, Text

Points = Annotated[Decimal, Field(ge=0, max_digits=9, decimal_places=3)]
"""Violation points, kept with three decimals."""


class LedgerEntry(Strict):
    """Money (CNY) or points that a case expects, or that the platform billed, under a clause.

    ``key`` makes it one entry however often it is entered: case, clause and order, or the case again where it is about
    no order.
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

    @property
    def process(self) -> str:
        """The process of the case; empty where no case is known."""
        return self.case_id.partition("/")[0]

    @property
    def about(self) -> str | None:
        """The order: the one that is named, else the one that the key ends with; None for a case about no order."""
        last = self.key.removeprefix(f"{self.case_id}/{self.clause}/")
        return self.order or (None if last in (self.key, self.case_id) else last)


class Bill(Strict):
    """Money (CNY) or points that the platform billed under a clause; ``bill_id`` is its own number, taken once a shop.

    It answers the expected entry of the same shop, clause and order; without an order that of its case.
    """

    bill_id: Text
    shop_id: Text
    clause: Text
    at: Instant
    order: Text | None = None
    case_id: Text | None = None
    amount: Money | None = None
    points: Points | None = None
    note: Text | None = None

    @property
    def key(self) -> str:
        """What makes it one entry however often it is handed in."""
        return f"billed/{self.shop_id}/{self.bill_id}"


class Booked(LedgerEntry):
    """An entry as it stands in the ledger; ``day`` is Shanghai's, ``answers`` the expected entry that a bill is for.

    ``case_id`` is empty where the platform billed what no case expects.
    """

    day: date
    note: str | None = None
    answers: str | None = None


class CaseOutcome(Strict):
    """How a case ended; it outlives the case's history.

    ``decided_by`` made the last decision: a party, ``default`` or ``clock``.  ``decided_before_deadline``: whether
    every decision of ours was; None where no deadline of ours ran.  ``lost``: the money (CNY) that the
    case has entered in the ledger.
    """

    case_id: str
    process: str
    shop_id: str
    order: str | None
    opened_at: Instant
    closed_at: Instant
    state: str
    state_label: str
    decided_by: str
    decided_before_deadline: bool | None
    clocks_run_out: Annotated[int, Field(ge=0)]
    lost: Money
