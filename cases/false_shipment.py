"""The signs by which a marketplace suspects false shipping: in the tracking number, and in the parcel's track.

All are pure.  Those that depend on time alone (no update, standing still) are clocks of a chart; what they count from
is kept in the ``ParcelTrack``.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from cases.labels import Labelled
from cases.models import Instant, Name, Strict

WRITTEN = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*", re.IGNORECASE | re.ASCII)
"""Letters, digits, and single hyphens between them: the marks of which every carrier makes its numbers."""
LONGEST_NUMBER = 40
"""No carrier has longer numbers."""
SAME_DIGIT = re.compile(r"(\d)\1{4,}", re.ASCII)
"""One digit again and again: a number that was made up."""


class Suspicion(StrEnum):
    """Why false shipping is suspected."""

    MALFORMED_NUMBER = "malformed_number"
    DUPLICATE_NUMBER = "duplicate_number"
    NUMBER_OF_ANOTHER = "number_of_another"
    LEADS_ELSEWHERE = "leads_elsewhere"
    PICKED_UP_BEFORE_PAYMENT = "picked_up_before_payment"
    STALLED = "stalled"
    STANDING_STILL = "standing_still"
    NOT_RECEIVED = "not_received"


class PriorUse(Labelled):
    """An earlier use of a tracking number for another order of the shop: by the same carrier or not, for whom, when."""

    same_carrier: bool
    """同一快递公司"""
    same_person: bool
    """同一收件人"""
    at: Instant
    """使用时间"""


class ParcelTrack(Strict):
    """What is remembered of a parcel's scans, however many there are.

    ``updated_at`` is the last scan, ``still_since`` the first scan at the place of the last.
    """

    picked_up_at: Instant
    updated_at: Instant
    still_since: Instant
    place: Name | None = None

    @classmethod
    def begun(cls, at: datetime, place: str | None) -> Self:
        """Return the track of a parcel with its first scan, the pickup."""
        return cls(picked_up_at=at, updated_at=at, still_since=at, place=place)

    def scanned(self, at: datetime, place: str | None) -> Self:
        """Return the track after another scan; one that does not say where leaves the place as it is."""
        moved = place is not None and place != self.place
        return self.model_copy(
            update={
                "updated_at": at,
                "still_since": at if moved else self.still_since,
                "place": place or self.place,
            }
        )

    def trusted_from(self, at: datetime) -> Self:
        """Return the track after a suspicion was cleared: silence and standstill count from then."""
        return self.model_copy(update={"updated_at": at, "still_since": at})


def is_malformed(tracking_no: str) -> bool:
    """Return whether no carrier can have issued a tracking number: strange marks, no digit, one digit repeated."""
    return (
        WRITTEN.fullmatch(tracking_no) is None
        or len(tracking_no) > LONGEST_NUMBER
        or not any(mark.isdigit() for mark in tracking_no)
        or SAME_DIGIT.fullmatch(tracking_no) is not None
    )


def reuse(uploaded_at: datetime, uses: Iterable[PriorUse], within: timedelta) -> Suspicion | None:
    """Return what the earlier uses of a number make suspicious; parcels of one person may share a number.

    A use counts if it is at most ``within`` before the upload.  Two carriers cannot have issued the same number.
    """
    recent = [use for use in uses if timedelta(0) <= uploaded_at - use.at <= within]
    if any(not use.same_person for use in recent):
        return Suspicion.NUMBER_OF_ANOTHER
    return Suspicion.DUPLICATE_NUMBER if any(not use.same_carrier for use in recent) else None


def picked_up_too_early(track: ParcelTrack, paid_at: datetime) -> bool:
    """Return whether a parcel was picked up before its order was paid."""
    return track.picked_up_at < paid_at


def leads_elsewhere(region: str | None, consignee_region: str | None) -> bool:
    """Return whether a route leads to another region than the consignee's; an unknown region shows nothing.

    A region may be written with or without its ending: 广东, 广东省, 广东省深圳市.
    """
    if region is None or consignee_region is None:
        return False
    there, here = ("".join(name.split()) for name in (region, consignee_region))
    return not (there.startswith(here) or here.startswith(there))
