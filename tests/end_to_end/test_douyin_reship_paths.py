"""Every path of a Douyin reship, from the buyer's application to its end: messages, updates and calls alone."""

from typing import Any

import pytest

from tests.support.platforms.market import CONSENTED, OTHER_SHOP, PIECE, REFUSAL, SHIPMENT, Market, Reship
from tests.support.temporal.life import due, fired
from workflows.replay.replayer import replay

LATE = ("DR-10", "DR-11")
"""The cost of not shipping in time."""
IN_CONSOLE = {"company_code": "zhongtong", "tracking_no": "ZT0002"}


async def refused(market: Market, reason: str) -> Reship:
    """A reship that the merchant has refused."""
    reship = await market.opens(reason)
    await reship.act("refuse", REFUSAL)
    await reship.reached("arbitration" if reason == "never_received" else "refused")
    return reship


async def overdue(market: Market) -> Reship:
    """A reship whose parcel nobody sent in time."""
    reship = await market.opens("short_shipped")
    await reship.act("agree")
    await reship.reached("awaiting_shipment")
    await reship.pass_time("48h")
    await reship.reached("overdue")
    return reship


async def test_dr_4_dr_5_dr_19_agreed_shipped_and_signed_for(market: Market) -> None:
    reship = await market.opens("never_received", OTHER_SHOP)
    await reship.act("agree")
    await reship.reached("awaiting_shipment")
    await reship.act("ship", SHIPMENT)
    await reship.reached("in_transit")
    assert reship.record.parcel
    assert reship.record.parcel.tracking_no == SHIPMENT["tracking_no"]
    reship.happens("sign")
    await market.reconcile(OTHER_SHOP)
    seen = await reship.ended("completed")
    assert fired(seen) == ["agree", "ship", "sign"]
    for history in await reship.histories():
        await replay(history)


async def test_dr_4_dr_8_silence_on_a_parcel_never_received_ends_in_a_refund_after_96_hours(market: Market) -> None:
    reship = await market.opens("never_received")
    await reship.view()
    await reship.pass_time("48h")
    seen = await reship.reached("awaiting_shipment")
    assert fired(seen) == ["auto_agree"]
    await reship.pass_time("48h")
    seen = await reship.ended("refunded", *LATE)
    assert fired(seen) == ["auto_agree", "miss_shipment"]
    assert [entry["amount"] for entry in seen["ledger"]] == ["3.00", None]


async def test_dr_9_dr_16_silence_on_a_short_parcel_lets_the_buyers_window_lapse(market: Market) -> None:
    reship = await market.opens("short_shipped")
    await reship.view()
    await reship.pass_time("48h")
    await reship.reached("awaiting_shipment")
    await reship.pass_time("48h")
    await reship.reached("overdue")
    await reship.pass_time("48h")
    seen = await reship.ended("lapsed", *LATE)
    assert fired(seen) == ["auto_agree", "miss_shipment", "lapse"]


async def test_dr_17_dr_19_a_parcel_sent_late_is_accepted_and_silence_completes_it(market: Market) -> None:
    reship = await overdue(market)
    await reship.act("ship", SHIPMENT)
    await reship.reached("in_transit")
    seen = await reship.completed_in_silence(*LATE)
    assert fired(seen) == ["agree", "miss_shipment", "ship", "auto_complete"]


@pytest.mark.parametrize(
    ("ruling", "state"),
    [("rule-reship", "awaiting_shipment"), ("rule-refund", "refunded"), ("rule-dismiss", "dismissed")],
)
async def test_dr_6_dr_18_a_refusal_is_arbitrated_on_the_merchants_evidence(
    market: Market, ruling: str, state: str
) -> None:
    reship = await refused(market, "never_received")
    wanted = reship.happens("want-evidence")
    seen = await reship.until("evidence is waited for", lambda seen: seen["deadlines"])
    assert due(seen).timestamp() == wanted.evidence_deadline
    for number in range(2):
        piece = {**PIECE, "url": f"{PIECE['url']}?{number}"}
        await reship.act("submit_evidence", {"evidence": [piece]})
    await reship.reached("arbitration")
    shown = [url for piece in reship.record.evidence if piece.to_arbitration for url in piece.urls]
    assert shown == [f"{PIECE['url']}?0", f"{PIECE['url']}?1"]
    reship.happens(ruling)
    path = ["refuse", "ask_evidence", "submit_evidence", "submit_evidence", ruling.replace("-", "_")]
    if state == "awaiting_shipment":
        seen = await reship.reached(state)
        assert due(seen).timestamp() == reship.record.deadline
        await reship.act("ship", SHIPMENT)
        await reship.reached("in_transit")
        assert fired(await reship.completed_in_silence()) == [*path, "ship", "auto_complete"]
    else:
        assert fired(await reship.ended(state)) == path


