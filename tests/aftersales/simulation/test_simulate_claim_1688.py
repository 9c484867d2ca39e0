"""A claim on 1688 from its opening to all of its outcomes, on the real workflow: CL-1 to CL-10."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.rules.playing import HOUR, Perform, Played, act, expect, report, top_of

TRACK = {"kind": "logistics_track", "url": "https://example.com/track.png"}
EVIDENCE = {"evidence": [TRACK]}
APPEAL = {"reason": "已按时发货", **EVIDENCE}
PAID = ("CL-3", "10.00", "expected")
COUNTED = ("CL-5", None, "expected")
PlayClaim = Callable[..., Awaitable[Played]]


def appeal(at: str) -> dict[str, Any]:
    return act(at, "appeal", **APPEAL)


def sub_orders(*goods_amounts: str) -> list[dict[str, Any]]:
    return [
        {"sub_order_id": f"SO{number}", "goods_amount": amount, "violating": True}
        for number, amount in enumerate(goods_amounts, 1)
    ]


@pytest.fixture
def claim(perform: Perform) -> PlayClaim:
    """Play a claim that is opened now on one violating sub-order of 200 CNY."""

    async def play(*steps: dict[str, Any], **fields: Any) -> Played:
        top = top_of(fields)
        facts = {
            "shop_id": "S1",
            "claim_id": "C1",
            "order_id": "O1",
            "violation": "late_shipment",
            "opened_by": "platform",
            "opened_at": "+0s",
            "sub_orders": sub_orders("200.00"),
            **fields,
        }
        return await perform({"process": "claim_1688", "opening": facts, "steps": list(steps), **top})

    return play


async def test_cl_4_agreeing_in_the_last_second_and_one_later(claim: PlayClaim) -> None:
    in_time, too_late = await asyncio.gather(claim(act("47h59m59s", "agree")), claim(act("48h", "agree")))
    assert (in_time.state, in_time.status, in_time.fired) == ("compensated", "closed", [(48 * HOUR - 1, "agree")])
    assert in_time.effects == [
        (48 * HOUR - 1, "agree_to_pay", "done"),
        (48 * HOUR - 1, "pay_compensation", "done"),
    ]
    assert (too_late.state, too_late.refused) == ("established", [(48 * HOUR, "agree")])
    assert in_time.ledger == too_late.ledger == [PAID]


async def test_cl_4_runs_from_the_opening_of_the_claim_not_of_the_case(claim: PlayClaim) -> None:
    played = await claim(opened_at="-40h")
    assert played.fired == [(8 * HOUR, "platform_decides")]


async def test_cl_9_silence_is_established_by_the_platform(claim: PlayClaim) -> None:
    played = await claim(reminded=True)
    assert (played.state, played.status) == ("established", "closed")
    assert (played.fired, played.clauses) == ([(48 * HOUR, "platform_decides")], ["CL-9"])
    assert (played.effects, played.ledger) == ([(48 * HOUR, "pay_compensation", "done")], [PAID])
    assert played.reminders == [(36 * HOUR, 48 * HOUR), (46 * HOUR, 48 * HOUR)]


async def test_cl_8_cl_10_an_appeal_that_is_not_upheld_costs_both(claim: PlayClaim) -> None:
    upheld, overturned = await asyncio.gather(
        *(claim(appeal("47h59m59s"), report("90h", rule, "m1")) for rule in ("uphold", "overturn"))
    )
    assert (upheld.state, upheld.status, upheld.ledger) == ("established", "closed", [COUNTED, PAID])
    assert (overturned.state, overturned.status, overturned.ledger) == ("dismissed", "closed", [COUNTED])
    assert upheld.clauses == overturned.clauses == ["CL-10", "CL-10"]
    assert upheld.effects[0] == (48 * HOUR - 1, "file_appeal", "done")


async def test_cl_10_an_appeal_without_reason_or_evidence_is_refused(claim: PlayClaim) -> None:
    played = await claim(
        act("1h", "appeal", reason="已按时发货"),
        act("1h", "appeal", reason="已按时发货", evidence=[]),
        act("1h", "appeal", **EVIDENCE),
        until="2h",
    )
    assert (played.state, played.refused, played.ledger) == ("processing", [(HOUR, "appeal")] * 3, [])
    assert [
        name in entry["error"]
        for name, entry in zip(("evidence", "evidence", "reason"), played.result["refused"], strict=True)
    ] == [True] * 3


async def test_cl_10_evidence_is_added_under_review_only(claim: PlayClaim) -> None:
    add = [act(at, "add_evidence", **EVIDENCE) for at in ("1h", "3h", "4h")]
    played = await claim(add[0], appeal("2h"), *add[1:], act("5h", "add_evidence", evidence=[]), until="6h")
    assert played.refused == [(HOUR, "add_evidence"), (5 * HOUR, "add_evidence")]
    assert [(at, status) for at, effect, status in played.effects if effect == "submit_evidence"] == [
        (3 * HOUR, "done"),
        (4 * HOUR, "done"),
    ]
    assert (played.state, played.ledger) == ("appealed", [COUNTED])


async def test_cl_10_a_review_has_no_clock(claim: PlayClaim) -> None:
    played = await claim(appeal("2h"), expect("300d", "appealed"))
    assert (played.failed, played.status) == ([], "open")


@pytest.mark.parametrize(("before", "ledger"), [((), []), ((appeal("1h"),), [COUNTED])])
async def test_cl_6_the_buyer_withdraws(claim: PlayClaim, before: tuple[Any, ...], ledger: list[Any]) -> None:
    played = await claim(*before, report("2h", "withdraw", "m1"))
    assert (played.state, played.status, played.clauses[-1]) == ("buyer_withdrew", "closed", "CL-6")
    assert played.ledger == ledger


@pytest.mark.parametrize("refunded", [True, False])
async def test_cl_7_a_closed_trade_ends_nothing(claim: PlayClaim, refunded: object) -> None:
    closing = report("5h", "close_trade", "m1", form={"refunded": refunded})
    silent, appealed, closed_before = await asyncio.gather(
        claim(closing, expect("5h", "processing")),
        claim(appeal("1h"), closing, expect("5h", "appealed"), until="100h"),
        claim(trade_closed=True, opened_by="buyer"),
    )
    assert silent.failed == appealed.failed == []
    assert silent.fired == [(5 * HOUR, "close_trade"), (48 * HOUR, "platform_decides")]
    assert (appealed.state, appealed.clauses) == ("appealed", ["CL-10", "CL-7"])
    assert closed_before.fired == [(48 * HOUR, "platform_decides")]


async def test_g_6_a_default_decision_appeals_with_its_form(claim: PlayClaim) -> None:
    policy = {"default_decision": "appeal", "default_form": APPEAL}
    taken, decided = await asyncio.gather(
        claim(policy=policy, until="50h"), claim(act("47h29m59s", "agree"), policy=policy)
    )
    assert (taken.state, taken.fired) == ("appealed", [(47 * HOUR + 1800, "appeal")])
    assert (taken.result["timeline"][0]["by"], taken.ledger) == ("default", [COUNTED])
    assert taken.effects[0] == (47 * HOUR + 1800, "file_appeal", "done")
    assert decided.state == "compensated"


@pytest.mark.parametrize(
    ("answer", "state", "performed", "ledger"),
    [
        ("withdraw", "buyer_withdrew", [], []),
        ("agree", "compensated", ["pay_compensation"], [PAID]),
        ({"rule": "appeal", "form": APPEAL}, "appealed", ["count_intervention"], [COUNTED]),
        ("platform_decides", "established", ["pay_compensation"], [PAID]),
        ({"deadline": "+60h"}, "processing", [], []),
    ],
)
async def test_g_2_what_the_platform_answers_at_48_hours_counts(
    claim: PlayClaim, answer: Any, state: str, performed: list[str], ledger: list[Any]
) -> None:
    played = await claim(platform={"settle": {"platform_decides": answer}}, until="49h")
    assert (played.state, played.ledger) == (state, ledger)
    # What was done on the platform itself leaves no task for the operator.
    assert [(effect, status) for _, effect, status in played.effects] == [(effect, "done") for effect in performed]


@pytest.mark.parametrize(("ruling", "state"), [("uphold", "established"), ("overturn", "dismissed")])
async def test_cl_9_the_platform_is_asked_and_may_rule_either_way(claim: PlayClaim, ruling: str, state: str) -> None:
    played = await claim(platform={"settle": {"platform_decides": ruling}})
    assert (played.state, played.fired) == (state, [(48 * HOUR, ruling)])


async def test_g_2_an_answer_that_cannot_be_needs_an_operator(claim: PlayClaim) -> None:
    played = await claim(platform={"settle": {"platform_decides": "add_evidence"}}, until="49h")
    assert (played.state, played.effects) == ("processing", [(48 * HOUR, "resolve_expiry", "needs_operator")])


async def test_g_3_a_message_twice_changes_nothing(claim: PlayClaim) -> None:
    closing = report("5h", "close_trade", "m1", form={"refunded": True})
    played = await claim(closing, closing | {"at": "6h"}, until="7h")
    assert (played.fired, played.ignored) == ([(5 * HOUR, "close_trade")], [])


@pytest.mark.parametrize(
    ("goods_amounts", "due"),
    [(("4.99",), "4.99"), (("60.00",), "5.00"), (("100.10", "100.10"), "10.01"), (("999.99", "999.99"), "50.00")],
)
async def test_cl_2_cl_3_the_ledger_has_the_amount(claim: PlayClaim, goods_amounts: Any, due: str) -> None:
    played = await claim(act("1h", "agree"), sub_orders=sub_orders(*goods_amounts))
    assert played.ledger == [("CL-3", due, "expected")]


async def test_cl_1_a_claim_that_the_platform_approved_at_once_is_closed_with_its_compensation(
    claim: PlayClaim,
) -> None:
    played = await claim(act("1h", "appeal", **APPEAL), status="established", violation="refused_to_ship")
    assert (played.state, played.status, played.clauses, played.ledger) == ("established", "closed", ["CL-1"], [PAID])
    assert (played.fired, played.refused) == ([(0, "approve_at_once")], [(HOUR, "appeal")])


async def test_cl_2_a_fraud_is_paid_whole(claim: PlayClaim) -> None:
    played = await claim(act("1h", "agree"), violation="fraud_shipment")
    assert played.ledger == [("CL-3", "200.00", "expected")]
