"""Who works on a case, and what clerks note about it: kept beside the cases, which know nothing of it."""

from typing import Final

from pydantic import Field
from sqlalchemy import Connection, delete, select

from aftersales.ledger.database import insert_new
from aftersales.ledger.tables import CLAIMS
from cases.models import Instant, Strict

LONGEST_NOTE: Final = 2000


class Claim(Strict):
    """Who works on a case, and since when."""

    case_id: str
    clerk: str
    at: Instant


class Note(Strict):
    """What a clerk noted about a case."""

    case_id: str
    clerk: str
    at: Instant
    text: str = Field(min_length=1, max_length=LONGEST_NOTE)


def claim_case(connection: Connection, claim: Claim, *, instead_of: str | None = None) -> Claim:
    """Claim a case that nobody works on, or that ``instead_of`` works on; return who works on it now."""
    if instead_of is not None:
        connection.execute(delete(CLAIMS).where(CLAIMS.c.case_id == claim.case_id, CLAIMS.c.clerk == instead_of))
    insert_new(connection, CLAIMS, claim.model_dump())
    row = connection.execute(select(CLAIMS).where(CLAIMS.c.case_id == claim.case_id)).mappings().one()
    return Claim(**row)


def release_case(connection: Connection, case_id: str, clerk: str) -> None:
    """Let a case be claimed by others; nothing happens if the clerk does not work on it."""
    connection.execute(delete(CLAIMS).where(CLAIMS.c.case_id == case_id, CLAIMS.c.clerk == clerk))
