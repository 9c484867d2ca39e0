"""The sandbox's orders: placed and moved by control, shown by the platform's methods, told by its messages."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from aftersales.sandbox.douyin import codes
from aftersales.sandbox.douyin.applications import announce
from cases.messages import Opening
from tests.support.platforms.sandboxes import Caller, bearer, sandbox_at_work
from tests.support.processes.interceptions import interception_facts
from tests.support.processes.shipments import shipment_facts
from tests.support.temporal.life import whole_now
from workflows.registry import PROCESSES

SHOP, ORDER = "1001", "6922"
PLACED = {"shop_id": SHOP, "order_id": ORDER, "amount": "129.00"}
PARCEL = {"company_code": "yuantong", "tracking_no": "YT1"}
NOWHERE = "http://127.0.0.1:9"
"""A gateway that never answers, so that messages stay pending."""


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox_at_work(gateway=NOWHERE) as caller:
        yield caller


async def act(caller: Caller, name: str, **form: Any) -> Any:
    return await caller.control(f"/orders/{SHOP}/{ORDER}/{name}", form)


def told(caller: Caller) -> list[tuple[str, dict[str, Any]]]:
    pending = caller.sandbox.pusher.pending
    return [(message.tag, json.loads(message.data)) for message in pending if message.record == f"order/{ORDER}"]


async def shown(caller: Caller) -> dict[str, Any]:
    detail: dict[str, Any] = (await caller.data("order.orderDetail", {"shop_order_id": ORDER}))["shop_order_detail"]
    return detail


async def test_an_order_is_placed_put_off_sent_corrected_and_completed(caller: Caller) -> None:
    await caller.control("/orders", PLACED)
    assert [(await shown(caller))[name] for name in ("order_status", "main_status", "logistics_info")] == [
        105,
        105,
        None,
    ]
    await act(caller, "put-off", ship_by="2030-01-05T09:00:00+08:00")
    sent = await act(caller, "ship", **PARCEL)
    await act(caller, "correct", company_code="yuantong", tracking_no="YT2")
    detail = await shown(caller)
    assert (detail["order_id"], detail["order_status"], detail["pay_amount"]) == (ORDER, 3, 12900)
    (parcel,) = detail["logistics_info"]
    assert (parcel["company"], parcel["tracking_no"], parcel["ship_time"]) == ("yuantong", "YT2", sent["shipped_at"])
    await act(caller, "complete")
    assert (await shown(caller))["order_status"] == 5

    (put_off, shipped, corrected, completed) = told(caller)
    assert [tag for tag, _ in (put_off, shipped, corrected, completed)] == ["126", "102", "104", "103"]
    assert put_off[1] == {
        "p_id": ORDER,
        "s_ids": [int(ORDER)],
        "shop_id": 1001,
        "order_type": 0,
        "exp_delivery_time": 1893805200,
    }
    assert corrected[1]["logistics_msg"] == {"express_company_id": "yuantong", "logistics_code": "YT2"}
    assert (shipped[1]["p_id"], shipped[1]["order_status"], shipped[1]["biz"]) == (int(ORDER), 3, 2)
    assert "complete_time" in completed[1]


async def test_ds_4_a_number_can_be_corrected_for_a_day(caller: Caller) -> None:
    await caller.control("/orders", PLACED)
    await act(caller, "ship", **PARCEL)
    caller.sandbox.advance(86_401)
    answer = await caller.client.post(f"/control/orders/{SHOP}/{ORDER}/correct", json=PARCEL, headers=bearer())
    assert (answer.status_code, "24 h" in answer.text) == (409, True)


async def test_money_goes_back_in_part_and_then_in_whole(caller: Caller) -> None:
    await caller.control("/orders", PLACED)
    await act(caller, "ship", **PARCEL)
    for own_id, amount in (("71", "9.00"), ("72", "120.00"), ("73", "1.00")):
        await act(caller, "apply", after_sale_id=own_id, amount=amount)
    await act(caller, "refund", after_sale_id="71")
    assert (await shown(caller))["main_status"] == 3
    await act(caller, "close-refund", after_sale_id="73")
    await act(caller, "refund", after_sale_id="72")
    assert (await shown(caller))["main_status"] == 22
    assert [tag for tag, _ in told(caller)] == ["102", "200", "200", "200", "206", "207", "206"]
    assert [told(caller)[-1][1][name] for name in ("aftersale_id", "aftersale_type", "refund_amount")] == [72, 1, 12000]
    detail = await caller.data("afterSale.Detail", {"after_sale_id": "73"})
    assert detail["process_info"]["after_sale_info"]["after_sale_status"] == 28
    again = await caller.client.post(
        f"/control/orders/{SHOP}/{ORDER}/refund", json={"after_sale_id": "72"}, headers=bearer()
    )
    assert again.status_code == 409


async def test_an_order_that_is_cancelled_is_closed(caller: Caller) -> None:
    await caller.control("/orders", PLACED)
    await act(caller, "cancel")
    assert ((await shown(caller))["order_status"], told(caller)[0][0]) == (4, "106")


async def test_a_parcel_of_the_shop_shows_its_track(caller: Caller) -> None:
    await caller.control("/orders", PLACED)
    await act(caller, "ship", **PARCEL)
    asked = {"logistics_code": "yuantong", "track_no": "YT1"}
    assert (await caller.data("logistics.trackNoRouteDetail", asked))["route__node_list"] == []
    scan = {"at": "2026-01-05T09:00:00+08:00", "state": "2", "content": "【杭州】已被收取", "description": "已揽收"}
    await caller.control("/routes", {"tracking_no": "YT1", "scans": [scan | {"site": "杭州"}]})
    data = await caller.data("logistics.trackNoRouteDetail", asked)
    assert data["route__node_list"] == [
        {
            "content": "【杭州】已被收取",
            "timestamp": "1767574800",
            "state": "2",
            "state_description": "已揽收",
            "site_name": "杭州",
        }
    ]
    assert data["track_info"] == {"track_no": "YT1", "express": "yuantong"}


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("logistics.trackNoRouteDetail", {"logistics_code": "x", "track_no": "YT9"}, codes.NUMBER_UNKNOWN),
        ("order.orderDetail", {"shop_order_id": "404"}, codes.ORDER_UNKNOWN),
        ("order.orderDetail", {"shop_order_id": ORDER}, codes.ORDER_UNKNOWN),
    ],
)
async def test_what_the_shop_does_not_have_is_refused(
    caller: Caller, method: str, params: dict[str, Any], code: codes.RefusalCode
) -> None:
    await caller.control("/orders", PLACED)
    answer = await caller.call(method, params, access_token=await caller.token("1002"))
    assert (answer["code"], answer["sub_code"]) == (code.code, code.sub_code)


async def test_orders_outlive_the_sandbox_and_exist_once(tmp_path: Path) -> None:
    state = tmp_path / "records.json"
    async with sandbox_at_work(state=state) as caller:
        await caller.control("/orders", PLACED)
        await act(caller, "ship", **PARCEL)
    async with sandbox_at_work(state=state) as caller:
        assert (await shown(caller))["order_status"] == 3
        answer = await caller.client.post("/control/orders", json=PLACED, headers=bearer())
        assert (answer.status_code, "已存在" in answer.text) == (400, True)
        for path in (f"{SHOP}/404/ship", f"{SHOP}/{ORDER}/fly"):
            refused = await caller.client.post(f"/control/orders/{path}", json=PARCEL, headers=bearer())
            assert refused.status_code == (404 if "404" in path else 400)


async def test_the_orders_of_sample_cases_are_known_once(caller: Caller) -> None:
    facts = shipment_facts(whole_now(), ORDER, shop_id=SHOP)
    stopped = interception_facts("77", shop_id=SHOP, order_id="6923")
    samples = [
        (PROCESSES["douyin_shipment"], Opening(facts=facts)),
        (PROCESSES["douyin_interception"], Opening(facts=stopped)),
    ]
    for _ in range(2):
        announce(caller.sandbox, samples)
    detail = await shown(caller)
    assert (detail["order_status"], detail["exp_ship_time"] - detail["pay_time"]) == (105, 48 * 3600)
    sent = (await caller.data("order.orderDetail", {"shop_order_id": "6923"}))["shop_order_detail"]
    assert [parcel["tracking_no"] for parcel in sent["logistics_info"]] == ["SF1", "YT2"]
    refund = await caller.data("afterSale.Detail", {"after_sale_id": "77"})
    assert refund["process_info"]["after_sale_info"]["after_sale_type"] == 1
