"""Entries, bills, decisions, outcomes and records of cases for tests; instants are Shanghai's, of November 2026."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from cases.ledger import Bill, Booked, CaseOutcome, CaseRecord, DecisionRecord, LedgerEntry, OpenedCase
from cases.shanghai import SHANGHAI, shanghai_day


def november(day: int, hour: int = 9, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=SHANGHAI)


def expected(own_id: str = "C1", clause: str = "CL-3", at: datetime | None = None, **fields: Any) -> LedgerEntry:
    """Return an expected entry; ``amount`` and ``points`` are texts."""
    process = fields.pop("process", "claim_1688")
    about = fields.pop("about", f"O{own_id}")
    numbers = {name: Decimal(fields.pop(name)) for name in ("amount", "points") if name in fields}
    return LedgerEntry(
        key=f"{process}/{own_id}/{clause}/{about}",
        case_id=f"{process}/{own_id}",
        shop_id=fields.pop("shop_id", "S1"),
        clause=clause,
        at=at or november(3),
        **numbers,
        **fields,
    )


def booked(entry: LedgerEntry, **fields: Any) -> Booked:
    """Return an entry as stored in the ledger."""
    return Booked(**entry.model_dump(), day=shanghai_day(entry.at), **fields)


def bill(bill_id: str = "B1", clause: str = "CL-3", **fields: Any) -> Bill:
    numbers = {name: Decimal(fields.pop(name)) for name in ("amount", "points") if name in fields}
    defaults = {"shop_id": "S1", "at": november(4)} | fields
    return Bill(bill_id=bill_id, clause=clause, **numbers, **defaults)


def ended(own_id: str = "C1", state: str = "dismissed", **fields: Any) -> CaseOutcome:
    process = fields.pop("process", "claim_1688")
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
    return CaseOutcome(case_id=f"{process}/{own_id}", process=process, state=state, **(defaults | fields))


def decided(key: str = "1", rule: str = "appeal", **fields: Any) -> DecisionRecord:
    defaults = {"at": november(2), "party": "merchant", "actor": "wang", "way": "command"} | fields
    return DecisionRecord(key=key, rule=rule, **defaults)


def opened(own_id: str = "C1", **fields: Any) -> OpenedCase:
    process = fields.pop("process", "claim_1688")
    defaults = {"shop_id": "S1", "order": f"O{own_id}", "opened_at": november(1)} | fields
    return OpenedCase(case_id=f"{process}/{own_id}", process=process, **defaults)


def recorded(*about: LedgerEntry | DecisionRecord | CaseOutcome, **fields: Any) -> CaseRecord:
    """Return the record of a case with these entries and decisions in force, and this outcome.

    The case is that of the first entry or of the outcome, else the claim C1.
    """
    entries = tuple(item for item in about if isinstance(item, LedgerEntry))
    outcome = next((item for item in about if isinstance(item, CaseOutcome)), None)
    known = outcome or (entries[0] if entries else opened())
    defaults = {
        "case_id": known.case_id,
        "process": known.process,
        "shop_id": known.shop_id,
        "order": outcome.order if outcome else None,
        "as_of": november(10),
        "opened_at": november(1),
    }
    decisions = tuple(item for item in about if isinstance(item, DecisionRecord))
    return CaseRecord(entries=entries, decisions=decisions, outcome=outcome, **(defaults | fields))