async def test_dr_18_what_was_ruled_to_be_sent_has_48_hours_of_its_own(market: Market) -> None:
    reship = await refused(market, "never_received")
    await reship.pass_time("100h")
    reship.happens("rule-reship")
    await reship.reached("awaiting_shipment")
    await reship.pass_time("47h")
    await reship.reached("awaiting_shipment")
    await reship.pass_time("1h1m")
    assert fired(await reship.ended("refunded", *LATE)) == ["refuse", "rule_reship", "miss_shipment"]


async def test_dr_18_a_ruling_whose_messages_were_lost_is_read_from_the_conclusion_in_the_record(
    market: Market,
) -> None:
    reship = await refused(market, "never_received")
    market.sandbox.pusher.pause()
    reship.happens("rule-dismiss")
    await market.reconcile()
    assert fired(await reship.ended("dismissed")) == ["refuse", "rule_dismiss"]


async def test_dr_20_evidence_that_nobody_hands_in_is_no_longer_waited_for_and_the_ruling_comes(
    market: Market,
) -> None:
    reship = await refused(market, "never_received")
    reship.happens("want-evidence", within="20h")
    await reship.until("evidence is waited for", lambda seen: seen["deadlines"])
    await reship.pass_time("20h1m")
    await reship.reached("arbitration")
    reship.happens("rule-refund")
    path = ["refuse", "ask_evidence", "evidence_over", "rule_refund"]
    assert fired(await reship.ended("refunded")) == path


@pytest.mark.parametrize("by_hand", [True, False])
async def test_dr_21_after_a_refusal_the_merchant_agrees_after_all(market: Market, *, by_hand: bool) -> None:
    reship = await refused(market, "short_shipped")
    if by_hand:
        reship.happens("agree")
    else:
        await reship.act("agree")
    seen = await reship.reached("awaiting_shipment")
    assert fired(seen) == ["refuse", "agree"]
    # The case counts from the decision, the platform from when it took it: a call later, so that ours is never late.
    assert 0 <= reship.record.deadline - due(seen).timestamp() < 60
    await reship.pass_time("48h1m")
    await reship.reached("overdue")


async def test_dr_7_dr_15_a_modified_application_starts_over(market: Market) -> None:
    reship = await refused(market, "short_shipped")
    reship.happens("modify", reason="never_received", remark="nothing came")
    seen = await reship.reached("awaiting_merchant")
    assert due(seen).timestamp() == reship.record.deadline
    await reship.act("agree")
    await reship.reached("awaiting_shipment")
    await reship.pass_time("48h")
    # The new reason counts: with the old one the buyer would now have a window.
    assert fired(await reship.ended("refunded", *LATE)) == ["refuse", "modify", "agree", "miss_shipment"]


async def test_dr_7_a_buyer_who_was_refused_asks_the_platform_in(market: Market) -> None:
    reship = await refused(market, "other")
    reship.happens("ask-platform")
    await reship.reached("arbitration")
    reship.happens("rule-dismiss")
    assert fired(await reship.ended("dismissed")) == ["refuse", "request_intervention", "rule_dismiss"]


async def test_dr_9_a_buyer_to_whom_nothing_was_sent_asks_the_platform_in(market: Market) -> None:
    reship = await overdue(market)
    reship.happens("ask-platform")
    await reship.reached("arbitration")
    reship.happens("rule-refund")
    path = ["agree", "miss_shipment", "request_intervention", "rule_refund"]
    assert fired(await reship.ended("refunded", *LATE)) == path


