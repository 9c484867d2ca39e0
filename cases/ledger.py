"""The shop's ledger (SL-1): entries of cases, bills of platforms, and outcomes of cases."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from cases.models import Instant, Money, Strict, Text
from cases.shanghai import shanghai_day

Points = Annotated[Decimal, Field(ge=0, max_digits=9, decimal_places=3)]
"""Violation points, kept with three decimals."""


class LedgerEntry(Strict):
    """Money (CNY) or points that a case expects, or that the platform billed, under a clause.

    ``key`` is the idempotency key: case, clause and order, or the case again if it is about no order.  ``counted``: the
    entry only counts, it has no amount; an entry that is not counted and has neither amount nor points is unknown.
    A ``reversed`` entry was taken back when a fact became known that had happened before it (G-11).
    """

    key: str
    case_id: str
    shop_id: str
    clause: str
    order: str | None = None
    at: Instant
    amount: Money | None = None
    points: Decimal | None = None
    counted: bool = False
    status: Literal["expected", "billed", "reversed"] = "expected"

    @property
    def process(self) -> str:
        """The process of the case; empty if the entry belongs to no case."""
        return self.case_id.partition("/")[0]

    @property
    def about(self) -> str | None:
        """The order of the entry, else the one at the end of its key; None for a case about no order."""
        last = self.key.removeprefix(f"{self.case_id}/{self.clause}/")
        return self.order or (None if last in (self.key, self.case_id) else last)

    @property
    def is_unknown(self) -> bool:
        """Whether neither its amount nor its points are known, though it has either."""
        return self.amount is None and self.points is None and not self.counted


class Bill(Strict):
    """Money (CNY) or points that the platform billed under a clause; ``bill_id`` is the platform's own number.

    A shop's bill is entered once.  It answers the expected entry of the same shop, clause and order, or that of its
    case if it names no order.
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
        """The idempotency key: a bill imported twice is entered once."""
        return f"billed/{self.shop_id}/{self.bill_id}"


class Booked(LedgerEntry):
    """A stored entry; ``day`` is the day in Shanghai, ``answers`` the expected entry that a bill is for.

    ``case_id`` is empty if no case expects what the platform billed.
    """

    day: date
    note: str | None = None
    answers: str | None = None


class CaseOutcome(Strict):
    """The outcome of a case; the ledger keeps it longer than Temporal keeps the history.

    ``decided_by`` took the last decision: a party, ``default`` or ``clock``.  ``decided_before_deadline``: whether all
    our decisions were; None if we had no deadline.  ``lost``: the sum (CNY) of the known amounts among the case's
    ledger entries, None if none is known although something was lost; ``unknown_losses`` counts those that are unknown.
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
    lost: Money | None
    unknown_losses: Annotated[int, Field(ge=0)] = 0

    @property
    def key(self) -> str:
        """The idempotency key of its notice: a case put right after it had ended has another outcome."""
        return f"{self.case_id}/outcome/{self.state}/{self.closed_at.isoformat()}"


class DecisionRecord(Strict):
    """A decision that counted (G-13): the rule, when, who took it and by which way.

    ``actor`` is the operator's name, None for the shop's default decision; ``way`` is ``command``, ``web_ui``,
    ``desk``, ``message`` or ``default``.  ``key`` identifies it within the case.
    """

    key: str
    rule: str
    order: str | None = None
    at: Instant
    party: str
    actor: str | None = None
    way: str | None = None


class Decided(DecisionRecord):
    """A stored decision, with its case."""

    case_id: str
    process: str
    shop_id: str

    @property
    def day(self) -> date:
        """The day in Shanghai."""
        return shanghai_day(self.at)


class CaseRecord(Strict):
    """All that the ledger keeps of a case, as of one instant; it replaces what was recorded before (G-11).

    ``entries`` are those in force: one recorded before that is missing here is reversed.  ``outcome`` is None while the
    case is open; recorded without one, a case that had an outcome is open again.
    """

    case_id: str
    process: str
    shop_id: str
    order: str | None
    as_of: Instant
    opened_at: Instant
    entries: tuple[LedgerEntry, ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()
    outcome: CaseOutcome | None = None


Ending = Literal["terminated", "failed", "cancelled", "timed_out"]
"""The ways in which a workflow ends without its case having ended."""


class OpenedCase(Strict):
    """A case that was opened: what the ledger must know so that it is never opened again (G-14)."""

    case_id: str
    process: str
    shop_id: str
    order: str | None
    opened_at: Instant


class KnownCase(Strict):
    """What the ledger knows of a case: how it ended, or how its workflow ended without it; both None while it is open.

    ``state`` is the final state, ``ended_at`` the instant of either end.
    """

    case_id: str
    opened_at: Instant
    state: str | None = None
    ending: Ending | None = None
    ended_at: Instant | None = None
