"""Evidence that is asked for, agreeing after a refusal, and numbers that are corrected or untrue: DR-20 to DR-22."""

import asyncio
from typing import Any

import pytest

from tests.support.rules.playing import DAY, HOUR, Play, act, refuse, report, ship

PIECE = {"kind": "waybill_photo", "url": "https://example.com/waybill.png"}
OWED = [("DR-10", "3.00", "expected"), ("DR-11", None, "expected")]


def asked(at: str, until: str, message_id: str = "m1") -> dict[str, Any]:
    return report(at, "ask_evidence", message_id, form={"until": until})


def hand_in(at: str) -> dict[str, Any]:
    return act(at, "submit_evidence", evidence=[PIECE])


def untrue(at: str, message_id: str = "u1", *, shipped: bool) -> dict[str, Any]:
    return report(at, "number_found_untrue", message_id, form={"shipped": shipped})


async def test_dr_20_the_merchant_is_reminded_of_the_deadline_and_its_passing_is_noted(play: Play) -> None:
    silent, handed_in = await asyncio.gather(
        play(refuse("1h"), asked("2h", "26h"), reminded=True, until="30h"),
        play(refuse("1h"), asked("2h", "26h"), hand_in("10h"), reminded=True, until="30h"),
    )
    assert silent.reminders == [(14 * HOUR, 26 * HOUR), (24 * HOUR, 26 * HOUR)]
    assert handed_in.reminders == []
    for played in (silent, handed_in):
        assert (played.state, played.fired[-1]) == ("arbitration", (26 * HOUR, "evidence_over"))
        assert played.clauses[-1] == "DR-20"


async def test_dr_20_evidence_is_taken_before_the_deadline_at_it_and_after_it(play: Play) -> None:
    played = await play(
        refuse("1h"), asked("2h", "26h"), hand_in("25h59m59s"), hand_in("26h"), hand_in("40h"), until="41h"
    )
    assert played.refused == []
    assert played.fired[2:] == [
        (26 * HOUR - 1, "submit_evidence"),
        (26 * HOUR, "evidence_over"),
        (26 * HOUR, "submit_evidence"),
        (40 * HOUR, "submit_evidence"),
    ]


async def test_g_12_of_two_deadlines_for_evidence_the_one_set_last_counts(play: Play) -> None:
    for first, second, hours in (("26h", "50h", 50), ("50h", "26h", 26)):
        played = await play(refuse("1h"), asked("2h", first), asked("3h", second, "m2"), until="60h")
        assert [fired for fired in played.fired if fired[1] == "evidence_over"] == [(hours * HOUR, "evidence_over")]


async def test_dr_20_evidence_is_not_asked_for_outside_arbitration(play: Play) -> None:
    played = await play(asked("2h", "26h"), until="30h")
    assert (played.state, played.fired) == ("awaiting_merchant", [])


@pytest.mark.parametrize("reason", ["short_shipped", "other"])
async def test_dr_21_agreeing_after_a_refusal_in_the_last_second_and_one_later(play: Play, reason: str) -> None:
    in_time, too_late, told = await asyncio.gather(
        play(refuse("1h"), act("48h59m59s", "agree"), ship("50h"), reason=reason, until="51h"),
        play(refuse("1h"), act("49h", "agree"), reason=reason),
        play(refuse("1h"), report("20h", "agree", "m1"), reason=reason, until="68h"),
    )
    assert (in_time.state, in_time.clauses) == ("in_transit", ["DR-7", "DR-21", "DR-5"])
    assert in_time.effects[1] == (49 * HOUR - 1, "agree_on_platform", "done")
    assert (too_late.state, too_late.refused) == ("lapsed", [(49 * HOUR, "agree")])
    assert told.fired == [(HOUR, "refuse"), (20 * HOUR, "agree"), (68 * HOUR, "miss_shipment")]
    assert "agree_on_platform" not in [effect for _, effect, _ in told.effects]  # what the platform told is not sent


async def test_dr_21_an_agreement_after_a_refusal_is_not_confused_with_one_before_it(play: Play) -> None:
    consent = {"kind": "buyer_consent", "url": "https://example.com/chat.png"}
    played = await play(
        act("1h", "agree"),
        act("2h", "mark_out_of_stock"),
        refuse("3h", after_consent=True, evidence=[consent]),
        report("4h", "agree", "m1", occurred_at="1h"),  # the echo comes late
        reason="other",
        until="5h",
    )
    assert (played.state, played.ignored) == ("refused", [])


async def test_dr_22_a_number_is_corrected_within_24_hours_of_its_upload_to_the_second(play: Play) -> None:
    agreed = [act("1h", "agree"), ship("2h")]
    number = {"carrier": "ZTO", "tracking_no": "ZT2"}
    in_time, too_late = await asyncio.gather(
        play(*agreed, act("25h59m59s", "correct_tracking", **number), until="27h"),
        play(*agreed, act("26h", "correct_tracking", **number), until="27h"),
    )
    assert (in_time.fired[-1], in_time.clauses[-1]) == ((26 * HOUR - 1, "correct_tracking"), "DR-22")
    assert in_time.effects[-1] == (26 * HOUR - 1, "correct_number_on_platform", "done")
    assert too_late.refused == [(26 * HOUR, "correct_tracking")]
    assert "更正单号时限" in too_late.result["refused"][0]["error"]
    assert in_time.state == too_late.state == "in_transit"


@pytest.mark.parametrize("reason", ["never_received", "short_shipped", "other"])
async def test_dr_10_dr_22_an_untrue_number_owes_3_cny_once_a_case_and_a_violation(play: Play, reason: str) -> None:
    agreed = [act("1h", "agree"), ship("2h")]
    was_shipped, was_not = await asyncio.gather(
        play(*agreed, untrue("20h", shipped=True), reason=reason, until="21h"),
        play(*agreed, untrue("20h", shipped=False), reason=reason, until="21h"),
    )
    assert (was_shipped.state, was_shipped.ledger) == ("in_transit", OWED)
    assert (was_not.state, was_not.ledger) == ("overdue", OWED)


async def test_dr_10_is_owed_once_and_dr_11_for_each_lateness(play: Play) -> None:
    played = await play(
        act("1h", "agree"), ship("50h"), untrue("60h", shipped=False), ship("70h"), reason="other", until="71h"
    )
    assert played.fired[1:3] == [(49 * HOUR, "miss_shipment"), (50 * HOUR, "ship")]
    assert (played.state, played.ledger) == ("in_transit", [*OWED, ("DR-11", None, "expected")])


async def test_dr_22_told_twice_a_number_is_untrue_once(play: Play) -> None:
    played = await play(
        act("1h", "agree"), ship("2h"), untrue("20h", shipped=True), untrue("21h", "u2", shipped=True), until="22h"
    )
    assert (played.ledger, played.ignored) == (OWED, [(21 * HOUR, "u2")])


async def test_dr_11_judged_again_only_in_a_shop_that_says_so(play: Play) -> None:
    once, again = await asyncio.gather(
        play(act("0s", "agree"), reason="other"),
        play(
            act("0s", "agree"), reason="other", policy={"late_again_every": "24h", "buyer_window": "30d"}, until="20d"
        ),
    )
    assert (once.state, once.ledger) == ("lapsed", OWED)
    assert [fired for fired in again.fired if fired[1] == "late_again"] == [
        (2 * DAY + count * DAY, "late_again") for count in (1, 2, 3)
    ]
    assert again.ledger == [*OWED, *[("DR-11", None, "expected")] * 3]
