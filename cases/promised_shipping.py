"""Promised shipping time by quantity 大小单发货: the tiers of an offer (CL-12)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from cases.durations import format_duration
from cases.errors import BadForm
from cases.models import Duration, Strict

MOST_TIERS = 3
"""One tier in stock and two customised ones (CL-12, source 000)."""
LONGEST_CUSTOMISED = timedelta(days=45)
"""The longest time for customised goods (CL-12, source 000)."""


class TierKind(StrEnum):
    """The two ways of selling an offer."""

    IN_STOCK = "in_stock"
    CUSTOMISED = "customised"


class Tier(Strict):
    """Up to how many pieces a tier reaches, None for any number, and the time within which those are shipped."""

    upto: Annotated[int, Field(ge=1)] | None
    kind: TierKind
    within: Duration


def promised_ship_by(tiers: Sequence[Tier], quantity: int, paid_at: datetime, category_limit: timedelta) -> datetime:
    """Return the instant by which an order must be shipped; raises BadForm, naming every fault of the tiers.

    ``category_limit`` is the longest time of the offer's category for goods in stock.
    """
    if faults := _faults(tiers, category_limit):
        raise BadForm(f"tiers: {'; '.join(faults)}", ("tiers",))
    if quantity < 1:
        raise BadForm(f"quantity: 须至少为 1 / must be at least 1, not {quantity}", ("quantity",))
    if paid_at.tzinfo is None:
        raise BadForm("paid_at: 须带时区 / must have a time zone", ("paid_at",))
    tier = next(tier for tier in tiers if tier.upto is None or quantity <= tier.upto)
    return paid_at + tier.within


def _faults(tiers: Sequence[Tier], category_limit: timedelta) -> list[str]:
    if not 1 <= len(tiers) <= MOST_TIERS:
        return [f"须有 1 到 {MOST_TIERS} 档,现有 {len(tiers)} 档 / must be 1 to {MOST_TIERS}, not {len(tiers)}"]
    faults = [
        f"第 {number} 档不设上限,其后各档用不上 / tier {number} is open, so none after it applies"
        for number, tier in enumerate(tiers[:-1], 1)
        if tier.upto is None
    ]
    faults += [
        f"第 {number} 档上限须大于前一档 / tier {number} must reach further than the one before"
        for number, (below, tier) in enumerate(pairwise(tiers), 2)
        if below.upto is not None and tier.upto is not None and tier.upto <= below.upto
    ]
    if (last := tiers[-1].upto) is not None:
        faults.append(f"{last} 件以上没有档位,最后一档不设上限 / no tier beyond {last} pieces: leave the last open")
    for number, tier in enumerate(tiers, 1):
        kind = TierKind.IN_STOCK if number == 1 else TierKind.CUSTOMISED
        longest = category_limit if number == 1 else LONGEST_CUSTOMISED
        if tier.kind != kind:
            faults.append(f"第 {number} 档须为 / tier {number} must be {kind}")
        if not timedelta(0) < tier.within <= longest:
            limit = format_duration(longest)
            faults.append(f"第 {number} 档时效须在 {limit} 以内 / tier {number} must be within {limit}")
    return faults
