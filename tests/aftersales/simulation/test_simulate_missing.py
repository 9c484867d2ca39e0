"""Agreed and not shipped: DR-8 to DR-11 and DR-17."""

import asyncio

import pytest

from tests.support.rules.playing import HOUR, Play, act, report, ship

OTHERS = ("short_shipped", "other")
MISSED = [("DR-10", "3.00", "expected"), ("DR-11", None, "expected")]
AGREE = act("0s", "agree")


async def test_dr_8_never_received_is_refunded_in_full(play: Play) -> None:
    played = await play(AGREE)
    assert (played.state, played.status) == ("refunded", "closed")
    assert (played.fired[-1], played.clauses[-1]) == ((48 * HOUR, "miss_shipment"), "DR-8")


@pytest.mark.parametrize("reason", OTHERS)
async def test_dr_9_the_buyer_has_48_hours(play: Play, reason: str) -> None:
    asked, late, modified = await asyncio.gather(
        play(AGREE, report("95h59m59s", "request_intervention", "m1"), reason=reason),
        play(AGREE, report("96h", "request_intervention", "m1"), reason=reason),
        play(AGREE, report("60h", "modify", "m1", form={"reason": reason}), reason=reason, until="61h"),
    )
    assert (asked.state, asked.clauses[-2:]) == ("arbitration", ["DR-9", "DR-9"])
    assert (late.state, late.fired[-1], late.ignored) == ("lapsed", (96 * HOUR, "lapse"), [(96 * HOUR, "m1")])
    assert modified.state == "awaiting_merchant"


@pytest.mark.parametrize("reason", ["never_received", *OTHERS])
async def test_dr_10_and_dr_11_are_owed_for_every_reason(play: Play, reason: str) -> None:
    played = await play(AGREE, reason=reason, until="49h")
    assert played.ledger == MISSED
    assert [effect for effect in played.effects if effect[0] == 48 * HOUR] == [
        (48 * HOUR, "charge_late_penalty", "done"),
        (48 * HOUR, "record_late_violation", "done"),
        *([(48 * HOUR, "tell_refund", "done")] if reason == "never_received" else []),
    ]


async def test_dr_10_is_owed_once_an_order_however_often_it_is_missed(play: Play) -> None:
    played = await play(
        AGREE,
        report("50h", "request_intervention", "m1"),
        report("51h", "rule_reship", "m2"),
        reason="other",
        until="100h",
    )
    assert [rule for _, rule in played.fired].count("miss_shipment") == 2
    assert played.ledger == MISSED


async def test_dr_10_is_a_figure_with_two_decimals(play: Play) -> None:
    played = await play(AGREE, policy={"late_compensation": "4.5"}, until="48h")
    assert played.ledger[0] == ("DR-10", "4.50", "expected")


async def test_dr_10_is_not_owed_where_the_parcel_went_in_time(play: Play) -> None:
    played = await play(AGREE, ship("47h59m59s"))
    assert (played.state, played.ledger) == ("completed", [])


async def test_dr_17_late_shipping_within_the_buyers_window(play: Play) -> None:
    in_time, too_late = await asyncio.gather(
        play(AGREE, ship("95h59m59s"), reason="other", until="96h"),
        play(AGREE, ship("96h"), reason="other", until="96h"),
    )
    assert (in_time.state, in_time.clauses[-1]) == ("in_transit", "DR-17")
    assert in_time.ledger == MISSED
    assert (too_late.state, too_late.refused) == ("lapsed", [(96 * HOUR, "ship")])
