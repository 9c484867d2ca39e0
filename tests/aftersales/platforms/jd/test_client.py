"""JD's client against the sandbox, over real HTTP."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from aftersales.platforms.jd.answers import opened
from aftersales.platforms.jd.client import JdClient
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox.jd import FakeJd, Shipped
from cases.errors import BadForm, ClockWrong, PlatformRefused, PlatformUnreachable
from tests.support.platforms.clocks import set_clock_wrong, told
from tests.support.platforms.jd_shops import jd_access, jd_at

ORDER = "281234567890"


FAKE = FakeJd()


@pytest.fixture
def fake() -> FakeJd:
    vars(FAKE).update(vars(FakeJd()))  # as new
    return FAKE


@pytest_asyncio.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    async with jd_at(FAKE) as address:
        yield address


@pytest_asyncio.fixture(scope="module")
async def transport() -> AsyncIterator[Transport]:
    async with Transport("jd") as transport:
        yield transport


@pytest.fixture
def jd(address: str, transport: Transport, fake: FakeJd) -> JdClient:
    return JdClient(jd_access(address), transport)


async def test_an_order_is_shipped_with_a_company_and_a_waybill(jd: JdClient, fake: FakeJd) -> None:
    await jd.ship("S1", ORDER, "467", "SF1")

    assert fake.shipped == [Shipped(ORDER, "467", "SF1")]
    assert fake.calls == [
        ("jingdong.pop.order.shipment", {"orderId": int(ORDER), "logiCoprId": "467", "logiNo": "SF1"})
    ]


async def test_an_order_shows_whether_it_was_shipped_with_a_waybill(jd: JdClient, fake: FakeJd) -> None:
    assert not await jd.shipped("S1", ORDER, "SF1")
    await jd.ship("S1", ORDER, "467|1499", "SF1|ZTO3")

    waybills = ("SF1", "zto3", "SF1|ZTO3", "SF2", "SF1|SF2")
    assert [await jd.shipped("S1", ORDER, waybill) for waybill in waybills] == [True, True, True, False, False]
    fake.missing.add(ORDER)
    assert not await jd.shipped("S1", ORDER, "SF1")


async def test_an_order_shipped_with_another_waybill_is_refused_with_jds_own_words(jd: JdClient) -> None:
    await jd.ship("S1", ORDER, "467", "SF1")

    with pytest.raises(PlatformRefused, match=r"订单已出库.*shipped.*\[1001\]"):
        await jd.ship("S1", ORDER, "467", "SF2")


async def test_what_jd_refused_is_refused_also_where_the_order_cannot_be_read(jd: JdClient, fake: FakeJd) -> None:
    fake.missing.add(ORDER)

    with pytest.raises(PlatformRefused, match=r"jingdong.pop.order.shipment.*订单不存在"):
        await jd.ship("S1", ORDER, "467", "SF1")


async def test_an_order_shows_its_state_and_its_waybills(jd: JdClient, fake: FakeJd) -> None:
    before = await jd.order("S1", ORDER)
    fake.shipped.append(Shipped(ORDER, "467|1499", "SF1,SF2|ZTO3"))
    after = await jd.order("S1", ORDER)

    assert (before.state, before.waybills) == ("WAIT_SELLER_STOCK_OUT", ())
    assert (after.state, after.waybills) == ("WAIT_GOODS_RECEIVE_CONFIRM", ("SF1", "SF2", "ZTO3"))


async def test_an_order_that_does_not_exist_is_refused(jd: JdClient, fake: FakeJd) -> None:
    fake.missing.add(ORDER)

    with pytest.raises(PlatformRefused, match="订单不存在"):
        await jd.order("S1", ORDER)


@pytest.mark.parametrize("info", [None, [], {"orderId": "1"}, {"orderId": "O1"}])
async def test_an_answer_about_another_order_may_be_asked_for_again(
    jd: JdClient, fake: FakeJd, monkeypatch: pytest.MonkeyPatch, info: Any
) -> None:
    answer = {"orderDetailInfo": {"apiResult": {"success": True}, "orderInfo": info}}
    monkeypatch.setattr(fake, "_order", lambda _: answer, raising=False)

    with pytest.raises(PlatformUnreachable, match=r"order\.get.*cannot be understood"):
        await jd.order("S1", ORDER)


async def test_a_shipment_without_a_result_may_be_asked_for_again(
    jd: JdClient, fake: FakeJd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "_ship", lambda _: {"sopjosshipment_result": {}}, raising=False)

    with pytest.raises(PlatformUnreachable, match=r"shipment.*cannot be understood"):
        await jd.ship("S1", ORDER, "467", "SF1")


@pytest.mark.parametrize("order_id", ["O1", "", "１２３", "9" * 20])
async def test_an_order_id_that_is_not_a_number_is_refused_before_jd_is_asked(
    jd: JdClient, fake: FakeJd, order_id: str
) -> None:
    with pytest.raises(BadForm, match="order_id"):
        await jd.ship("S1", order_id, "467", "SF1")
    assert fake.calls == []


async def test_another_secret_is_refused_without_telling_it(address: str, transport: Transport) -> None:
    jd = JdClient(jd_access(address, key="0ther"), transport)

    with pytest.raises(PlatformRefused, match=r"无效签名 / Invalid Signature \[12\]") as caught:
        await jd.order("S1", ORDER)
    assert "0ther" not in str(caught.value)
    assert "T1" not in str(caught.value)


async def test_an_application_that_jd_does_not_know_is_refused(address: str, transport: Transport) -> None:
    with pytest.raises(PlatformRefused, match="无效的app_key"):
        await JdClient(jd_access(address, app_key="K2"), transport).order("S1", ORDER)


@pytest.mark.parametrize("minutes", [-11, 11])
async def test_a_request_stamped_by_a_wrong_clock_is_our_clocks_fault_and_says_how_wrong_it_is(
    jd: JdClient, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(minutes=minutes)

    monkeypatch.setattr("aftersales.platforms.jd.client.datetime", Wrong)
    set_clock_wrong(monkeypatch, minutes)
    with pytest.raises(ClockWrong, match=rf"时间戳.*\[8\].*{told(minutes)}"):
        await jd.order("S1", ORDER)


async def test_a_method_that_does_not_exist_is_refused(jd: JdClient) -> None:
    with pytest.raises(PlatformRefused, match=r"不存在的方法名.*\[15\]"):
        await jd.call("S1", "jingdong.pop.nothing", {})


async def test_jds_own_trouble_is_not_a_refusal(jd: JdClient, fake: FakeJd) -> None:
    fake.busy = 1

    with pytest.raises(PlatformUnreachable, match=r"京东繁忙.*\[66\]"):
        await jd.ship("S1", ORDER, "467", "SF1")
    await jd.ship("S1", ORDER, "467", "SF1")
    assert len(fake.shipped) == 1


async def test_a_shop_without_credentials_is_an_error(jd: JdClient) -> None:
    with pytest.raises(BadForm, match="S2"):
        await jd.order("S2", ORDER)


@pytest.mark.parametrize("answer", [None, [], "?", {}, {"jingdong_x_response": {}}, {"jingdong_x_responce": None}])
def test_an_answer_that_is_none_of_jds_may_be_asked_for_again(answer: Any) -> None:
    with pytest.raises(PlatformUnreachable, match="cannot be understood"):
        opened("jingdong.x", answer)


def test_a_code_in_the_envelope_is_a_refusal() -> None:
    with pytest.raises(PlatformRefused, match=r"不行.*\[7\]"):
        opened("jingdong.x", {"jingdong_x_responce": {"code": "7", "zh_desc": "不行"}})
    assert opened("jingdong.x", {"jingdong_x_responce": {"code": "0", "a": 1}})["a"] == 1
