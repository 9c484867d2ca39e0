"""A JD advance report from its draft to its end, under virtual time: JD-4 and JD-7."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.rules.playing import DAY, HOUR, Perform, Played, act, expect, report, top_of

PlayAdvance = Callable[..., Awaitable[Played]]
PROOF = {"kind": "other", "url": "https://example.com/warning.png"}


@pytest.fixture
def play(perform: Perform) -> PlayAdvance:
    """A period from 48 h to 120 h after the opening."""

    async def play_steps(*steps: dict[str, Any], **fields: Any) -> Played:
        top = top_of(fields, ("policy", "platform", "until", "also"))
        opening = {
            "shop_id": "S1",
            "report_id": "R1",
            "cause": "weather",
            "begins_at": "48h",
            "ends_at": "120h",
            "note": "暴雪,当地快递停收",
            **fields,
        }
        return await perform({"process": "jd_advance_report", "opening": opening, "steps": list(steps), **top})

    return play_steps


def file(at: str) -> dict[str, Any]:
    return act(at, "file", evidence=[PROOF])


async def test_jd_7_filed_approved_in_force_and_ended(play: PlayAdvance) -> None:
    played = await play(file("1h"), report("3h", "approve", "m1"), expect("48h", "in_force"))
    assert (played.failed, played.state, played.status, played.ledger) == ([], "ended", "closed", [])
    assert played.fired == [(HOUR, "file"), (3 * HOUR, "approve"), (2 * DAY, "begin"), (5 * DAY, "end")]
    assert [effect for _, effect, _ in played.effects if effect == "file_report"] == ["file_report"]


async def test_jd_7_filed_too_early_is_refused_and_says_when_it_opens(play: PlayAdvance) -> None:
    played = await play(file("1h"), expect("2h", "drafted"), until="2h", begins_at="20d", ends_at="22d")
    assert (played.failed, played.refused) == ([], [(HOUR, "file")])
    assert "起才可 / opens then" in played.result["refused"][0]["error"]


@pytest.mark.parametrize(("ordered_at", "status"), [("120h", "reversed"), ("120h1s", "expected")])
async def test_jd_7_an_order_created_in_the_period_is_exempt_also_when_the_approval_comes_after_it(
    play: PlayAdvance, ordered_at: str, status: str
) -> None:
    opening = {"shop_id": "S1", "order_id": "O1", "ordered_at": ordered_at, "kind": "stock"}
    shipment = {"name": "shipment", "process": "jd_shipment", "at": ordered_at, "opening": opening}
    played = await play(file("100h"), report("150h", "approve", "m1"), also=[shipment], until="151h")
    told = Played(played.result["also"]["shipment"], [])
    assert (played.state, told.status, told.ledger) == ("ended", "open", [("JD-10", None, status)])


async def test_jd_4_an_overdue_review_is_escalated_once(play: PlayAdvance) -> None:
    played = await play(file("1h"), expect("30d", "under_review"))
    assert (played.failed, played.status) == ([], "open")
    assert [at for at, rule in played.fired if rule == "review_overdue"] == [25 * HOUR]


async def test_g_5_the_operator_is_reminded_before_the_report_lapses(play: PlayAdvance) -> None:
    played = await play(reminded=True)
    assert (played.state, played.status) == ("lapsed", "closed")
    assert played.reminders == [(108 * HOUR, 120 * HOUR), (118 * HOUR, 120 * HOUR)]
