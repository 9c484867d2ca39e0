"""A JD delay card from its sending to its end, under virtual time: JD-1 to JD-6 and JD-14."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.rules.playing import DAY, HOUR, Perform, Played, act, expect, report, top_of

PlayDelay = Callable[..., Awaitable[Played]]
CHAT = {"kind": "chat_screenshot", "url": "https://example.com/chat.png"}


@pytest.fixture
def play(perform: Perform) -> PlayDelay:
    """A card sent at the opening of an order promised in 48 h; a fact that is None is left out."""

    async def play_steps(*steps: dict[str, Any], **fields: Any) -> Played:
        top = top_of(fields, ("policy", "platform", "until", "also"))
        facts = {
            "shop_id": "S1",
            "order_id": "O1",
            "promised_ship_at": "48h",
            "proposed_ship_at": "120h",
            "reason": "仓库盘点",
            "sent_at": "0s",
            **fields,
        }
        opening = {name: value for name, value in facts.items() if value is not None}
        return await perform({"process": "jd_delay_card", "opening": opening, "steps": list(steps), **top})

    return play_steps


def ship(at: str) -> dict[str, Any]:
    return act(at, "ship", carrier="JDL", tracking_no="JD1")


def file(at: str, agreed: str = "150h", kind: str = "chat_screenshot") -> dict[str, Any]:
    return act(at, "file_emergency_report", agreed_ship_at=agreed, evidence=[{**CHAT, "kind": kind}])


DECLINED = report("1h", "decline", "m1")
REFUSAL = {"reason": "凭证中没有具体的发货时间"}
LATE_ORDER = ("JD-14", None, "expected")
TAKEN_BACK = ("JD-14", None, "reversed")
LATE = [("JD-5", None, "expected")]


async def test_jd_1_the_operator_gets_a_task_to_send_the_card_unless_it_was_sent(play: PlayDelay) -> None:
    to_send, was_sent = await asyncio.gather(
        play(expect("0s", "sending"), until="1h", sent_at=None, platform={"console": "wait"}),
        play(until="1h", sent_at="-1h"),
    )
    assert (to_send.state, to_send.effects) == ("sending", [(0, "send_card", "console_task")])
    assert (was_sent.state, was_sent.effects) == ("awaiting_buyer", [])
    assert was_sent.fired == [(-HOUR, "sent_before")]


async def test_jd_1_a_card_is_sent_once(play: PlayDelay) -> None:
    sent = act("1h", "card_sent", sent_at="1h")
    played = await play(sent, act("2h", "card_sent", sent_at="2h"), until="3h", sent_at=None)
    assert (played.state, played.refused) == ("awaiting_buyer", [(2 * HOUR, "card_sent")])


async def test_jd_1_unknown_counts_as_sent_after_24_hours(play: PlayDelay) -> None:
    played = await play(expect("23h59m59s", "sending"), expect("24h", "awaiting_buyer"), until="25h", sent_at=None)
    assert (played.failed, played.fired, played.clauses) == ([], [(DAY, "presume_sent")], ["JD-1"])


async def test_jd_2_declined_and_expired_stay_apart(play: PlayDelay) -> None:
    declined, expired = await asyncio.gather(play(DECLINED, until="2h"), play(until="49h", promised_ship_at="300h"))
    assert (declined.state, declined.clauses[-1]) == ("declined", "JD-2")
    assert (expired.state, expired.fired[-1], expired.clauses[-1]) == ("expired", (2 * DAY, "expire"), "JD-2")


async def test_jd_2_48_hours_from_the_sending_to_the_second(play: PlayDelay) -> None:
    sent = act("5h", "card_sent", sent_at="2h")
    in_time, too_late = await asyncio.gather(
        play(sent, report("49h59m59s", "accept", "m1"), until="50h", sent_at=None),
        play(sent, report("50h", "accept", "m1"), until="50h", sent_at=None),
    )
    assert in_time.state == "approved"
    assert (too_late.state, too_late.fired[-1]) == ("expired", (50 * HOUR, "expire"))
    assert too_late.ignored == [(50 * HOUR, "m1")]


@pytest.mark.parametrize("kind", ["waybill_photo", "logistics_track", "buyer_consent", "other"])
async def test_jd_3_a_report_is_refused_with_other_evidence(play: PlayDelay, kind: str) -> None:
    played = await play(DECLINED, file("2h", kind=kind), until="3h")
    assert (played.state, played.refused) == ("declined", [(2 * HOUR, "file_emergency_report")])


async def test_jd_3_a_report_names_the_time_and_proves_the_agreement(play: PlayDelay) -> None:
    timeless = act("2h", "file_emergency_report", evidence=[CHAT])
    unproved = act("2h", "file_emergency_report", agreed_ship_at="150h", evidence=[])
    played = await play(DECLINED, timeless, unproved, until="3h")
    assert (played.state, len(played.refused)) == ("declined", 2)
    assert "agreed_ship_at" in played.result["refused"][0]["error"]
    assert "evidence" in played.result["refused"][1]["error"]


async def test_jd_3_a_report_refused_then_approved(play: PlayDelay) -> None:
    played = await play(
        DECLINED,
        file("2h", agreed="100h"),
        report("3h", "refuse_report", "m2", form=REFUSAL),
        expect("3h", "report_refused"),
        file("4h", kind="call_record"),
        report("5h", "approve_report", "m3"),
        expect("149h59m59s", "approved"),
        ship("149h59m59s"),
    )
    assert played.failed == []
    assert (played.state, played.status, played.ledger) == ("shipped_on_time", "closed", [])
    assert [effect for _, effect, _ in played.effects] == [
        "file_report",
        "file_report",
        "exempt_by_report",
        "push_tracking_number",
        "tell_upload",
    ]


async def test_jd_4_an_overdue_review_is_escalated_once_and_does_not_count_as_approval(play: PlayDelay) -> None:
    played = await play(DECLINED, file("2h"), expect("300d", "emergency_review"), promised_ship_at="20h")
    assert played.failed == []
    assert played.status == "open"
    assert [at for at, rule in played.fired if rule == "review_overdue"] == [26 * HOUR]
    assert [at for at, effect, _ in played.effects if effect == "escalate_review"] == [26 * HOUR]


async def test_jd_5_unapproved_the_promised_time_counts(play: PlayDelay) -> None:
    on_time, late = await asyncio.gather(play(DECLINED, ship("47h59m59s")), play(DECLINED, ship("48h")))
    assert (on_time.state, on_time.status, on_time.ledger) == ("shipped_on_time", "closed", [])
    assert (late.state, late.status, late.ledger) == ("shipped_late", "closed", [LATE_ORDER, *LATE])
    assert late.fired[-2:] == [(2 * DAY, "miss_promise"), (2 * DAY, "ship")]


async def test_jd_5_accepted_the_proposed_time_counts(play: PlayDelay) -> None:
    accepted = report("1h", "accept", "m1")
    on_time, late = await asyncio.gather(play(accepted, ship("119h59m59s")), play(accepted, ship("120h")))
    assert (on_time.state, on_time.ledger) == ("shipped_on_time", [])
    assert (late.state, late.ledger) == ("shipped_late", LATE)
    assert late.fired[-2:] == [(5 * DAY, "miss_agreed_ship"), (5 * DAY, "ship")]


async def test_jd_5_a_report_approved_after_the_promise_makes_the_agreed_time_count(play: PlayDelay) -> None:
    approved = (DECLINED, file("2h"), report("60h", "approve_report", "m2"))
    on_time, late = await asyncio.gather(play(*approved, ship("149h59m59s")), play(*approved, ship("151h")))
    assert (on_time.state, on_time.ledger) == ("shipped_on_time", [TAKEN_BACK])
    assert (late.state, sorted(late.ledger)) == ("shipped_late", [TAKEN_BACK, *LATE])
    assert "miss_promise" in [rule for _, rule in on_time.fired]


async def test_jd_3_a_report_without_a_card_is_called_back_and_the_card_is_asked_for_once(play: PlayDelay) -> None:
    played = await play(
        file("1h"),
        act("2h", "recall_report"),
        expect("2h", "sending"),
        until="3h",
        sent_at=None,
        promised_ship_at="300h",
    )
    assert (played.failed, played.fired) == ([], [(HOUR, "file_emergency_report"), (2 * HOUR, "recall_report")])
    assert [effect for _, effect, _ in played.effects].count("send_card") == 1


async def test_jd_3_from_an_approval_a_later_time_is_asked_for_and_refused_that_stays(play: PlayDelay) -> None:
    accepted = report("1h", "accept", "m1")
    refused = report("4h", "refuse_report", "m2", form=REFUSAL)
    played = await play(accepted, file("2h", agreed="120h"), file("3h"), refused, ship("119h59m59s"))
    assert (played.state, played.ledger) == ("shipped_on_time", [])
    assert played.refused == [(2 * HOUR, "file_emergency_report")]  # no later than the time in force


async def test_jd_3_the_agreed_time_must_be_in_the_future(play: PlayDelay) -> None:
    played = await play(DECLINED, file("2h", agreed="2h"), file("3h", agreed="3h1s"), until="3h")
    assert (played.state, played.refused) == ("emergency_review", [(2 * HOUR, "file_emergency_report")])


async def test_jd_14_a_late_order_at_the_promised_instant_is_taken_back_by_a_later_approval(play: PlayDelay) -> None:
    waiting, approved = await asyncio.gather(
        play(DECLINED, file("47h"), until="48h"),
        play(DECLINED, file("47h"), report("50h", "approve_report", "m2"), ship("100h")),
    )
    assert (waiting.state, waiting.ledger) == ("emergency_review", [LATE_ORDER])
    assert (approved.state, approved.ledger) == ("shipped_on_time", [TAKEN_BACK])


async def test_jd_14_the_late_order_of_a_watch_that_has_ended_is_taken_back_and_shown_so(play: PlayDelay) -> None:
    opening = {"shop_id": "S1", "order_id": "O1", "ordered_at": "-6h", "kind": "stock"}
    watch = {"name": "watch", "process": "jd_shipment", "at": "0s", "opening": opening}
    picked_up = {**report("44h", "pick_up", "p1"), "case": "watch"}

    late = await play(picked_up, also=[watch], until="45h")
    accepted = await play(picked_up, report("47h", "accept", "m1"), also=[watch], until="47h30m")

    watched = [Played(played.result["also"]["watch"], []) for played in (late, accepted)]
    assert [(one.state, one.status) for one in watched] == [("picked_up", "closed")] * 2
    assert [one.ledger for one in watched] == [[("JD-10", None, "expected")], [("JD-10", None, "reversed")]]


async def test_jd_6_not_exempt_after_72_hours(play: PlayDelay) -> None:
    silent, in_time, too_late = await asyncio.gather(
        play(DECLINED), play(DECLINED, file("72h59m59s"), until="73h"), play(DECLINED, file("73h"))
    )
    assert (silent.state, silent.status, silent.fired[-1]) == ("not_exempt", "closed", (73 * HOUR, "give_up"))
    assert (silent.clauses[-1], silent.ledger) == ("JD-6", [LATE_ORDER])
    assert in_time.state == "emergency_review"
    assert (too_late.state, too_late.refused) == ("not_exempt", [(73 * HOUR, "file_emergency_report")])


async def test_jd_6_also_after_an_expiry(play: PlayDelay) -> None:
    played = await play(promised_ship_at="300h")
    assert (played.state, played.fired[-2:]) == ("not_exempt", [(48 * HOUR, "expire"), (120 * HOUR, "give_up")])


async def test_a_cancelled_order_ends_the_case(play: PlayDelay) -> None:
    played = await play(report("1h", "cancel_order", "m1"))
    assert (played.state, played.status, played.ledger) == ("order_cancelled", "closed", [])


async def test_g_5_the_operator_is_reminded_of_the_promised_time(play: PlayDelay) -> None:
    played = await play(until="20h", promised_ship_at="15h", reminded=True)
    assert played.reminders == [(3 * HOUR, 15 * HOUR), (13 * HOUR, 15 * HOUR)]
