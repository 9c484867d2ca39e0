"""Taobao's client against the sandbox, over real HTTP."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.taobao.client import CONSUME, TaobaoAccess, TaobaoClient, opened
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox import taobao as sandbox
from aftersales.sandbox.taobao import REDELIVERY, FakeTaobao
from cases.errors import BadForm, ClockWrong, PlatformRefused, PlatformUnreachable
from cases.models import read
from tests.support.platforms.clocks import set_clock_wrong, told
from tests.support.platforms.serving import serving

TOPIC = "taobao_refund_RefundCreated"
BIG = 7104300007405429232


class Apps:
    def secret_of(self, platform: str, app_key: str) -> str | None:
        return "s3cret" if (platform, app_key) == ("taobao", "K1") else None


def access(address: str, app_key: str = "K1", key: str = "s3cret") -> TaobaoAccess:
    shop = {"shop_id": "M1", "app_key": app_key, "access_token": "T1"}
    block = {"address": address, "apps": [{"app_key": app_key, "app_secret": key}], "shops": [shop]}
    return read(Secrets, {"taobao": block}, "secrets").taobao


DESK = FakeTaobao()


@pytest.fixture
def fake() -> FakeTaobao:
    vars(DESK).update(vars(FakeTaobao()))  # as new
    return DESK


@pytest_asyncio.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    async with serving(Starlette(routes=sandbox.routes(Apps(), DESK))) as address:
        yield address


@pytest_asyncio.fixture(scope="module")
async def transport() -> AsyncIterator[Transport]:
    async with Transport("taobao") as transport:
        yield transport


@pytest.fixture
def taobao(address: str, transport: Transport, fake: FakeTaobao) -> TaobaoClient:
    return TaobaoClient(access(address), transport)


async def test_messages_are_handed_out_as_the_platform_wrote_them(taobao: TaobaoClient, fake: FakeTaobao) -> None:
    fake.push("K1", TOPIC, '{"退款":"1"}', "卖家一", message_id=BIG)
    fake.waiting["K1"][0].row["pub_time"] = "2026-01-05 12:00:00"

    (row,) = await taobao.consume("K1")

    assert row == {
        "id": BIG,
        "topic": TOPIC,
        "content": '{"退款":"1"}',
        "pub_time": "2026-01-05 12:00:00",
        "user_nick": "卖家一",
    }


async def test_a_message_comes_again_after_a_while_until_it_is_confirmed(
    taobao: TaobaoClient, fake: FakeTaobao
) -> None:
    now = [1000.0]
    fake.clock = lambda: now[0]
    for number in (1, 2):
        fake.push("K1", TOPIC, "{}", "a", message_id=number)

    first, none = await taobao.consume("K1"), await taobao.consume("K1")
    await taobao.confirm("K1", ["1"])
    now[0] += REDELIVERY - 1
    still_none = await taobao.consume("K1")
    now[0] += 1

    assert [row["id"] for row in first] == [1, 2]
    assert none == still_none == []
    assert [row["id"] for row in await taobao.consume("K1")] == [2]


async def test_many_messages_are_confirmed_in_portions_that_the_platform_takes(
    taobao: TaobaoClient, fake: FakeTaobao, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, counted, answer = [str(number) for number in range(1, 402)], [], fake.answer

    def count(method: str, form: Any) -> Any:
        counted.append(len(form["s_message_ids"].split(",")))
        return answer(method, form)

    monkeypatch.setattr(fake, "answer", count)

    await taobao.confirm("K1", ids)

    assert fake.confirmed == ids
    assert counted == [200, 200, 1]


async def test_with_nothing_to_confirm_there_is_no_call(taobao: TaobaoClient, fake: FakeTaobao) -> None:
    fake.busy = 1

    await taobao.confirm("K1", [])

    assert fake.busy == 1


async def test_no_messages_are_none(taobao: TaobaoClient) -> None:
    assert await taobao.consume("K1") == []


async def test_a_confirmation_that_is_not_accepted_is_an_error(
    taobao: TaobaoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeTaobao, "answer", lambda *_: {"is_success": False})

    with pytest.raises(PlatformRefused, match="未被确认"):
        await taobao.confirm("K1", ["1"])


async def test_what_taobao_refuses_is_refused_in_its_own_words(taobao: TaobaoClient) -> None:
    with pytest.raises(PlatformRefused, match=r"参数错误 / Invalid Arguments \[41 isv.invalid-parameter\]"):
        await taobao.call("K1", CONSUME, {"quantity": "5"})


async def test_another_secret_is_refused_without_telling_it(address: str, transport: Transport) -> None:
    with pytest.raises(PlatformRefused, match=r"Invalid Signature \[25\]") as caught:
        await TaobaoClient(access(address, key="0ther"), transport).consume("K1")
    assert "0ther" not in str(caught.value)


async def test_an_application_that_taobao_does_not_know_is_refused(address: str, transport: Transport) -> None:
    with pytest.raises(PlatformRefused, match=r"Invalid App Key \[29\]"):
        await TaobaoClient(access(address, app_key="K2"), transport).consume("K2")


async def test_an_application_without_credentials_is_an_error(taobao: TaobaoClient) -> None:
    with pytest.raises(BadForm, match="K3"):
        await taobao.consume("K3")


@pytest.mark.parametrize("minutes", [-11, 11])
async def test_a_request_stamped_by_a_wrong_clock_is_our_clocks_fault_and_says_how_wrong_it_is(
    taobao: TaobaoClient, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(minutes=minutes)

    monkeypatch.setattr("aftersales.platforms.taobao.client.datetime", Wrong)
    set_clock_wrong(monkeypatch, minutes)
    with pytest.raises(ClockWrong, match=rf"Invalid Timestamp \[31\].*{told(minutes)}"):
        await taobao.consume("K1")


async def test_a_method_that_does_not_exist_is_refused(taobao: TaobaoClient) -> None:
    with pytest.raises(PlatformRefused, match=r"Invalid Method \[22\]"):
        await taobao.call("K1", "taobao.nothing", {})


async def test_taobaos_own_trouble_is_not_a_refusal(taobao: TaobaoClient, fake: FakeTaobao) -> None:
    fake.busy = 1

    with pytest.raises(PlatformUnreachable, match=r"isp\.remote-service-timeout"):
        await taobao.consume("K1")
    assert await taobao.consume("K1") == []


def test_calls_that_come_too_often_are_no_refusal() -> None:
    with pytest.raises(PlatformUnreachable, match="App Call Limited"):
        opened("taobao.x", {"error_response": {"code": 7, "msg": "App Call Limited"}})


@pytest.mark.parametrize("answer", [None, [], "?", {}, {"x_response": None}, {"taobao_x_response": {}}])
def test_an_answer_that_is_none_of_taobaos_may_be_asked_for_again(answer: Any) -> None:
    with pytest.raises(PlatformUnreachable, match="cannot be understood"):
        opened("taobao.x", answer)


async def test_an_answer_without_a_list_of_messages_has_none(
    taobao: TaobaoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer in ({}, {"messages": None}, {"messages": {"tmc_message": {}}}):
        monkeypatch.setattr(FakeTaobao, "answer", lambda *_, answer=answer: answer)
        assert await taobao.consume("K1") == []


async def test_a_trades_status_is_asked_for_with_the_sellers_token(taobao: TaobaoClient, fake: FakeTaobao) -> None:
    fake.trades["281234567890"] = "TRADE_CLOSED"

    assert await taobao.trade_status("M1", "281234567890") == "TRADE_CLOSED"
    with pytest.raises(PlatformRefused, match="参数错误"):
        await taobao.trade_status("M1", "1")
    with pytest.raises(BadForm, match="M2"):
        await taobao.trade_status("M2", "281234567890")


@pytest.mark.parametrize("trade", [None, {}, {"status": 1}])
async def test_a_trade_without_a_status_may_be_asked_for_again(
    taobao: TaobaoClient, monkeypatch: pytest.MonkeyPatch, trade: Any
) -> None:
    monkeypatch.setattr(FakeTaobao, "answer", lambda *_: {"trade": trade})

    with pytest.raises(PlatformUnreachable, match="cannot be understood"):
        await taobao.trade_status("M1", "281234567890")
