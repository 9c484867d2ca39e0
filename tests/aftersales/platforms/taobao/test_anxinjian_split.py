"""Taobao's trade messages as facts about the orders of an Anxinjian item, with trades read over real HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.inbound import CaseKey
from aftersales.platforms.taobao.anxinjian_split import AnxinjianSplitAdapter
from aftersales.platforms.taobao.client import TaobaoClient
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox import taobao as sandbox
from aftersales.sandbox.taobao import FakeTaobao
from cases.errors import BadForm, PlatformRefused
from cases.messages import Report
from cases.models import read
from tests.support.platforms.serving import serving
from tests.support.processes.splits import split_facts

TRADE, REFUND, TRACK = "taobao_trade_Trade", "taobao_refund_RefundSuccess", "taobao_logistics_LogsticDetailTrace"
ORDER = "281234567890"
FACTS = {**split_facts(), "merchant_id": "M1"}
PUBLISHED, EARLIER = datetime(2026, 1, 5, 4, 0, tzinfo=UTC), datetime(2026, 1, 5, 1, 30, tzinfo=UTC)


class Apps:
    def secret_of(self, platform: str, app_key: str) -> str | None:
        return "s3cret" if (platform, app_key) == ("taobao", "K1") else None


@pytest.fixture
def fake() -> FakeTaobao:
    return FakeTaobao()


@pytest_asyncio.fixture
async def adapter(fake: FakeTaobao) -> AsyncIterator[AnxinjianSplitAdapter]:
    async with serving(Starlette(routes=sandbox.routes(Apps(), fake))) as address, Transport("taobao") as transport:
        shop = {"shop_id": "M1", "app_key": "K1", "access_token": "T1"}
        apps = [{"app_key": "K1", "app_secret": "s3cret"}]
        block = {"address": address, "apps": apps, "shops": [shop]}
        yield AnxinjianSplitAdapter(TaobaoClient(read(Secrets, {"taobao": block}, "secrets").taobao, transport))


def content(**fields: Any) -> dict[str, Any]:
    """Return a message's content as the documents list it, and what the queue adds."""
    common = {"tid": int(ORDER), "oid": 1, "seller_nick": "卖家一", "buyer_nick": "买**", "payment": "99.00"}
    return {**common, **fields, "shop_id": "M1", "pub_time": "2026-01-05 12:00:00"}


async def told(adapter: AnxinjianSplitAdapter, tag: str, data: dict[str, Any]) -> Report | None:
    """Return what the case is told in the end."""
    assert adapter.case_of(tag, data) == CaseKey("anxinjian_split", "M1", ORDER)
    report = adapter.report_of(tag, "K1:7", data)
    assert report
    return await adapter.concerning(FACTS, report)


@pytest.mark.parametrize(
    ("tag", "data", "rule", "at"),
    [
        (f"{TRADE}Success", content(status="TRADE_FINISHED"), "confirm_receipt", PUBLISHED),
        (f"{TRADE}Close", content(status="TRADE_CLOSED"), "refund_order", PUBLISHED),
        (TRACK, content(action="GOT", time="2026-01-05 09:30:00", out_sid="YT1"), "pick_up", EARLIER),
        (TRACK, content(action="SIGNED", time="2026-01-05 09:30:00", out_sid="YT1"), "deliver", EARLIER),
    ],
)
async def test_what_happened_to_an_order_is_told_with_its_instant(
    adapter: AnxinjianSplitAdapter, tag: str, data: dict[str, Any], rule: str, at: datetime
) -> None:
    assert await told(adapter, tag, data) == Report(message_id="K1:7", rule=rule, order=ORDER, occurred_at=at)


@pytest.mark.parametrize(
    ("tag", "data"),
    [
        (REFUND, content(refund_id=1, refund_fee="5.00", refund_phase="onsale", modified="2026-01-05 09:30:00")),
        (f"{TRADE}Close", content(modified="2026-01-05 09:30:00")),
        (f"{TRADE}Close", content(modified="2026-01-05 09:30:00", status=None)),
    ],
)
async def test_an_order_counts_as_refunded_only_if_its_trade_was_closed_by_that(
    adapter: AnxinjianSplitAdapter, fake: FakeTaobao, tag: str, data: dict[str, Any]
) -> None:
    fake.trades[ORDER] = "WAIT_BUYER_CONFIRM_GOODS"
    assert await told(adapter, tag, data) is None

    fake.trades[ORDER] = "TRADE_CLOSED"
    refunded = Report(message_id="K1:7", rule="refund_order", order=ORDER, occurred_at=EARLIER)
    assert await told(adapter, tag, data) == refunded


async def test_a_refund_whose_trade_may_not_be_read_is_refused_and_not_assumed(adapter: AnxinjianSplitAdapter) -> None:
    with pytest.raises(PlatformRefused):
        await told(adapter, REFUND, content())


@pytest.mark.parametrize(
    ("tag", "data"),
    [
        (f"{TRADE}Close", content(status="TRADE_CLOSED_BY_TAOBAO")),
        (f"{TRADE}Create", content()),
        ("taobao_refund_RefundCreated", content()),
        *((TRACK, content(action=action)) for action in ("CONSIGN", "ARRIVAL", "FAILED", "LOST", None, [])),
    ],
)
def test_other_messages_are_not_about_the_process(tag: str, data: dict[str, Any]) -> None:
    assert AnxinjianSplitAdapter(None).case_of(tag, data) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("tid", [None, "", "A1", 1.5, "１２３", "1/2", True])
def test_an_order_that_is_none_is_named(tid: Any) -> None:
    with pytest.raises(BadForm, match="tid"):
        AnxinjianSplitAdapter(None).case_of(f"{TRADE}Success", content(tid=tid))  # type: ignore[arg-type]
