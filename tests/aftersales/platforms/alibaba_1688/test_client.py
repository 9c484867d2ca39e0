"""1688's client against the sandbox, over real HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from aftersales.platforms.alibaba_1688.client import Alibaba1688Client
from aftersales.platforms.credentials import Secrets
from aftersales.runtime.http.http_client import Transport
from aftersales.sandbox import alibaba_1688 as sandbox
from aftersales.sandbox.alibaba_1688 import Fake1688, Trade
from cases.errors import BadForm, ClockWrong, PlatformRefused, PlatformUnreachable
from cases.models import read
from tests.support.platforms.clocks import set_clock_wrong, told
from tests.support.platforms.serving import serving

NAMESPACE, NAME = "com.alibaba.trade", "alibaba.trade.get.sellerView"


class Apps:
    def secret_of(self, platform: str, app_key: str) -> str | None:
        return {"K1": "s3cret", "K2": "other"}.get(app_key) if platform == "alibaba_1688" else None


def client(address: str, transport: Transport, **secrets: str) -> Alibaba1688Client:
    secrets = secrets or {"K1": "s3cret", "K2": "other"}
    block = {
        "address": address,
        "apps": [{"app_key": name, "app_secret": secret} for name, secret in secrets.items()],
        "shops": [{"shop_id": "S1", "app_key": min(secrets), "access_token": "T1"}],
    }
    return Alibaba1688Client(read(Secrets, {"alibaba_1688": block}, "secrets").alibaba_1688, transport)


DESK = Fake1688()


@pytest.fixture
def fake() -> Fake1688:
    vars(DESK).update(vars(Fake1688()))  # as new
    return DESK


@pytest_asyncio.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    async with serving(Starlette(routes=sandbox.routes(Apps(), DESK))) as address:
        yield address


@pytest_asyncio.fixture(scope="module")
async def transport() -> AsyncIterator[Transport]:
    async with Transport("1688") as transport:
        yield transport


@pytest.fixture
def alibaba(address: str, transport: Transport, fake: Fake1688) -> Alibaba1688Client:
    return client(address, transport)


async def test_a_trades_record_says_whether_money_was_refunded(alibaba: Alibaba1688Client, fake: Fake1688) -> None:
    fake.trades = {"1": Trade(), "2": Trade("terminated", "99.9")}

    assert [await alibaba.is_refunded("S1", order) for order in ("1", "2")] == [False, True]


@pytest.mark.parametrize(
    "answer", [{}, {"result": None}, {"result": {"baseInfo": {}}}, {"result": {"baseInfo": {"refund": "?"}}}]
)
async def test_a_record_that_cannot_be_understood_may_be_asked_for_again(
    alibaba: Alibaba1688Client, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(Fake1688, "answer", lambda *_: answer)

    with pytest.raises(PlatformUnreachable, match="cannot be understood"):
        await alibaba.is_refunded("S1", "1")


async def test_values_that_are_not_text_are_sent_as_json(
    alibaba: Alibaba1688Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, str]] = []
    monkeypatch.setattr(Fake1688, "answer", lambda _, name, form: sent.append(form) or {"name": name})

    answer = await alibaba.call("S1", NAMESPACE, NAME, {"orderId": 123, "remark": "仓库 盘点&", "ids": [1, "二"]})

    assert answer == {"name": NAME}
    shown = {name: sent[0][name] for name in ("orderId", "remark", "ids", "access_token")}
    assert shown == {"orderId": "123", "remark": "仓库 盘点&", "ids": '[1,"二"]', "access_token": "T1"}


async def test_what_1688_refuses_is_refused_in_its_own_words(alibaba: Alibaba1688Client) -> None:
    with pytest.raises(PlatformRefused, match=r"订单不存在.*\[ORDER_NOT_FOUND\] request_id=sandbox"):
        await alibaba.is_refunded("S1", "1")


async def test_another_secret_is_refused_without_telling_it(address: str, transport: Transport) -> None:
    with pytest.raises(PlatformRefused, match=r"gw\.SignatureInvalid") as caught:
        await client(address, transport, K1="0ther").call("S1", NAMESPACE, NAME, {})
    assert "0ther" not in str(caught.value)
    assert "T1" not in str(caught.value)


async def test_an_application_that_1688_does_not_know_is_refused(address: str, transport: Transport) -> None:
    with pytest.raises(PlatformRefused, match=r"gw\.AppKeyInvalid"):
        await client(address, transport, K9="s3cret").call("S1", NAMESPACE, NAME, {})


@pytest.mark.parametrize("minutes", [-11, 11])
async def test_a_request_stamped_by_a_wrong_clock_is_our_clocks_fault_and_says_how_wrong_it_is(
    alibaba: Alibaba1688Client, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    class Wrong:
        @staticmethod
        def time() -> float:
            return datetime.now(UTC).timestamp() + 60 * minutes

    monkeypatch.setattr("aftersales.platforms.alibaba_1688.client.time", Wrong)
    set_clock_wrong(monkeypatch, minutes)
    with pytest.raises(ClockWrong, match=rf"gw\.TimestampInvalid.*{told(minutes)}"):
        await alibaba.call("S1", NAMESPACE, NAME, {})


async def test_too_many_calls_are_no_refusal(alibaba: Alibaba1688Client, fake: Fake1688) -> None:
    fake.busy = 1

    with pytest.raises(PlatformUnreachable, match=r"gw\.QosAppFrequencyLimit"):
        await alibaba.call("S1", NAMESPACE, NAME, {})
    fake.trades["1"] = Trade()
    assert await alibaba.is_refunded("S1", "1") is False


async def test_a_shop_without_credentials_is_an_error(alibaba: Alibaba1688Client) -> None:
    with pytest.raises(BadForm, match="S2"):
        await alibaba.call("S2", NAMESPACE, NAME, {})
