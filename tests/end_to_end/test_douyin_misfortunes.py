"""Faults around a Douyin reship that do it no harm."""

from typing import Any

import httpx2
import pytest

from aftersales.platforms.douyin.signing import event_sign
from aftersales.runtime.temporal.schedules import schedule_catch_up
from aftersales.sandbox.douyin import wire
from aftersales.sandbox.douyin.codes import MessageTag
from aftersales.sandbox.douyin.faults import Fault
from aftersales.sandbox.douyin.pushing import Behaviour, SandboxMessage
from tests.support.platforms.market import QUIET_SHOP, SHIPMENT, Market, Reship
from tests.support.temporal.life import due, eventually, fired

FORGED = ("another secret", "another body", "another app", "no signature")
LOST = Behaviour(lost=1.0)


async def pushed(market: Market, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    return await market.caller.client.post(f"{market.gateway}/douyin", content=body, headers=headers)


def pushed_message(reship: Reship, tag: str) -> bytes:
    """Return a message as the platform would write it."""
    data = wire.message(reship.record, tag, as_text=False)
    return SandboxMessage(msg_id="1", tag=tag, app_key="K1", record=reship.own_id, data=data).body()


async def on_schedule(market: Market) -> dict[str, Any]:
    """Let the server reconcile a shop on schedule, and wait for the result of the first run."""
    with market.environment.with_time_skipping_disabled():
        (own_id,) = await schedule_catch_up(market.client, market.settings.task_queue, "douyin", [QUIET_SHOP])
    schedule = market.client.get_schedule_handle(own_id)
    try:

        async def started() -> str | None:
            actions = (await schedule.describe()).info.recent_actions
            return actions[0].action.workflow_id if actions else None  # type: ignore[union-attr]

        run = await eventually("the schedule starts a run", started)
        return await market.client.get_workflow_handle(run).result()  # type: ignore[no-any-return]
    finally:
        await schedule.delete()


@pytest.mark.parametrize("how", FORGED)
async def test_a_forged_message_changes_neither_inbox_nor_case(market: Market, how: str) -> None:
    reship = await market.opens("never_received")
    before = await market.dispatched()
    body = pushed_message(reship, MessageTag.RESHIP_AGREED)
    app, secret = ("K9", "first") if how == "another app" else ("K1", "mine" if how == "another secret" else "first")
    headers = {"app-id": app, "event-sign": event_sign(app, secret, body), "content-type": "application/json"}
    if how == "no signature":
        del headers["event-sign"]
    answer = await pushed(market, body.replace(b'"1"', b'"2"') if how == "another body" else body, headers)
    assert answer.status_code == 401
    after = await market.inbox()
    assert after == {**before, "refused_since_start": before["refused_since_start"] + 1}
    assert (await reship.reached("awaiting_merchant"))["timeline"] == []


async def test_a_message_about_an_after_sale_that_is_none_opens_no_case(market: Market) -> None:
    reship = await market.opens("never_received")
    before = await market.dispatched()
    body = pushed_message(reship, MessageTag.RESHIP_AGREED).replace(reship.own_id.encode(), b"99")
    headers = {"app-id": "K1", "event-sign": event_sign("K1", "first", body), "content-type": "application/json"}
    assert (await pushed(market, body, headers)).status_code == 200
    after = await market.dispatched()
    assert after["states"]["failed"] == before["states"]["failed"] + 1
    ghost = market.client.get_workflow_handle("douyin_reship/99")
    with pytest.raises(Exception, match="not found"):
        await ghost.describe()


@pytest.mark.parametrize("too", [{}, {"refresh": True}])
async def test_tokens_that_are_over_in_mid_life_are_renewed_unnoticed(market: Market, too: dict[str, bool]) -> None:
    reship = await market.opens("never_received")
    assert market.sandbox.expire_tokens(**too) > 0
    await reship.act("agree")
    await reship.reached("awaiting_shipment")
    market.sandbox.expire_tokens(**too)
    await reship.act("ship", SHIPMENT)
    seen = await reship.reached("in_transit")
    assert [effect["status"] for effect in seen["effects"] if effect["effect"] != "tell_reship"] == ["done", "done"]
    assert await retried(reship) == 0


async def retried(reship: Reship) -> int:
    """Return how often an activity of the case was retried."""
    started = [
        event.activity_task_started_event_attributes.attempt - 1
        for history in await reship.histories()
        for event in history.events
        if event.HasField("activity_task_started_event_attributes")
    ]
    return sum(started)


async def test_g_2_while_the_platform_is_down_clocks_go_on_and_what_is_owed_is_done_once_it_is_back(
    market: Market,
) -> None:
    reship = await market.opens("never_received")
    await reship.view()
    market.sandbox.faults.add(Fault(kind="http_500"))
    assert (await reship.act("agree"))["decision"] == "being_submitted"
    seen = await reship.view()
    assert (seen["state"], seen["busy"]) == (["awaiting_merchant"], True)
    await reship.pass_time("5m")
    assert reship.record.log[-1].action == "发起售后申请"
    market.sandbox.faults.clear()
    await reship.pass_time("10m")
    seen = await reship.reached("awaiting_shipment")
    assert [effect["status"] for effect in seen["effects"]] == ["done"]
    assert await retried(reship) > 5
    market.sandbox.faults.add(Fault(kind="http_500"))
    await reship.pass_time("48h")
    seen = await reship.view()
    assert ([check["rule"] for check in seen["expiries"]], seen["needs_operator"]) == (["miss_shipment"], False)
    market.sandbox.faults.clear()
    await reship.pass_time("1h")
    assert fired(await reship.ended("refunded", "DR-10", "DR-11")) == ["agree", "miss_shipment"]


async def test_g_10_what_the_platform_refuses_has_not_moved_the_case_and_may_be_decided_again(market: Market) -> None:
    reship = await market.opens("never_received")
    market.sandbox.faults.add(Fault(kind="refuse", method="afterSale.operate", text="店铺已冻结"))
    refused = await reship.refused("agree")
    assert (refused.type, "店铺已冻结" in refused.message) == ("PlatformRefused", True)
    seen = await reship.reached("awaiting_merchant")
    assert (seen["effects"], seen["needs_operator"]) == ([], False)
    market.sandbox.faults.clear()
    await reship.act("agree")
    seen = await reship.reached("awaiting_shipment")
    assert [decision["status"] for decision in seen["decisions"]] == ["refused", "taken"]
    assert ([effect["status"] for effect in seen["effects"]], await retried(reship)) == (["done"], 0)


async def test_g_3_what_no_message_said_is_found_by_the_scheduled_reconciliation(market: Market) -> None:
    announced = await market.opens("never_received", QUIET_SHOP)
    market.sandbox.pusher.behave(LOST)
    announced.happens("agree")
    unknown = market.applies("short_shipped", QUIET_SHOP)
    withdrawn = market.applies("other", QUIET_SHOP)
    withdrawn.happens("withdraw")
    await market.no_record_ahead()
    assert not await unknown.exists()
    assert (await announced.view())["state"] == ["awaiting_merchant"]
    result = await on_schedule(market)
    assert (result["opened"], result["failed"]) == (2, 0)
    assert fired(await announced.reached("awaiting_shipment")) == ["agree"]
    seen = await unknown.reached("awaiting_merchant")
    assert due(seen).timestamp() == unknown.record.deadline
    assert fired(await withdrawn.ended("withdrawn")) == ["withdraw"]
