"""Whoever shows the control token plays buyer, platform and clock; everybody else gets nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.patience import PATIENCE_SECONDS
from tests.support.platforms.sandboxes import Caller, bearer, sandbox_at_work

APPLICATION = {"shop_id": "1001", "reason": "short_shipped", "amount": "99.90"}


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox_at_work() as caller:
        yield caller


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[Caller]:
    """For tests that change nothing: a server costs more than a call."""
    async with sandbox_at_work() as caller:
        caller.sandbox.apply("1001", "其他", 100, after_sale_id="5")
        yield caller


async def act(caller: Caller, own: str, name: str, **form: Any) -> tuple[int, int]:
    shown = await caller.control(f"/after-sales/{own}/{name}", form)
    return shown["status"], shown["arbitration"]


async def test_without_the_token_nothing_is_shown_but_that_the_sandbox_lives(caller: Caller) -> None:
    for path in ("/clock", "/after-sales", "/faults", "/pushing", "/messages", "/no-such-thing"):
        for headers in ({}, bearer("wrong"), {"authorization": "Basic control"}, {"authorization": "control"}):
            answer = await caller.client.get(f"/control{path}", headers=headers)
            assert (answer.status_code, list(answer.json())) == (401, ["error"])
    assert (await caller.client.post("/control/after-sales", json=APPLICATION)).status_code == 401
    assert caller.sandbox.records() == []
    assert (await caller.client.get("/health")).json() == {"status": "ok"}


async def test_buyer_merchant_and_platform_act(caller: Caller) -> None:
    applied = await caller.control("/after-sales", APPLICATION | {"remark": "少一件", "after_sale_id": "77"})
    assert (applied["after_sale_id"], applied["reason"], applied["amount"]) == ("77", "商家少发/漏发", 9990)
    assert applied["deadline"] - applied["applied_at"] == 48 * 3600
    assert await act(caller, "77", "refuse", reason="未少发") == (27, 0)
    assert await act(caller, "77", "modify", reason="never_received", remark="没收到") == (6, 0)
    assert await act(caller, "77", "set-deadline", within="1h") == (6, 0)
    assert await act(caller, "77", "refuse", reason="已签收", evidence=["https://proof/1"]) == (27, 1)
    assert await act(caller, "77", "want-evidence") == (27, 4)
    assert await act(caller, "77", "submit-evidence", evidence=["https://proof/2"]) == (27, 1)
    assert await act(caller, "77", "rule-reship") == (8, 255)
    assert await act(caller, "77", "ship", company_code="sf", tracking_no="SF1") == (13, 255)
    assert await act(caller, "77", "sign") == (14, 255)
    other = (await caller.control("/after-sales", APPLICATION))["after_sale_id"]
    assert await act(caller, other, "agree") == (8, 0)
    await caller.control("/clock", {"advance": "2d"})
    assert await act(caller, other, "ask-platform") == (8, 1)
    assert await act(caller, other, "rule-dismiss") == (28, 255)
    third = (await caller.control("/after-sales", APPLICATION | {"reason": "never_received"}))["after_sale_id"]
    assert await act(caller, third, "refuse", reason="已签收") == (27, 1)
    assert await act(caller, third, "rule-refund") == (12, 255)
    fourth = (await caller.control("/after-sales", APPLICATION))["after_sale_id"]
    assert await act(caller, fourth, "withdraw") == (28, 0)
    assert len((await caller.control("/after-sales", method="GET"))["after_sales"]) == 4
    assert (await caller.control("/after-sales?shop_id=1002", method="GET"))["after_sales"] == []
    assert (await caller.control("/after-sales/77", method="GET"))["parcel"]["tracking_no"] == "SF1"


async def test_what_was_due_has_happened_when_the_clock_was_moved(caller: Caller) -> None:
    own = (await caller.control("/after-sales", APPLICATION))["after_sale_id"]
    before = await caller.control("/clock", method="GET")
    after = await caller.control("/clock", {"advance": "48h"})
    assert after["offset"] - before["offset"] == 48 * 3600
    assert after["now"] - before["now"] in (48 * 3600, 48 * 3600 + 1)
    assert caller.sandbox._records[own].status == 8


async def test_a_clock_that_runs_out_by_itself_is_noticed_without_a_call(caller: Caller) -> None:
    own = (await caller.control("/after-sales", APPLICATION))["after_sale_id"]
    # Moving the offset alone runs nothing: the background does, at its next look.
    caller.sandbox.clock.advance(48 * 3600)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while caller.sandbox._records[own].status == 6:
            await caller.client.get("/health")
    assert caller.sandbox._records[own].status == 8


async def test_tokens_expire_for_one_shop_or_all(caller: Caller) -> None:
    await caller.token("1001")
    await caller.token("1002")
    assert await caller.control("/tokens/expire", {"shop_id": "1001"}) == {"expired": 1}
    assert await caller.control("/tokens/expire") == {"expired": 1}


@pytest.mark.parametrize(
    ("path", "body", "status", "names"),
    [
        ("/after-sales", "{", 400, "JSON"),
        ("/after-sales", "[]", 400, "after-sale"),
        ("/after-sales", "[" * 5000, 400, "JSON"),
        ("/after-sales", '{"shop_id": "1001", "reason": "other"}', 400, "amount"),
        ("/after-sales", '{"shop_id": "nobody", "reason": "other", "amount": "1"}', 400, "nobody"),
        ("/after-sales", '{"shop_id": "1001", "reason": "other", "amount": "1", "order_id": "A1"}', 400, "order_id"),
        ("/after-sales", '{"shop_id": "1001", "reason": "other", "amount": "1", "after_sale_id": "5"}', 400, "5"),
        ("/after-sales/5/fly", "", 400, "fly"),
        ("/after-sales/5/modify", "{}", 400, "reason"),
        ("/after-sales/5/set-deadline", "{}", 400, "deadline"),
        ("/after-sales/5/withdraw", '{"why": "x"}', 400, "why"),
        ("/after-sales/6/withdraw", "", 404, "6"),
        ("/after-sales/5/sign", "", 409, "签收"),
        ("/clock", '{"advance": "-1h"}', 400, "advance"),
        ("/clock", '{"advance": "soon"}', 400, "advance"),
        ("/faults", '{"kind": "explode"}', 400, "kind"),
        ("/pushing", '{"lost": 2}', 400, "lost"),
        ("/idle", '{"timeout": 9999}', 400, "timeout"),
        ("/nothing", "{}", 404, "Not Found"),
    ],
)
async def test_bad_input_is_answered_with_one_clear_error(
    shared: Caller, path: str, body: str, status: int, names: str
) -> None:
    answer = await shared.client.post(f"/control{path}", content=body, headers=bearer())
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]
    assert names in answer.json()["error"] or path == "/clock"
    assert len(shared.sandbox.records()) == 1


async def test_the_other_platforms_stand_beside_douyin(caller: Caller) -> None:
    jd = await caller.client.post("/jd/routerjson", data={"method": "jingdong.pop.order.get"})
    assert "error_response" in jd.json()
    taobao = await caller.client.post("/taobao/router/rest", data={"method": "taobao.tmc.messages.consume"})
    assert "error_response" in taobao.json()
    ali = await caller.client.post("/1688/openapi/param2/1/com.alibaba.trade/alibaba.trade.get.sellerView/K1")
    assert ali.json()["error_code"] == "gw.AppKeyInvalid"
