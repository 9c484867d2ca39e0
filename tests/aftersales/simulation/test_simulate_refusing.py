"""The merchant says no: DR-6, DR-7 and DR-13 to DR-16."""

import asyncio

import pytest

from tests.support.rules.playing import CONSENT, HOUR, Play, act, refuse, report

OTHERS = ("short_shipped", "other")


async def test_dr_6_never_received_goes_straight_to_arbitration(play: Play) -> None:
    played = await play(refuse("1h"), reason="never_received")
    assert (played.state, played.status, played.clauses) == ("arbitration", "open", ["DR-6"])
    assert played.effects == [(HOUR, "refuse_on_platform", "done")]


@pytest.mark.parametrize("reason", OTHERS)
async def test_dr_7_the_buyer_may_ask_the_platform_in(play: Play, reason: str) -> None:
    in_time, too_late = await asyncio.gather(
        play(refuse("1h"), report("48h59m59s", "request_intervention", "m1"), reason=reason),
        play(refuse("1h"), report("49h", "request_intervention", "m1"), reason=reason),
    )
    assert (in_time.state, in_time.clauses) == ("arbitration", ["DR-7", "DR-7"])
    assert in_time.fired[1] == (49 * HOUR - 1, "request_intervention")
    assert (too_late.state, too_late.ignored) == ("lapsed", [(49 * HOUR, "m1")])


async def test_dr_12_the_merchant_cannot_refuse_after_refusing(play: Play) -> None:
    played = await play(refuse("1h"), refuse("2h"), reason="other", until="3h")
    assert (played.state, played.refused) == ("refused", [(2 * HOUR, "refuse")])


async def test_dr_13_out_of_stock_stops_no_clock(play: Play) -> None:
    before, after = await asyncio.gather(
        play(act("47h", "mark_out_of_stock"), until="48h"),
        play(act("0s", "agree"), act("47h", "mark_out_of_stock"), until="48h"),
    )
    assert before.fired == [(47 * HOUR, "mark_out_of_stock"), (48 * HOUR, "auto_agree")]
    assert after.fired == [(0, "agree"), (47 * HOUR, "mark_out_of_stock"), (48 * HOUR, "miss_shipment")]
    assert before.result["timeline"][0]["from"] == before.result["timeline"][0]["to"] == ["awaiting_merchant"]


async def test_dr_13_once_agreed_a_refusal_needs_the_mark_and_the_buyers_consent(play: Play) -> None:
    played = await play(
        act("0s", "agree"),
        refuse("1h", after_consent=True, evidence=[CONSENT]),
        act("2h", "mark_out_of_stock"),
        refuse("3h"),
        refuse("4h", after_consent=True),
        refuse("5h", after_consent=True, evidence=[{**CONSENT, "kind": "sms"}]),
        refuse("6h", after_consent=True, evidence=[CONSENT]),
        reason="short_shipped",
        until="7h",
    )
    assert played.refused == [(hour * HOUR, "refuse") for hour in (1, 3, 4, 5)]
    assert (played.state, played.clauses[-1]) == ("refused", "DR-13")


async def test_dr_13_never_received_goes_to_arbitration_also_after_consent(play: Play) -> None:
    played = await play(
        act("0s", "agree"),
        act("2h", "mark_out_of_stock"),
        refuse("6h", after_consent=True, evidence=[CONSENT]),
        until="7h",
    )
    assert (played.state, played.clauses[-1]) == ("arbitration", "DR-13")


async def test_dr_13_or_the_buyer_withdraws(play: Play) -> None:
    played = await play(act("0s", "agree"), act("1h", "mark_out_of_stock"), report("2h", "withdraw", "m1"))
    assert played.state == "withdrawn"


async def test_dr_14_a_refusal_says_why(play: Play) -> None:
    played = await play(act("1h", "refuse"), refuse("1h", reason=" "), until="2h")
    assert played.refused == [(HOUR, "refuse"), (HOUR, "refuse")]
    assert all("reason" in entry["error"] for entry in played.result["refused"])
    assert (played.state, played.result["timeline"]) == ("awaiting_merchant", [])


async def test_dr_15_a_modified_application_starts_over(play: Play) -> None:
    in_time, too_late = await asyncio.gather(
        *(
            play(
                refuse("1h"),
                report("20h", "modify", "m1", form={"reason": "short_shipped", "description": "少发两件"}),
                act(at, "agree"),
                reason="other",
                until="68h",
            )
            for at in ("67h59m59s", "68h")
        )
    )
    assert in_time.fired[1:] == [(20 * HOUR, "modify"), (68 * HOUR - 1, "agree")]
    assert too_late.fired[1:] == [(20 * HOUR, "modify"), (68 * HOUR, "auto_agree")]
    assert in_time.clauses[1] == "DR-15"


async def test_dr_15_it_may_carry_another_reason(play: Play) -> None:
    modified = report("2h", "modify", "m1", form={"reason": "never_received"})
    played = await play(refuse("1h"), modified, refuse("3h"), reason="other", until="4h")
    assert (played.state, played.clauses) == ("arbitration", ["DR-7", "DR-15", "DR-6"])


async def test_dr_16_the_buyers_window_lapses_to_the_second(play: Play) -> None:
    modify = {"form": {"reason": "other"}}
    in_time, too_late, silent = await asyncio.gather(
        play(refuse("0s"), report("47h59m59s", "modify", "m1", **modify), reason="other", until="48h"),
        play(refuse("0s"), report("48h", "modify", "m1", **modify), reason="other"),
        play(refuse("0s"), reason="other"),
    )
    assert in_time.fired[-1] == (48 * HOUR - 1, "modify")
    assert too_late.fired[-1] == silent.fired[-1] == (48 * HOUR, "lapse")
    assert (silent.state, silent.status, silent.clauses[-1]) == ("lapsed", "closed", "DR-16")
    assert too_late.ignored == [(48 * HOUR, "m1")]


async def test_dr_16_lapses_only_after_the_platform_confirms(play: Play) -> None:
    played = await play(refuse("0s"), reason="other", platform={"settle": {"lapse": "request_intervention"}})
    assert (played.state, played.status) == ("arbitration", "open")
    assert played.fired[-1] == (48 * HOUR, "request_intervention")
