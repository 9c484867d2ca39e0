"""The shop's ledger (SL-1): entries of cases, bills of platforms, outcomes of cases, and what cases tell each other."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import not_
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from cases.models import FormData, Id, Instant, Money, Name, Strict, Text
from cases.shanghai import shanghai_day

Points = Annotated[Decimal, Field(ge=0, max_digits=9, decimal_places=3)]
"""Violation points, kept with three decimals."""
Flag = Annotated[bool, Field(exclude_if=not_)]
"""A mark that is written only where it is set: records in the histories of earlier cases stay as they are."""

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
_ENDS_IN_AN_INSTANT = re.compile(r"/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", re.ASCII)


class LedgerEntry(Strict):
    """Money (CNY) or points that a case expects, or that the platform billed, under a clause.

    ``key`` is the idempotency key: case, clause and order, or the case again if it is about no order; that of an entry
    for every firing of its rule ends in the instant.  ``counted``: the entry only counts, it has no amount; an entry
    that is not counted and has neither amount nor points is unknown.  ``once_an_order``: however many cases book it, it
    counts once a shop, clause and order.  ``income``: money that the shop expects to get, not to lose.  A ``reversed``
    entry was taken back when a fact became known that had happened before it (G-11), or by a case about its order.
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
    once_an_order: Flag = False
    income: Flag = False
    status: Literal["expected", "billed", "reversed"] = "expected"

    @property
    def process(self) -> str:
        """The process of the case; empty if the entry belongs to no case."""
        return self.case_id.partition("/")[0]

    @property
    def about(self) -> str | None:
        """The order of the entry, else the one at the end of its key; None for a case about no order.

        A key that ends in an instant says nothing of the order: such an entry names it itself.
        """
        if self.order or _ENDS_IN_AN_INSTANT.search(self.key):
            return self.order
        last = self.key.removeprefix(f"{self.case_id}/{self.clause}/")
        return None if last in (self.key, self.case_id) else last

    @property
    def is_unknown(self) -> bool:
        """Whether neither its amount nor its points are known, though it has either."""
        return self.amount is None and self.points is None and not self.counted


class Bill(Strict):
    """Money (CNY) or points that the platform billed under a clause; ``bill_id`` is the platform's own number.

    A shop's bill is entered once.  It answers the expected entry of the same shop, clause and order, or that of its
    case if it names no order.  ``income``: the shop got the amount; it answers only what the shop expected to get.
    """

    bill_id: Text
    shop_id: Text
    clause: Text
    at: Instant
    order: Text | None = None
    case_id: Text | None = None
    amount: Money | None = None
    points: Points | None = None
    income: Flag = False
    note: Text | None = None

    @property
    def key(self) -> str:
        """The idempotency key: a bill imported twice is entered once."""
        return f"billed/{self.shop_id}/{self.bill_id}"


class Booked(LedgerEntry):
    """A stored entry; ``day`` is the day in Shanghai, ``answers`` the expected entry that a bill is for.

    ``case_id`` is empty if no case expects what the platform billed.  ``undone_by`` is the case that took back an entry
    of another one.
    """

    day: date
    note: str | None = None
    answers: str | None = None
    undone_by: Annotated[str | None, Field(exclude_if=not_)] = None


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


class BegunIn(Strict):
    """The orders of which a case of a process began in a period, both ends included (JD-7)."""

    process: str
    begins_at: Instant
    ends_at: Instant

    def includes(self, case: "OpenedCase") -> bool:
        """Return whether a case is one of that process and period."""
        return case.process == self.process and self.begins_at <= case.opened_at <= self.ends_at


class Undone(Strict):
    """What a case takes back of the entries of all cases (JD-14).

    It takes back the entries of its shop that count once an order, are under one of ``clauses``, and are about
    ``order`` and earlier than ``at``.  An entry at that instant or later counts: what was agreed may have passed by
    then.  Without an order it takes them back of all orders ``begun_in`` a period, whenever they are entered.
    ``key`` identifies it within the case.
    """

    clauses: tuple[str, ...]
    order: str | None
    at: Instant
    key: str
    begun_in: Annotated[BegunIn | None, Field(exclude_if=not_)] = None

    @model_validator(mode="after")
    def _one_order_or_a_period(self) -> Self:
        if (self.order is None) is (self.begun_in is None):
            raise ValueError("order, begun_in: 须填其一 / give one of them")
        return self


class MissedDeadline(Strict):
    """A deadline of ours that passed before we decided: the rule of its clock, when it was, and the order if of one."""

    rule: str
    at: Instant
    order: str | None = None


class Missed(MissedDeadline):
    """A stored deadline that was missed, with its case."""

    case_id: str
    process: str
    shop_id: str

    @property
    def day(self) -> date:
        """The day in Shanghai."""
        return shanghai_day(self.at)


class CaseRecord(Strict):
    """All that the ledger keeps of a case, as of one instant; it replaces what was recorded before (G-11).

    ``entries`` are those in force: one recorded before that is missing here is reversed.  ``undone``: what the case
    takes back of entries of other cases; one recorded before that is missing here takes back nothing more.
    ``missed``: the deadlines of ours that the case has missed; cases of editions before 2026-12-03 tell none.
    ``outcome`` is None while the case is open; recorded without one, a case that had an outcome is open again.
    """

    case_id: str
    process: str
    shop_id: str
    order: str | None
    as_of: Instant
    opened_at: Instant
    entries: tuple[LedgerEntry, ...] = ()
    undone: Annotated[tuple[Undone, ...], Field(exclude_if=not_)] = ()
    missed: Annotated[tuple[MissedDeadline, ...], Field(exclude_if=not_)] = ()
    decisions: tuple[DecisionRecord, ...] = ()
    outcome: CaseOutcome | None = None


Ending = Literal["terminated", "failed", "cancelled", "timed_out"]
"""The ways in which a workflow ends without its case having ended."""


class OpenedCase(Strict):
    """A case that was opened: what the ledger must know so that it is never opened again (G-14).

    ``opened_at`` is the instant at which the case began: the one that its facts give, else that of its opening.
    """

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

    @property
    def process(self) -> str:
        """The process of the case."""
        return self.case_id.partition("/")[0]


LONG_ENDED = timedelta(days=30)
"""A case that ended so long before a fact can take it in no more, however late facts may be told to it (G-11)."""


class ToldFact(Strict):
    """A fact that a case told others (G-15): those of a process about the same order, or of the whole shop.

    ``rule`` is reported to them with ``form``, as of ``occurred_at``.  A form with a period (``begins_at``,
    ``ends_at``) is for those alone that began in it.  ``key`` is the idempotency key.
    """

    key: str
    process: str
    shop_id: str
    order: str | None = None
    rule: str
    form: FormData | None = None
    occurred_at: Instant
    told_by: str

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """The first and the last instant of its period, None if it has none."""
        form = self.form or {}
        ends = [_INSTANT.validate_python(form[name]) for name in ("begins_at", "ends_at") if form.get(name)]
        return (ends[0], ends[1]) if len(ends) > 1 else None

    def concerns(self, case: OpenedCase) -> bool:
        """Return whether it is for a case: of its process, shop and order, and begun in its period."""
        about = (case.process, case.shop_id) == (self.process, self.shop_id) and self.order in (None, case.order)
        return about and (self.period is None or self.period[0] <= case.opened_at <= self.period[1])


class NumberUse(Strict):
    """The use of a tracking number for an order (DS-3); ``consignee`` is an opaque key, None if it is unknown who."""

    shop_id: str
    tracking_no: Name
    carrier: Name
    order: Id
    consignee: Name | None = None
    at: Instant
    case_id: str
