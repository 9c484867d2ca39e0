"""From the application to the parcel: DR-1 to DR-5, at the very second where a clock runs out."""

import asyncio

import pytest

from tests.support.rules.playing import DAY, HOUR, Play, act, expect, ship


async def test_dr_1_the_reason_chooses_how_silence_ends(play: Play) -> None:
    never, short, other = await asyncio.gather(
        *(play(reason=reason) for reason in ("never_received", "short_shipped", "other"))
    )
    assert [never.state, short.state, other.state] == ["refunded", "lapsed", "lapsed"]
    assert never.fired == [(48 * HOUR, "auto_agree"), (96 * HOUR, "miss_shipment")]
    assert short.fired == other.fired == [*never.fired, (144 * HOUR, "lapse")]


async def test_dr_2_fifteen_days_after_receipt_to_the_second(play: Play) -> None:
    within, past, unconfirmed = await asyncio.gather(
        play(expect("0s", "awaiting_merchant"), received_at="-15d", until="1h"),
        play(received_at="-15d1s"),
        play(expect("0s", "awaiting_merchant"), received_at=None, until="1h"),
    )
    assert within.failed == unconfirmed.failed == []
    assert (past.state, past.status) == ("ineligible", "closed")
    assert past.fired == [(0, "screen_out")]
    assert past.clauses == ["DR-2"]


async def test_dr_2_the_window_is_a_figure(play: Play) -> None:
    played = await play(received_at="-16d", policy={"application_window": "16d"}, until="1h")
    assert played.state == "awaiting_merchant"


async def test_dr_3_only_open_categories(play: Play) -> None:
    shut, listed, any_category = await asyncio.gather(
        play(policy={"open_categories": ["C8", "C9"]}),
        play(policy={"open_categories": ["C1", "C9"]}, until="1h"),
        play(policy={"open_categories": []}, until="1h"),
    )
    assert (shut.state, shut.status, shut.clauses) == ("ineligible", "closed", ["DR-3"])
    assert listed.state == any_category.state == "awaiting_merchant"


async def test_dr_4_agreeing_in_the_last_second_and_one_later(play: Play) -> None:
    in_time, too_late = await asyncio.gather(
        play(act("47h59m59s", "agree"), until="48h"), play(act("48h", "agree"), until="48h")
    )
    assert in_time.fired == [(48 * HOUR - 1, "agree")]
    assert in_time.effects == [(48 * HOUR - 1, "agree_on_platform", "done")]
    assert in_time.refused == []
    assert too_late.fired == [(48 * HOUR, "auto_agree")]
    assert too_late.refused == [(48 * HOUR, "agree")]
    assert too_late.effects == []


async def test_dr_4_refusing_in_the_last_second_and_one_later(play: Play) -> None:
    in_time, too_late = await asyncio.gather(
        play(act("47h59m59s", "refuse", reason="已补发"), until="48h"),
        play(act("48h", "refuse", reason="已补发"), until="48h"),
    )
    assert (in_time.state, in_time.fired) == ("arbitration", [(48 * HOUR - 1, "refuse")])
    assert (too_late.state, too_late.refused) == ("awaiting_shipment", [(48 * HOUR, "refuse")])


@pytest.mark.parametrize(("applied_at", "left"), [("-1h", 47), ("-47h", 1)])
async def test_dr_4_runs_from_the_application_not_from_the_opening(play: Play, applied_at: str, left: int) -> None:
    played = await play(applied_at=applied_at, until="48h")
    assert played.fired == [(left * HOUR, "auto_agree")]


async def test_dr_4_ran_out_before_the_case_was_opened(play: Play) -> None:
    played = await play(act("0s", "agree"), applied_at="-50h", until="1h")
    assert played.fired == [(-2 * HOUR, "auto_agree")]
    assert played.refused == [(0, "agree")]


async def test_dr_5_shipping_in_the_last_second_and_one_later(play: Play) -> None:
    in_time, too_late = await asyncio.gather(
        play(act("0s", "agree"), ship("47h59m59s"), until="49h"),
        play(act("0s", "agree"), ship("48h"), until="49h"),
    )
    assert in_time.fired == [(0, "agree"), (48 * HOUR - 1, "ship")]
    pushed, told = in_time.effects[-2:]
    assert pushed == (48 * HOUR - 1, "push_tracking_number", "done")
    assert told == (48 * HOUR - 1, "tell_reship", "done")
    assert too_late.fired == [(0, "agree"), (48 * HOUR, "miss_shipment")]
    assert (too_late.refused, too_late.state) == ([(48 * HOUR, "ship")], "refunded")


async def test_dr_5_runs_from_the_agreement_itself(play: Play) -> None:
    in_time, too_late = await asyncio.gather(
        play(act("10h", "agree"), ship("57h59m59s"), until="58h"),
        play(act("10h", "agree"), ship("58h"), until="58h"),
    )
    assert (in_time.state, in_time.refused) == ("in_transit", [])
    assert (too_late.state, too_late.refused) == ("refunded", [(58 * HOUR, "ship")])


async def test_dr_5_runs_from_an_automatic_agreement_too(play: Play) -> None:
    in_time, too_late = await asyncio.gather(play(ship("95h59m59s"), until="96h"), play(ship("96h"), until="96h"))
    assert in_time.fired == [(48 * HOUR, "auto_agree"), (96 * HOUR - 1, "ship")]
    assert too_late.fired == [(48 * HOUR, "auto_agree"), (96 * HOUR, "miss_shipment")]


async def test_dr_5_asks_for_a_real_tracking_number(play: Play) -> None:
    played = await play(
        act("0s", "agree"), act("1h", "ship"), act("1h", "ship", carrier="SF", tracking_no=" "), until="2h"
    )
    assert played.refused == [(HOUR, "ship"), (HOUR, "ship")]
    assert ["tracking_no" in entry["error"] for entry in played.result["refused"]] == [True, True]
    assert played.state == "awaiting_shipment"


async def test_the_clocks_are_figures(play: Play) -> None:
    played = await play(policy={"merchant_handling": "1h", "shipping": "3d"})
    assert played.fired == [(HOUR, "auto_agree"), (3 * DAY + HOUR, "miss_shipment")]
