"""A shipping-anomaly warning on 1688 from its opening to its outcomes, on the real workflow: CL-11."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.processes.anomalies import REPORT
from tests.support.rules.playing import DAY, HOUR, SHIPMENT, Perform, Played, act, report, top_of

WORSEN = report("100h", "worsen", "m1", form={"kind": "lost"})
NOTE = {"note": "网点答复今晚发出"}
PlayWarning = Callable[..., Awaitable[Played]]


@pytest.fixture
def warning(perform: Perform) -> PlayWarning:
    """Play a warning of now; the parcel is lost unless the test says otherwise."""

    async def play(*steps: dict[str, Any], **fields: Any) -> Played:
        top = top_of(fields)
        facts = {
            "shop_id": "S1",
            "anomaly_id": "W1",
            "order_id": "O1",
            "kind": "lost",
            "warned_at": "+0s",
            "tracking_no": "YT1",
            "goods_amount": "200.00",
            **fields,
        }
        return await perform({"process": "anomaly_1688", "opening": facts, "steps": list(steps), **top})

    return play


async def test_cl_11_solved_in_the_last_second_and_one_later(warning: PlayWarning) -> None:
    in_time, too_late = await asyncio.gather(warning(act("23h59m59s", "refund")), warning(act("24h", "refund")))

    assert (in_time.state, in_time.status, in_time.fired) == ("refunded", "closed", [(24 * HOUR - 1, "refund")])
    assert in_time.effects == [(24 * HOUR - 1, "refund_buyer", "done")]
    assert (too_late.state, too_late.refused) == ("claim_expected", [(24 * HOUR, "refund")])
    assert in_time.ledger == too_late.ledger == []


async def test_cl_11_the_24_hours_run_from_the_warning_not_from_the_opening(warning: PlayWarning) -> None:
    played = await warning(warned_at="-20h", reminded=True)

    assert played.fired == [(4 * HOUR, "expect_claim")]
    assert played.reminders[-1] == (2 * HOUR, 4 * HOUR)


async def test_cl_11_a_second_parcel_goes_on_the_platform_under_its_number(warning: PlayWarning) -> None:
    waiting, done = await asyncio.gather(
        warning(act("3h", "replace_tracking", **SHIPMENT), platform={"console": "wait"}, until="4h"),
        warning(act("3h", "replace_tracking", **SHIPMENT)),
    )

    assert waiting.state == "warned"  # it counts once the operator has confirmed it (G-10)
    assert waiting.effects == [(3 * HOUR, "update_tracking_number", "console_task")]
    assert (done.state, done.clauses) == ("reshipped", ["CL-11"])


async def test_cl_11_a_report_without_evidence_is_refused(warning: PlayWarning) -> None:
    played = await warning(
        act("1h", "file_report", reason="联系不上买家", evidence=[]), act("2h", "file_report", **REPORT)
    )

    assert (played.state, played.refused) == ("reported", [(HOUR, "file_report")])


async def test_cl_11_a_stalled_track_is_two_tasks_and_is_watched(warning: PlayWarning) -> None:
    told, watched = await asyncio.gather(
        warning(
            act("1h", "urge_carrier", **NOTE),
            act("2h", "tell_buyer", **NOTE),
            act("3h", "refund"),
            report("50h", "track_moves", "m1"),
            kind="stalled",
            platform={"console": "wait"},
        ),
        warning(kind="stalled", reminded=True),
    )

    assert (told.state, told.refused) == ("recovered", [(3 * HOUR, "refund")])
    assert [effect for _, effect, _ in told.effects] == ["ask_carrier", "inform_buyer"]
    assert (watched.state, watched.fired, watched.reminders) == ("watch_ended", [(10 * DAY, "end_watch")], [])


async def test_cl_11_a_stalled_parcel_that_is_lost_has_24_hours_from_then(warning: PlayWarning) -> None:
    silent, solved = await asyncio.gather(
        warning(WORSEN, report("110h", "worsen", "m2", form={"kind": "damaged"}), kind="stalled", reminded=True),
        warning(WORSEN, act("123h59m59s", "replace_tracking", **SHIPMENT), kind="stalled"),
    )

    assert silent.fired == [(100 * HOUR, "worsen"), (124 * HOUR, "expect_claim")]
    assert (silent.state, silent.ignored) == ("claim_expected", [(110 * HOUR, "m2")])
    assert silent.reminders == [(112 * HOUR, 124 * HOUR), (122 * HOUR, 124 * HOUR)]
    assert solved.state == "reshipped"


async def test_g_11_a_refund_told_after_the_24_hours_counts_when_it_was_made(warning: PlayWarning) -> None:
    played = await warning(act("30h", "refund") | {"occurred_at": "20h"})

    assert (played.state, played.fired) == ("refunded", [(20 * HOUR, "refund")])
    assert [entry["rule"] for entry in played.result["taken_back"]] == ["expect_claim"]
