"""1688's messages about orders and parcels as facts for claims and warnings, with trades read over real HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from aftersales.platforms.adapter import OrderMessageAdapter
from aftersales.platforms.alibaba_1688.anomaly_1688 import Anomaly1688Adapter
from aftersales.platforms.alibaba_1688.claim_1688 import Claim1688Adapter
from aftersales.platforms.alibaba_1688.client import Alibaba1688Client
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.inbound import CaseKey
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox import alibaba_1688 as sandbox
from aftersales.sandbox.alibaba_1688 import Fake1688, Trade
from cases.errors import BadForm, PlatformUnreachable
from cases.messages import Report
from cases.models import read
from tests.support.platforms.serving import serving

ORDER = "168133548553170001"
SENT, BORN = datetime(2026, 1, 5, 1, 30, tzinfo=UTC), datetime(2026, 1, 5, 4, 0, tzinfo=UTC)
CLOSES = ("ORDER_ORDER_BUYER_CLOSE", "ORDER_ORDER_SELLER_CLOSE", "ORDER_ORDER_BOPS_CLOSE")
TRACE, RENUMBERED = "LOGISTICS_BUYER_VIEW_TRACE", "LOGISTICS_MAIL_NO_CHANGE"
ABOUT = {"userInfo": "b2b-1", "gmtBorn": 1767585600000}


class Apps:
    def secret_of(self, platform: str, app_key: str) -> str | None:
        return "s3cret" if (platform, app_key) == ("alibaba_1688", "K1") else None


@pytest.fixture
def fake() -> Fake1688:
    return Fake1688()


@pytest_asyncio.fixture
async def alibaba(fake: Fake1688) -> AsyncIterator[Alibaba1688Client]:
    async with serving(Starlette(routes=sandbox.routes(Apps(), fake))) as address, Transport("1688") as transport:
        shop = {"shop_id": "S1", "user": "b2b-1", "app_key": "K1", "access_token": "T1"}
        block = {"address": address, "apps": [{"app_key": "K1", "app_secret": "s3cret"}], "shops": [shop]}
        yield Alibaba1688Client(read(Secrets, {"alibaba_1688": block}, "secrets").alibaba_1688, transport)


def closed(**fields: Any) -> dict[str, Any]:
    return {"orderId": int(ORDER), "currentStatus": "cancel", "msgSendTime": "2026-01-05 09:30:00", **ABOUT, **fields}


def traced(status: str, number: str = "YT1", **fields: Any) -> dict[str, Any]:
    parcel = {
        "logisticsId": "12345",
        "cpCode": "YTO",
        "mailNo": number,
        "statusChanged": status,
        "changeTime": "2026-01-05 09:30:00",
        "orderLogsItems": [{"orderId": int(ORDER), "orderEntryId": 2}],
    }
    return {"OrderLogisticsTracingModel": {**parcel, **fields}, **ABOUT}


def renumbered(old: str = "YT1", **fields: Any) -> dict[str, Any]:
    parcel = {
        "oldMailNo": old,
        "newMailNo": "SF2",
        "oldCpCode": "YTO",
        "newCpCode": "SF",
        "eventTime": "2026-01-05 09:30:00",
        "orderLogsItems": [{"orderId": int(ORDER)}],
    }
    return {"MailNoChangeModel": {**parcel, **fields}, **ABOUT}


async def told(adapter: OrderMessageAdapter, tag: str, data: dict[str, Any], **facts: Any) -> Report | None:
    """Return what a case of shop and order is told in the end."""
    case = adapter.case_of(tag, data)
    assert case
    assert (case.shop_id, case.own_id) == ("S1", ORDER)
    report = adapter.report_of(tag, "m1", data)
    assert report
    return await adapter.concerning({"shop_id": "S1", **facts}, report)


@pytest.mark.parametrize("tag", CLOSES)
async def test_cl_7_a_claim_is_told_that_the_trade_was_closed_and_by_its_record_whether_it_was_refunded(
    alibaba: Alibaba1688Client, fake: Fake1688, tag: str
) -> None:
    for refund, refunded in (("0", False), ("0.01", True)):
        fake.trades[ORDER] = Trade("cancel", refund)
        report = Report(message_id="m1", rule="close_trade", form={"refunded": refunded}, occurred_at=SENT)
        assert await told(Claim1688Adapter(alibaba), tag, closed()) == report


async def test_without_the_permission_to_read_trades_it_stays_unknown_whether_one_was_refunded(
    alibaba: Alibaba1688Client, fake: Fake1688
) -> None:
    fake.denied = True
    report = Report(message_id="m1", rule="close_trade", occurred_at=SENT)
    assert await told(Claim1688Adapter(alibaba), CLOSES[0], closed()) == report

    fake.denied, fake.busy = False, 1
    with pytest.raises(PlatformUnreachable):
        await told(Claim1688Adapter(alibaba), CLOSES[0], closed())


async def test_cl_11_an_order_with_a_parcel_that_is_closed_was_refunded(alibaba: Alibaba1688Client) -> None:
    report = Report(message_id="m1", rule="refund", occurred_at=SENT)
    assert await told(Anomaly1688Adapter(alibaba), CLOSES[1], closed(), tracking_no="YT1", kind="lost") == report


@pytest.mark.parametrize("kind", ["stalled", "lost"])
@pytest.mark.parametrize("status", ["ACCEPT", "TRANSPORT", "DELIVERING", "AGENT_SIGN", "SIGN"])
async def test_cl_11_a_parcel_that_moves_settles_a_warning_that_it_stalled_or_was_lost(
    alibaba: Alibaba1688Client, status: str, kind: str
) -> None:
    report = Report(message_id="m1", rule="track_moves", occurred_at=SENT)
    assert await told(Anomaly1688Adapter(alibaba), TRACE, traced(status), tracking_no="yt1", kind=kind) == report


@pytest.mark.parametrize("kind", ["damaged", "refund_asked", "refused_delivery"])
async def test_cl_11_a_parcel_that_moves_settles_no_other_warning(alibaba: Alibaba1688Client, kind: str) -> None:
    assert await told(Anomaly1688Adapter(alibaba), TRACE, traced("SIGN"), tracking_no="YT1", kind=kind) is None


async def test_cl_11_trouble_on_the_way_is_worse_than_a_stalled_track(alibaba: Alibaba1688Client) -> None:
    report = Report(message_id="m1", rule="worsen", occurred_at=SENT)
    facts = {"tracking_no": "YT1", "kind": "stalled"}
    assert await told(Anomaly1688Adapter(alibaba), TRACE, traced("FAILED"), **facts) == report


async def test_cl_11_a_new_number_is_told_with_its_carrier(alibaba: Alibaba1688Client) -> None:
    form = {"carrier": "SF", "tracking_no": "SF2"}
    report = Report(message_id="m1", rule="replace_tracking", form=form, occurred_at=SENT)
    assert await told(Anomaly1688Adapter(alibaba), RENUMBERED, renumbered(), tracking_no="YT1", kind="lost") == report


@pytest.mark.parametrize(
    ("tag", "data"), [(TRACE, traced("SIGN", "YT2")), (TRACE, traced("FAILED", "YT2")), (RENUMBERED, renumbered("YT2"))]
)
async def test_what_happens_to_another_parcel_of_the_order_does_not_concern_a_warning(
    alibaba: Alibaba1688Client, tag: str, data: dict[str, Any]
) -> None:
    assert await told(Anomaly1688Adapter(alibaba), tag, data, tracking_no="YT1", kind="stalled") is None


async def test_an_instant_that_cannot_be_read_gives_way_to_that_of_the_message(alibaba: Alibaba1688Client) -> None:
    facts = {"tracking_no": "YT1", "kind": "stalled"}
    report = await told(Anomaly1688Adapter(alibaba), TRACE, traced("SIGN", changeTime=" "), **facts)
    assert report
    assert report.occurred_at == BORN


@pytest.mark.parametrize(
    ("tag", "data"),
    [
        (TRACE, traced("CONSIGN")),
        (TRACE, traced("?")),
        (TRACE, {"OrderLogisticsTracingModel": None, **ABOUT}),
        ("ORDER_ORDER_SUCCESS", closed()),
        ("ORDER_BUYER_VIEW_ORDER_SELLER_CLOSE", closed()),
        (CLOSES[0], "?"),
    ],
)
def test_other_messages_tell_nothing(alibaba: Alibaba1688Client, tag: str, data: Any) -> None:
    assert Claim1688Adapter(alibaba).case_of(tag, data) is None
    assert Anomaly1688Adapter(alibaba).case_of(tag, data) is None


def test_a_parcel_is_of_no_interest_to_a_claim(alibaba: Alibaba1688Client) -> None:
    assert Claim1688Adapter(alibaba).case_of(TRACE, traced("SIGN")) is None
    assert Anomaly1688Adapter(alibaba).case_of(TRACE, traced("SIGN")) == CaseKey("anomaly_1688", "S1", ORDER)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (closed(userInfo="b2b-2"), "b2b-2"),
        (closed(userInfo=None), "None"),
        (closed(orderId="A1"), "orderId"),
        (closed(orderId=None), "orderId"),
    ],
)
def test_a_message_that_names_no_shop_or_order_of_ours_says_so(
    alibaba: Alibaba1688Client, data: dict[str, Any], names: str
) -> None:
    for adapter in (Claim1688Adapter(alibaba), Anomaly1688Adapter(alibaba)):
        with pytest.raises(BadForm, match=names):
            adapter.case_of(CLOSES[0], data)


@pytest.mark.parametrize(
    ("tag", "data", "name"),
    [
        (TRACE, traced("SIGN", mailNo=None), "mailNo"),
        (RENUMBERED, renumbered(newMailNo=""), "newMailNo"),
        (RENUMBERED, renumbered(newCpCode=None), "newCpCode"),
    ],
)
def test_a_parcel_without_its_number_is_named(
    alibaba: Alibaba1688Client, tag: str, data: dict[str, Any], name: str
) -> None:
    with pytest.raises(BadForm, match=name):
        Anomaly1688Adapter(alibaba).report_of(tag, "m1", data)
