"""An interception on Douyin from its choice to its end, under virtual time: DS-8."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.processes.interceptions import FAR, LOST, NEAR, PHOTO, interception_facts
from tests.support.rules.playing import HOUR, Perform, Played, act, expect, report, top_of

PlayInterception = Callable[..., Awaitable[Played]]


@pytest.fixture
def play(perform: Perform) -> PlayInterception:
    """A refund that was applied for, and two parcels in a shop with the agreement."""

    async def play_steps(*steps: dict[str, Any], **fields: Any) -> Played:
        top = top_of(fields)
        opening = interception_facts(**fields)
        return await perform({"process": "douyin_interception", "opening": opening, "steps": list(steps), **top})

    return play_steps


def choose(at: str, number: str = "SF1") -> dict[str, Any]:
    return act(at, "choose_parcel", tracking_no=number)


INTERCEPTED = (choose("1h"), act("2h", "confirm"), report("3h", "intercept_succeeds", "m1"))


async def test_ds_8_signing_confirming_and_complaining_are_console_tasks_and_decisions_that_wait_for_them(
    play: PlayInterception,
) -> None:
    played = await play(act("1h", "sign_agreement"), until="2h", agreement_signed=False, platform={"console": "wait"})
    assert (played.state, played.status) == ("awaiting_agreement", "open")


async def test_ds_8_success_costs_the_fee_and_is_not_the_end(play: PlayInterception) -> None:
    known, unknown = await asyncio.gather(
        play(*INTERCEPTED, expect("900h", "returning"), act("901h", "arrive")),
        play(choose("1h", "YT2"), *INTERCEPTED[1:], act("4h", "arrive")),
    )
    assert (known.failed, known.state, known.ledger) == ([], "returned", [("DS-8", "8.00", "expected")])
    assert (unknown.state, unknown.ledger) == ("returned", [("DS-8", None, "expected")])


async def test_ds_8_a_delivery_while_the_interception_is_being_confirmed_is_too_late(play: PlayInterception) -> None:
    delivery = report("3h", "out_for_delivery", "m1", form={"tracking_no": "SF1"})
    played = await play(choose("1h"), act("2h", "confirm"), delivery, platform={"console": "wait"})

    assert (played.state, played.status, played.ledger) == ("too_late", "closed", [])


async def test_ds_8_a_parcel_out_for_delivery_is_refused_with_the_reason(play: PlayInterception) -> None:
    gone = {**NEAR, "out_for_delivery": True}
    played = await play(choose("1h"), choose("2h", "ZT9"), choose("3h", "YT2"), until="4h", parcels=[gone, FAR])

    assert (played.state, played.refused) == (
        "awaiting_confirmation",
        [(HOUR, "choose_parcel"), (2 * HOUR, "choose_parcel")],
    )
    delivering, foreign = (refused["error"] for refused in played.result["refused"])
    assert "SF1 已在派送" in delivering
    assert "不是本案件的包裹" in foreign


async def test_ds_8_the_compensation_is_expected_up_to_1000_then_replaced_by_what_was_paid(
    play: PlayInterception,
) -> None:
    lost = (*INTERCEPTED, act("4h", "lose", **LOST), act("5h", "complain", evidence=[PHOTO]))
    expected, paid, rejected = await asyncio.gather(
        play(*lost, until="6h"),
        play(*lost, report("9h", "compensate", "m2", form={"amount": "640.00"})),
        play(*lost, report("9h", "reject_complaint", "m2", form={"reason": "外包装完好"})),
    )
    fee = ("DS-8", "8.00", "expected")
    assert (expected.state, expected.ledger) == ("complaint", [fee, ("DS-8", "1000.00", "expected")])
    assert paid.state == "compensated"
    assert sorted(paid.ledger, key=str) == sorted(
        [fee, ("DS-8", "640.00", "expected"), ("DS-8", "1000.00", "reversed")], key=str
    )
    assert rejected.state == "uncompensated"
    assert sorted(rejected.ledger, key=str) == sorted([fee, ("DS-8", "1000.00", "reversed")], key=str)