async def test_dr_16_a_refusal_that_the_buyer_leaves_unanswered_lapses(market: Market) -> None:
    reship = await refused(market, "short_shipped")
    await reship.pass_time("48h")
    assert fired(await reship.ended("lapsed")) == ["refuse", "lapse"]


@pytest.mark.parametrize("state", ["awaiting_merchant", "awaiting_shipment", "refused", "overdue", "arbitration"])
async def test_dr_12_the_buyer_withdraws(market: Market, state: str) -> None:
    ways: dict[str, Any] = {
        "awaiting_merchant": lambda: market.opens("other"),
        "awaiting_shipment": lambda: market.opens("other"),
        "refused": lambda: refused(market, "other"),
        "overdue": lambda: overdue(market),
        "arbitration": lambda: refused(market, "never_received"),
    }
    reship = await ways[state]()
    if state == "awaiting_shipment":
        await reship.act("agree")
    await reship.reached(state)
    reship.happens("withdraw")
    seen = await reship.ended("withdrawn", *(LATE if state == "overdue" else ()))
    assert fired(seen)[-1] == "withdraw"


@pytest.mark.parametrize(("reason", "state"), [("never_received", "arbitration"), ("other", "refused")])
async def test_dr_13_what_is_out_of_stock_is_refused_with_the_buyers_consent(
    market: Market, reason: str, state: str
) -> None:
    reship = await market.opens(reason)
    await reship.act("agree")
    await reship.reached("awaiting_shipment")
    await reship.pass_time("1h")
    await reship.act("mark_out_of_stock")
    await reship.until("the buyer is to be called", lambda seen: seen["waits_for_operator"])
    await reship.act("done_by_hand", {"note": "the buyer agrees"})
    await reship.act("refuse", CONSENTED)
    await reship.reached(state)
    assert [piece.urls for piece in reship.record.evidence] == [(CONSENTED["evidence"][0]["url"],)]
    reship.happens("withdraw")
    seen = await reship.ended("withdrawn")
    assert fired(seen) == ["agree", "mark_out_of_stock", "refuse", "withdraw"]


async def test_g_1_a_deadline_that_the_platform_changes_is_the_one_that_counts(market: Market) -> None:
    reship = await market.opens("never_received")
    await reship.view()
    reship.happens("set-deadline", within="60h")
    await reship.until("the platform's deadline", lambda seen: due(seen).timestamp() == reship.record.deadline)
    await reship.pass_time("59h")
    await reship.reached("awaiting_merchant")
    await reship.pass_time("1h1m")
    seen = await reship.reached("awaiting_shipment")
    assert fired(seen) == ["auto_agree"]
    reship.happens("withdraw")
    await reship.ended("withdrawn")


async def test_g_3_what_the_merchant_does_in_the_platforms_console_counts_and_is_not_done_again(
    market: Market,
) -> None:
    reship = await market.opens("never_received")
    reship.happens("agree")
    await reship.reached("awaiting_shipment")
    reship.happens("ship", **IN_CONSOLE)
    seen = await reship.reached("in_transit")
    assert (fired(seen), [effect["effect"] for effect in seen["effects"]]) == (["agree", "ship"], ["tell_reship"])
    assert [line.action for line in reship.record.log] == ["发起售后申请", "同意补寄", "补寄发货"]
    await reship.completed_in_silence()


async def test_dr_6_a_refusal_in_the_platforms_console_leads_to_arbitration(market: Market) -> None:
    reship = await market.opens("never_received")
    reship.happens("refuse", reason="商品已正常送达", evidence=[PIECE["url"]])
    await reship.reached("arbitration")
    reship.happens("rule-refund")
    assert fired(await reship.ended("refunded")) == ["refuse", "rule_refund"]


async def test_g_2_without_any_message_a_clock_that_runs_out_is_settled_by_the_record(market: Market) -> None:
    reship = await market.opens("never_received")
    await reship.view()
    market.sandbox.pusher.pause()
    await reship.pass_time("48h")
    seen = await reship.reached("awaiting_shipment")
    assert fired(seen) == ["auto_agree"]
    await reship.pass_time("48h")
    await reship.ended("refunded", *LATE)
