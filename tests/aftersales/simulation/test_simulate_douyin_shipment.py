"""A shipment watch on Douyin from the order to its end, under virtual time: DS-1 to DS-7, DS-9."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.rules.playing import DAY, HOUR, Perform, Played, act, expect, report, top_of

PlayWatch = Callable[..., Awaitable[Played]]
FINE = ("DS-6", "10.00", "expected")


@pytest.fixture
def play(perform: Perform) -> PlayWatch:
    """An order placed at the opening and promised in 48 h; a fact that is None is left out."""

    async def play_steps(*steps: dict[str, Any], **fields: Any) -> Played:
        top = top_of(fields)
        facts = {
            "shop_id": "S1",
            "order_id": "O1",
            "product_id": "P1",
            "mode": "normal",
            "ordered_at": "+0s",
            "paid_at": "+0s",
            "promised_ship_at": "48h",
            "consignee": "C1",
            "consignee_region": "广东",
            "order_amount": "100.00",
            **fields,
        }
        opening = {name: value for name, value in facts.items() if value is not None}
        return await perform({"process": "douyin_shipment", "opening": opening, "steps": list(steps), **top})

    return play_steps


def upload(at: str, tracking_no: str = "SF1234567890") -> dict[str, Any]:
    return act(at, "upload_tracking", carrier="SF", tracking_no=tracking_no)


def correct(at: str) -> dict[str, Any]:
    return act(at, "correct_tracking", carrier="SF", tracking_no="SF9876543210")


def scan(at: str, message_id: str, **form: str) -> dict[str, Any]:
    return report(at, "scan", message_id, form={"place": "杭州", "status": "已揽收", **form})


async def test_ds_1_the_pickup_is_in_time_before_72_hours_from_the_order(play: PlayWatch) -> None:
    in_time, late = await asyncio.gather(
        play(upload("1h"), scan("71h59m59s", "m1"), until="73h"), play(upload("1h"), scan("72h", "m1"), until="73h")
    )
    assert (in_time.state, in_time.ledger) == ("moving", [])
    assert (late.state, late.ledger) == ("moving", [("DS-1", None, "expected")])
    assert [entry for entry in late.effects if entry[1] == "tell_late_pickup"] == [
        (72 * HOUR, "tell_late_pickup", "done")
    ]


async def test_ds_2_ds_3_a_stall_is_suspected_after_24_hours_and_ends_with_the_next_scan(play: PlayWatch) -> None:
    played = await play(
        upload("1h"),
        scan("2h", "m1"),
        expect("25h59m59s", "moving"),
        expect("26h", "suspected"),
        scan("30h", "m2"),
        expect("30h", "moving"),
        report("31h", "sign", "m3"),
    )
    assert (played.failed, played.state, played.status) == ([], "delivered", "closed")


async def test_ds_3_a_malformed_number_is_told_of_in_the_task_to_upload_it(play: PlayWatch) -> None:
    played = await play(upload("1h", "???"), until="2h", platform={"console": "wait"})
    assert (played.state, played.effects) == ("awaiting_shipment", [(HOUR, "push_tracking_number", "console_task")])

    done = await play(upload("1h", "???"), until="2h")
    assert (done.state, done.fired) == ("suspected", [(HOUR, "upload_tracking"), (HOUR, "suspect")])


async def test_ds_4_a_number_is_corrected_within_24_hours_of_its_upload(play: PlayWatch) -> None:
    in_time, late = await asyncio.gather(
        play(upload("1h"), correct("24h59m59s"), until="26h"), play(upload("1h"), correct("25h"), until="26h")
    )
    assert (in_time.state, in_time.refused) == ("awaiting_pickup", [])
    assert (late.state, late.refused) == ("awaiting_pickup", [(25 * HOUR, "correct_tracking")])


async def test_ds_5_a_judgement_costs_points_until_it_is_cleared(play: PlayWatch) -> None:
    judged = (upload("1h"), scan("2h", "m1"), report("3h", "judge_false", "m2", form={"reason": "轨迹异常"}))
    standing, cleared = await asyncio.gather(
        play(*judged, until="4h"), play(*judged, report("4h", "clear_suspicion", "m3"), until="5h")
    )
    assert (standing.state, cleared.state) == ("judged_false", "moving")
    assert [(entry["points"], entry["status"]) for entry in standing.result["ledger"]] == [("0.1", "expected")]
    assert [(entry["points"], entry["status"]) for entry in cleared.result["ledger"]] == [("0.1", "reversed")]


async def test_ds_6_late_shipping_is_fined_twice_then_the_product_is_blocked(play: PlayWatch) -> None:
    played = await play(expect("47h59m59s", "awaiting_shipment"), upload("200h"), until="200h")
    assert (played.failed, played.state) == ([], "awaiting_pickup")
    assert [at for at, rule in played.fired if rule == "miss_shipment"] == [2 * DAY, 3 * DAY, 4 * DAY]
    assert played.ledger[:3] == [FINE, FINE, ("DS-6", None, "expected")]
    assert [at for at, effect, _ in played.effects if effect == "tell_blocked"] == [4 * DAY]


async def test_ds_7_an_order_that_nobody_ships_closes_after_150_days(play: PlayWatch) -> None:
    played = await play(expect("3599h59m59s", "awaiting_shipment"), promised_ship_at=None)
    assert (played.failed, played.state, played.fired) == ([], "closed_unshipped", [(150 * DAY, "close_unshipped")])


async def test_ds_9_a_warning_reminds_and_is_over_if_nobody_puts_it_right(play: PlayWatch) -> None:
    warned = report("1h", "warn", "m1", form={"until": "20h"})
    right, over = await asyncio.gather(
        play(warned, report("19h", "clear_warning", "m2"), until="30h", reminded=True),
        play(warned, until="30h", reminded=True),
    )
    assert [entry for entry in over.reminders if entry[1] == 20 * HOUR] == [
        (8 * HOUR, 20 * HOUR),
        (18 * HOUR, 20 * HOUR),
    ]
    assert (over.fired[-1], right.fired[-1]) == ((20 * HOUR, "warning_over"), (19 * HOUR, "clear_warning"))


async def test_g_11_an_upload_told_late_takes_the_fine_back(play: PlayWatch) -> None:
    played = await play({**upload("50h"), "occurred_at": "47h"}, until="51h")
    assert (played.state, played.ledger) == ("awaiting_pickup", [("DS-6", "10.00", "reversed")])
