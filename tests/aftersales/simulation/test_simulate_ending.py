"""How a case ends: withdrawal (DR-12), arbitration (DR-18), signature or silence (DR-19)."""

import asyncio
from typing import Any

import pytest

from tests.support.rules.playing import DAY, HOUR, Play, act, expect, refuse, report, ship

WAYS: dict[str, tuple[dict[str, Any], ...]] = {
    "awaiting_merchant": (),
    "awaiting_shipment": (act("1h", "agree"),),
    "refused": (refuse("1h"),),
    "overdue": (act("0s", "agree"),),
    "arbitration": (refuse("1h"), report("2h", "request_intervention", "m0")),
}
EVIDENCE = {"evidence": [{"kind": "logistics_track", "url": "https://example.com/track.png"}]}
ARBITRATION = (refuse("1h"), expect("1h", "arbitration"))


@pytest.mark.parametrize("state", WAYS)
async def test_dr_12_the_buyer_may_withdraw_until_the_parcel_is_shipped(play: Play, state: str) -> None:
    at = "49h" if state == "overdue" else "3h"
    played = await play(*WAYS[state], expect(at, state), report(at, "withdraw", "m1"), reason="other")
    assert played.failed == []
    assert (played.state, played.status, played.clauses[-1]) == ("withdrawn", "closed", "DR-12")


async def test_dr_12_not_once_it_is_shipped(play: Play) -> None:
    played = await play(act("0s", "agree"), ship("1h"), report("2h", "withdraw", "m1"), until="3h")
    assert (played.state, played.ignored) == ("in_transit", [(2 * HOUR, "m1")])


async def test_dr_18_evidence_several_times_and_at_least_one_piece(play: Play) -> None:
    hand_in = [act(at, "submit_evidence", **EVIDENCE) for at in ("2h", "3h")]
    played = await play(*ARBITRATION, *hand_in, act("4h", "submit_evidence", evidence=[]), until="5h")
    assert played.effects[1:] == [(2 * HOUR, "submit_evidence", "done"), (3 * HOUR, "submit_evidence", "done")]
    assert (played.state, played.refused) == ("arbitration", [(4 * HOUR, "submit_evidence")])


async def test_dr_18_no_evidence_outside_arbitration(play: Play) -> None:
    played = await play(act("1h", "submit_evidence", **EVIDENCE), until="2h")
    assert played.refused == [(HOUR, "submit_evidence")]


async def test_dr_18_the_rulings(play: Play) -> None:
    refunded, dismissed = await asyncio.gather(
        *(play(*ARBITRATION, report("30h", rule, "m1")) for rule in ("rule_refund", "rule_dismiss"))
    )
    assert (refunded.state, refunded.status) == ("refunded", "closed")
    assert (dismissed.state, dismissed.status) == ("dismissed", "closed")
    assert refunded.clauses[-1] == dismissed.clauses[-1] == "DR-18"


async def test_dr_18_to_reship_means_a_fresh_48_hours(play: Play) -> None:
    ruled = (*ARBITRATION, report("30h", "rule_reship", "m1"))
    in_time, too_late = await asyncio.gather(
        play(*ruled, ship("77h59m59s"), until="78h"), play(*ruled, ship("78h"), until="78h")
    )
    assert (in_time.state, in_time.refused) == ("in_transit", [])
    assert (too_late.state, too_late.refused) == ("refunded", [(78 * HOUR, "ship")])


async def test_dr_18_arbitration_waits_for_the_platform_without_a_clock(play: Play) -> None:
    played = await play(*ARBITRATION, expect("300d", "arbitration"))
    assert (played.failed, played.state, played.status) == ([], "arbitration", "open")


async def test_dr_19_signed_or_ten_days_of_silence(play: Play) -> None:
    shipped = (act("0s", "agree"), ship("1h"))
    end = 10 * DAY + HOUR
    signed, last_second, silent, late = await asyncio.gather(
        play(*shipped, report("3d", "sign", "m1")),
        play(*shipped, report("240h59m59s", "sign", "m1")),
        play(*shipped),
        play(*shipped, report("241h", "sign", "m1")),
    )
    assert signed.fired[-1] == (3 * DAY, "sign")
    assert last_second.fired[-1] == (end - 1, "sign")
    assert silent.fired[-1] == late.fired[-1] == (end, "auto_complete")
    assert {played.state for played in (signed, last_second, silent, late)} == {"completed"}
    assert {played.clauses[-1] for played in (signed, silent)} == {"DR-19"}
    assert late.ignored == [(end, "m1")]
