"""Which cases know which tracking number, whatever it is to them: for a search by that number."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from aftersales.ledger.database import insert_new
from aftersales.ledger.tables import CASE_PARCELS

MOST_CASES_OF_A_PARCEL: Final = 50
"""Cases that are told of one number: one that more cases know says nothing."""


class CaseParcel(NamedTuple):
    """A tracking number that a case knows."""

    tracking_no: str
    case_id: str


def keep_parcels(connection: Connection, parcels: Iterable[CaseParcel]) -> None:
    """Store that cases know tracking numbers; what is stored already does not change."""
    for parcel in sorted(parcels):  # in one order, lest two writers wait in a circle
        insert_new(connection, CASE_PARCELS, parcel._asdict())


def cases_of_parcel(connection: Connection, tracking_no: str) -> list[str]:
    """Return the cases that know a tracking number."""
    query = select(CASE_PARCELS.c.case_id).where(CASE_PARCELS.c.tracking_no == tracking_no)
    return list(connection.execute(query.order_by(CASE_PARCELS.c.case_id).limit(MOST_CASES_OF_A_PARCEL)).scalars())
