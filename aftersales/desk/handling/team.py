"""Working on a case together: claiming it, leaving it to others, taking it over, and notes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog

from aftersales.desk.access.users import User
from aftersales.ledger.store import SqlLedger
from aftersales.ledger.teamwork import LONGEST_NOTE, Claim, Note
from cases.errors import LedgerUnreachable
from cases.ledger import KnownCase

CLAIM_STEP, INSTEAD_OF, NOTE_TEXT = "desk-claim", "desk-instead", "desk-note"
"""The names of the fields that say what to do with a claim, whose is taken over, and what is noted."""
_log = structlog.get_logger("desk")
TeamChange = Callable[[SqlLedger, User, str, Mapping[str, str]], Awaitable[str | None]]
"""A change of what clerks keep about a case; it returns why it was not possible."""


async def claims_on(ledger: SqlLedger, case_ids: Sequence[str]) -> Mapping[str, Claim] | None:
    """Return who works on which of the cases; None if the ledger does not answer."""
    try:
        return await asyncio.to_thread(ledger.claims, case_ids)
    except LedgerUnreachable as away:
        _log.warning("claims cannot be read", why=type(away.__cause__).__name__)
        return None


async def known_of(ledger: SqlLedger, case_ids: Sequence[str]) -> Mapping[str, KnownCase]:
    """Return what the ledger knows of those of the cases that it knows; nothing if it does not answer."""
    try:
        return await asyncio.to_thread(ledger.known, case_ids) if case_ids else {}
    except LedgerUnreachable:
        return {}


async def notes_on(ledger: SqlLedger, case_id: str) -> Sequence[Note]:
    """Return the notes on a case; none if the ledger does not answer."""
    try:
        return await asyncio.to_thread(ledger.notes, case_id)
    except LedgerUnreachable:
        return ()


async def known_by_parcel(ledger: SqlLedger, number: str) -> Sequence[str]:
    """Return the orders that a parcel's number was used for, and the cases that know it.

    None if the ledger does not answer.
    """

    def ask() -> Sequence[str]:
        return [*ledger.orders_of_parcel(number), *ledger.cases_of_parcel(number)]

    try:
        return await asyncio.to_thread(ask) if number else ()
    except LedgerUnreachable:
        return ()


async def change_claim(ledger: SqlLedger, user: User, case_id: str, posted: Mapping[str, str]) -> str | None:
    """Claim a case, take it over or release it; return why that was not possible, in a clerk's words."""
    if posted.get(CLAIM_STEP) == "release":
        await asyncio.to_thread(ledger.release, case_id, user.name)
        return None
    claim = Claim(case_id=case_id, clerk=user.name, at=datetime.now(UTC))
    now = await asyncio.to_thread(ledger.claim, claim, instead_of=posted.get(INSTEAD_OF) or None)
    return None if now.clerk == user.name else f"没有认领:{now.clerk} 已经认领了"


async def write_note(ledger: SqlLedger, user: User, case_id: str, posted: Mapping[str, str]) -> str | None:
    """Add a note to a case; return why that was not possible.  The same note sent twice in a row is one note."""
    text = posted.get(NOTE_TEXT, "").replace("\r\n", "\n").strip()
    if not 1 <= len(text) <= LONGEST_NOTE:
        return f"没有保存:备注须为 1 至 {LONGEST_NOTE} 个字"
    written = await asyncio.to_thread(ledger.notes, case_id)
    if written and (written[-1].clerk, written[-1].text) == (user.name, text):
        return None
    await asyncio.to_thread(ledger.add_note, Note(case_id=case_id, clerk=user.name, at=datetime.now(UTC), text=text))
    return None
