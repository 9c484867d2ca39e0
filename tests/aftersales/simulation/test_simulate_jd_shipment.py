"""A JD shipment watch from the order to its end, under virtual time: JD-10, JD-12 and JD-14."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.rules.playing import DAY, HOUR, Perform, Played, act, expect, report, top_of

PlayWatch = Callable[..., Awaitable[Played]]
LATE, TAKEN_BACK = ("JD-10", None, "expected"), ("JD-10", None, "reversed")


@pytest.fixture
def play(perform: Perform) -> PlayWatch:
    """An order of goods in stock, placed at the opening."""

    async def play_steps(*steps: dict[str, Any], **fields: Any) -> Played:
        top = top_of(fields)
        opening = {"shop_id": "S1", "order_id": "O1", "ordered_at": "0s", "kind": "stock", **fields}
        return await perform({"process": "jd_shipment", "opening": opening, "steps": list(steps), **top})

    return play_steps


def upload(at: str) -> dict[str, Any]:
    return act(at, "upload_tracking", carrier="JDL", tracking_no="JD1")


def picked_up(at: str, **fields: Any) -> dict[str, Any]:
    return report(at, "pick_up", "picked up", **fields)


async def test_jd_10_in_time_and_late_to_the_second(play: PlayWatch) -> None:
    in_time, late_upload, late_pickup = await asyncio.gather(
        play(upload("23h59m59s"), picked_up("47h59m59s")),
        play(upload("24h"), picked_up("47h59m59s")),
        play(upload("1h"), picked_up("48h")),
    )
    assert [played.state for played in (in_time, late_upload, late_pickup)] == ["picked_up"] * 3
    assert (in_time.ledger, late_upload.ledger, late_pickup.ledger) == ([], [LATE], [LATE])
    assert late_upload.fired[0] == (DAY, "miss_upload")
    assert late_pickup.fired[1] == (2 * DAY, "miss_pickup")


async def test_jd_10_both_missed_are_one_late_order_and_a_pickup_told_late_takes_it_back(play: PlayWatch) -> None:
    missed, told_late = await asyncio.gather(
        play(until="5d"), play(upload("1h"), expect("50h", "awaiting_pickup"), picked_up("50h", occurred_at="47h"))
    )
    assert (missed.fired, missed.ledger) == ([(DAY, "miss_upload"), (2 * DAY, "miss_pickup")], [LATE])
    assert (told_late.state, told_late.status, told_late.ledger) == ("picked_up", "closed", [TAKEN_BACK])


async def test_jd_14_an_exemption_takes_the_late_order_back_and_its_time_counts_anew(play: PlayWatch) -> None:
    exempt = report("60h", "exempt", "m1", form={"by": "card", "until": "100h"})
    in_time, late = await asyncio.gather(play(exempt, picked_up("99h59m59s")), play(exempt, picked_up("100h")))
    assert (in_time.state, in_time.ledger) == ("picked_up", [TAKEN_BACK])
    assert (late.state, [entry for entry in late.ledger if entry != TAKEN_BACK]) == ("picked_up", [LATE])


async def test_g_15_a_watch_opened_after_the_approval_is_told_of_it_at_its_opening(perform: Perform) -> None:
    order = {"shop_id": "S1", "order_id": "O1"}
    card = {**order, "promised_ship_at": "20h", "proposed_ship_at": "100h", "reason": "仓库盘点", "sent_at": "0s"}
    opening = {**order, "ordered_at": "0s", "kind": "stock"}
    played = await perform(
        {
            "process": "jd_delay_card",
            "opening": card,
            "policy": {"reminders_before": []},
            "also": [{"name": "watch", "process": "jd_shipment", "at": "40h", "opening": opening}],
            "steps": [report("30h", "accept", "m1")],
            "until": "90h",
        }
    )
    watch = Played(played.result["also"]["watch"], [])
    assert "exempt" in [rule for _, rule in watch.fired]
    assert (watch.state, [entry for entry in watch.ledger if entry != TAKEN_BACK]) == ("awaiting_upload", [])


async def test_jd_12_a_phone_cancellation_is_reported_in_the_console(play: PlayWatch) -> None:
    proof = {"kind": "call_record", "url": "https://example.com/call.mp3"}
    reported = act("20h", "report_phone_cancel", evidence=[proof])
    played = await play(
        reported, report("26h", "exempt", "m1", form={"by": "phone_cancel"}), report("90h", "cancel_order", "m2")
    )
    assert (played.state, played.ledger) == ("cancelled", [TAKEN_BACK])
    assert [effect for _, effect, _ in played.effects if effect == "file_phone_cancel"] == ["file_phone_cancel"]


async def test_jd_10_a_presale_counts_from_the_end_of_its_day(play: PlayWatch) -> None:
    played = await play(until="20d", kind="presale", promised_last_day="10d")
    [(uploaded, _), (collected, _)] = played.fired
    assert 11 * DAY < uploaded <= 12 * DAY
    assert collected - uploaded == DAY


async def test_g_5_the_operator_is_reminded_of_the_upload(play: PlayWatch) -> None:
    played = await play(until="23h", reminded=True)
    assert played.reminders == [(12 * HOUR, DAY), (22 * HOUR, DAY)]
