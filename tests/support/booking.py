"""Entries, bills and outcomes for tests; instants are Shanghai's, of November 2026."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from cases.ledger import Bill, Booked, CaseOutcome, LedgerEntry
from cases.shanghai import SHANGHAI, shanghai_day


def november(day: int, hour: int = 9, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=SHANGHAI)


def expected(own_id: str = "C1", clause: str = "CL-3", at: datetime | None = None, **given: Any) -> LedgerEntry:
    """What a case expects; ``amount`` and ``points`` are written as text."""
    process = given.pop("process", "claim_1688")
    about = given.pop("about", f"O{own_id}")
    numbers = {name: Decimal(given.pop(name)) for name in ("amount", "points") if name in given}
    return LedgerEntry(
        key=f"{process}/{own_id}/{clause}/{about}",
        case_id=f"{process}/{own_id}",
        shop_id=given.pop("shop_id", "S1"),
        clause=clause,
        at=at or november(3),
        **numbers,
        **given,
    )


def booked(entry: LedgerEntry, **given: Any) -> Booked:
    """An entry as it stands in the ledger."""
    return Booked(**entry.model_dump(), day=shanghai_day(entry.at), **given)


def bill(bill_id: str = "B1", clause: str = "CL-3", **given: Any) -> Bill:
    numbers = {name: Decimal(given.pop(name)) for name in ("amount", "points") if name in given}
    defaults = {"shop_id": "S1", "at": november(4)} | given
    return Bill(bill_id=bill_id, clause=clause, **numbers, **defaults)


def ended(own_id: str = "C1", state: str = "dismissed", **given: Any) -> CaseOutcome:
    process = given.pop("process", "claim_1688")
    defaults = {
        "shop_id": "S1",
        "order": f"O{own_id}",
        "opened_at": november(1),
        "closed_at": november(5),
        "state_label": state,
        "decided_by": "platform",
        "decided_before_deadline": True,
        "clocks_run_out": 0,
        "lost": Decimal("0.00"),
    }
    return CaseOutcome(case_id=f"{process}/{own_id}", process=process, state=state, **(defaults | given))
