"""Taobao's client against the sandbox, over real HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from aftersales.platforms.credentials import Secrets
from aftersales.platforms.taobao.client import TaobaoAccess, TaobaoClient, TmcMessage, opened
from aftersales.platforms.taobao.signing import SignMethod
from aftersales.runtime.http_client import Transport
from aftersales.sandbox import taobao as sandbox
from aftersales.sandbox.taobao import FakeTaobao
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
    block = {"address": address, "apps": [{"app_key": app_key, "app_secret": key}]}
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


@pytest.mark.parametrize("method", get_args(SignMethod))
async def test_messages_are_consumed_by_each_of_the_three_signatures(
    address: str, transport: Transport, fake: FakeTaobao, method: SignMethod
) -> None:
    fake.push("K1", BIG, TOPIC, '{"退款":"1"}', "卖家一")
    fake.waiting["K1"][0]["pub_time"] = "2026-01-05 12:00:00"

    messages = await TaobaoClient(access(address), transport, sign_method=method).consume("K1", group="默认分组")

    at = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)
    assert messages == [TmcMessage(id=str(BIG), topic=TOPIC, content='{"退款":"1"}', published_at=at, user="卖家一")]
    assert fake.groups == ["默认分组"]


async def test_a_message_comes_again_until_it_is_confirmed(taobao: TaobaoClient, fake: FakeTaobao) -> None:
    fake.push("K1", 1, TOPIC, "{}", "a")
    fake.push("K1", 2, TOPIC, "{}", "a")

    first, again = await taobao.consume("K1"), await taobao.consume("K1")
    await taobao.confirm("K1", ["1"])

    assert first == again
    assert [message.id for message in await taobao.consume("K1")] == ["2"]


async def test_many_messages_are_confirmed_in_portions_that_the_platform_takes(
    taobao: TaobaoClient, fake: FakeTaobao
) -> None:
    ids = [str(number) for number in range(1, 402)]

    await taobao.confirm("K1", ids)

    assert fake.confirmed == ids
    assert len(fake.groups) == 3


async def test_with_nothing_to_confirm_there_is_no_call(taobao: TaobaoClient, fake: FakeTaobao) -> None:
    await taobao.confirm("K1", [])

    assert fake.groups == []


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
        await taobao.consume("K1", quantity=5)


@pytest.mark.parametrize("method", get_args(SignMethod))
async def test_another_secret_is_refused_without_telling_it(
    address: str, transport: Transport, method: SignMethod
) -> None:
    with pytest.raises(PlatformRefused, match=r"Invalid Signature \[25\]") as caught:
        await TaobaoClient(access(address, key="0ther"), transport, sign_method=method).consume("K1")
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


async def test_a_message_that_is_none_may_be_asked_for_again(taobao: TaobaoClient, fake: FakeTaobao) -> None:
    fake.waiting["K1"] = [{"topic": TOPIC}]

    with pytest.raises(PlatformUnreachable, match="a message cannot be understood"):
        await taobao.consume("K1")
