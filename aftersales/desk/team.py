"""Working on a case together: claiming it, leaving it to others, taking it over, and notes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from aftersales.desk.users import User
from aftersales.ledger.store import SqlLedger
from aftersales.ledger.teamwork import LONGEST_NOTE, Claim, Note

CLAIM_STEP, INSTEAD_OF, NOTE_TEXT = "desk-claim", "desk-instead", "desk-note"
"""The names of the fields that say what to do with a claim, whose is taken over, and what is noted."""
TeamChange = Callable[[SqlLedger, User, str, Mapping[str, str]], Awaitable[str | None]]
"""A change of what clerks keep about a case; it returns why it was not possible."""


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
