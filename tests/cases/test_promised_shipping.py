"""The promised shipping time by quantity: CL-12."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.durations import parse_duration
from cases.errors import BadForm
from cases.models import read
from cases.promised_shipping import Tier, promised_ship_by

PAID = datetime(2026, 1, 20, 1, tzinfo=UTC)
LIMIT = timedelta(hours=72)
Tiers = list[tuple[int | None, str, str]]

STOCK: Tiers = [(None, "in_stock", "48h")]
TWO: Tiers = [(20, "in_stock", "48h"), (None, "customised", "5d")]
THREE: Tiers = [(20, "in_stock", "48h"), (500, "customised", "15d"), (None, "customised", "45d")]
FASTER: Tiers = [(1, "in_stock", "72h"), (2, "customised", "24h"), (None, "customised", "1s")]


def tiers_of(rows: Tiers) -> list[Tier]:
    return [
        read(Tier, {"upto": upto, "kind": kind, "within": within}, f"tiers.{number}")
        for number, (upto, kind, within) in enumerate(rows)
    ]


def promised(rows: Tiers, quantity: int = 1, limit: timedelta = LIMIT) -> datetime:
    return promised_ship_by(tiers_of(rows), quantity, PAID, limit)


@pytest.mark.parametrize(
    ("rows", "quantity", "within"),
    [
        (STOCK, 1, "48h"),
        (STOCK, 19, "48h"),
        (STOCK, 1_000_000, "48h"),
        # The seed's example: up to 20 pieces 48 h, above 20 five days.
        (TWO, 1, "48h"),
        (TWO, 19, "48h"),
        (TWO, 20, "48h"),
        (TWO, 21, "5d"),
        (TWO, 1_000_000, "5d"),
        (THREE, 1, "48h"),
        (THREE, 20, "48h"),
        (THREE, 21, "15d"),
        (THREE, 499, "15d"),
        (THREE, 500, "15d"),
        (THREE, 501, "45d"),
        (THREE, 9_999, "45d"),
        # Nothing says that more pieces take longer.
        (FASTER, 1, "72h"),
        (FASTER, 2, "24h"),
        (FASTER, 3, "1s"),
        # At the limits: 72 h of the category in stock, 45 days customised.
        ([(None, "in_stock", "72h")], 5, "72h"),
        ([(5, "in_stock", "1s"), (None, "customised", "45d")], 6, "45d"),
        ([(5, "in_stock", "1s"), (6, "customised", "1s"), (None, "customised", "44d23h59m59s")], 7, "44d23h59m59s"),
    ],
)
def test_cl_12_an_order_is_promised_by_the_tier_of_its_quantity(rows: Tiers, quantity: int, within: str) -> None:
    assert promised(rows, quantity) == PAID + parse_duration(within)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], ["must be 1 to 3, not 0"]),
        ([*THREE[:2], (600, "customised", "15d"), (None, "customised", "45d")], ["must be 1 to 3, not 4"]),
        # Gaps.
        ([(20, "in_stock", "48h")], ["no tier beyond 20 pieces"]),
        ([(20, "in_stock", "48h"), (100, "customised", "5d")], ["no tier beyond 100 pieces"]),
        ([(None, "in_stock", "48h"), (None, "customised", "5d")], ["tier 1 is open"]),
        # Not ascending.
        (
            [(20, "in_stock", "48h"), (20, "customised", "5d"), (None, "customised", "9d")],
            ["tier 2 must reach further"],
        ),
        (
            [(20, "in_stock", "48h"), (19, "customised", "5d"), (None, "customised", "9d")],
            ["tier 2 must reach further"],
        ),
        # Kinds.
        ([(None, "customised", "48h")], ["tier 1 must be in_stock"]),
        ([(20, "in_stock", "48h"), (None, "in_stock", "48h")], ["tier 2 must be customised"]),
        # Limits.
        ([(None, "in_stock", "72h1s")], ["tier 1 must be within 3d"]),
        ([(None, "in_stock", "0s")], ["tier 1 must be within 3d"]),
        ([(None, "in_stock", "-1h")], ["tier 1 must be within 3d"]),
        ([(20, "in_stock", "48h"), (None, "customised", "45d1s")], ["tier 2 must be within 45d"]),
        ([(20, "in_stock", "48h"), (None, "customised", "0s")], ["tier 2 must be within 45d"]),
        # Everything at once.
        (
            [(None, "customised", "80h"), (5, "in_stock", "46d")],
            ["tier 1 is open", "beyond 5", "tier 1 must be in_stock", "within 3d", "tier 2 must be customised", "45d"],
        ),
    ],
)
def test_cl_12_bad_tiers_are_refused_with_every_fault_in_one_text(rows: Tiers, said: list[str]) -> None:
    with pytest.raises(BadForm, match=r"^tiers: ") as refused:
        promised(rows)

    text = str(refused.value)
    assert [part for part in said if part not in text] == []
    assert refused.value.place == ("tiers",)
    assert text.count(" / ") == len(said)


@pytest.mark.parametrize("quantity", [0, -1])
def test_cl_12_an_order_has_at_least_one_piece(quantity: int) -> None:
    with pytest.raises(BadForm, match="quantity: "):
        promised(TWO, quantity)


def test_cl_12_an_instant_of_payment_has_a_time_zone() -> None:
    with pytest.raises(BadForm, match="paid_at: "):
        promised_ship_by(tiers_of(TWO), 1, PAID.replace(tzinfo=None), LIMIT)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"upto": 0, "kind": "in_stock", "within": "48h"}, "upto"),
        ({"upto": 1.5, "kind": "in_stock", "within": "48h"}, "upto"),
        ({"upto": None, "kind": "presale", "within": "48h"}, "kind"),
        ({"upto": None, "kind": "in_stock", "within": "two days"}, "within"),
        ({"kind": "in_stock", "within": "48h"}, "upto"),
    ],
)
def test_cl_12_a_tier_that_cannot_be_is_refused_and_named(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(BadForm, match=f"tier: {field}: "):
        read(Tier, raw, "tier")


@given(st.integers(min_value=1, max_value=10_000), st.integers(min_value=1, max_value=10_000))
def test_cl_12_the_promise_is_never_later_than_the_longest_tier(bound: int, quantity: int) -> None:
    by = promised([(bound, "in_stock", "48h"), (None, "customised", "45d")], quantity)

    assert by - PAID == (timedelta(hours=48) if quantity <= bound else timedelta(days=45))
