"""What is foreseen of a case before it is opened."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from aftersales.importing.foresight import foresee, losses
from cases.messages import Opening
from workflows.registry import PROCESSES

NOW = datetime.fromisoformat("2026-11-26T09:00:00+08:00")
RESHIP: dict[str, Any] = {
    "shop_id": "1001",
    "after_sale_id": "A1",
    "order_id": "O1",
    "reason": "other",
    "order_amount": "100.00",
}


def reship(ago: timedelta) -> Opening:
    return Opening(facts={**RESHIP, "applied_at": (NOW - ago).isoformat()})


@pytest.mark.parametrize(
    ("hours", "missed", "booked"),
    [
        (47, [], []),
        (49, ["auto_agree"], []),
        (97, ["auto_agree", "miss_shipment"], ["DR-10", "DR-11"]),
        (145, ["auto_agree", "miss_shipment", "lapse"], ["DR-10", "DR-11"]),
    ],
)
def test_past_deadlines_and_what_they_book_are_foreseen(hours: int, missed: list[str], booked: list[str]) -> None:
    seen = foresee(PROCESSES["douyin_reship"], reship(timedelta(hours=hours)), NOW)
    assert seen.case_id == "douyin_reship/A1"
    assert [entry.rule for entry in seen.missed] == missed
    assert [entry.clause for entry in seen.booked] == booked
    assert seen.loses is bool(booked)


def test_losses_are_added_up_and_unknown_ones_are_counted() -> None:
    seen = [foresee(PROCESSES["douyin_reship"], reship(timedelta(hours=hours)), NOW) for hours in (1, 97, 145)]
    lost = losses(seen)
    assert (lost.cases, lost.amount, lost.points, lost.unknown) == (2, Decimal("6.00"), Decimal(0), 2)


def test_what_a_case_books_at_its_opening_is_no_past_deadline() -> None:
    claim = {
        "shop_id": "S1",
        "claim_id": "C1",
        "order_id": "O1",
        "violation": "late_shipment",
        "opened_by": "platform",
        "opened_at": (NOW - timedelta(days=9)).isoformat(),
        "status": "established",
        "sub_orders": [{"sub_order_id": "O2", "goods_amount": "100.00", "violating": True}],
    }
    seen = foresee(PROCESSES["claim_1688"], Opening(facts=claim), NOW)
    assert (seen.missed, seen.booked) == ((), ())
