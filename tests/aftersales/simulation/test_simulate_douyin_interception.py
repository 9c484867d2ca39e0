"""An interception on Douyin from its choice to its end, under virtual time: DS-8."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.playing import Perform, Played, act, expect, report, top_of
from tests.support.processes.interceptions import interception_facts

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
