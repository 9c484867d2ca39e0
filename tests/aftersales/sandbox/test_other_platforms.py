"""JD, Taobao and 1688 take what foreign clients send; requests are signed here, not by our own clients."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import pytest_asyncio

from aftersales.platforms.credentials import Secrets
from cases.models import read
from tests.support.platforms.sandboxes import Caller, sandbox_at_work

KEY, SECRET = "K1", "s3cret"
APPS = read(
    Secrets,
    {
        platform: {"apps": [{"app_key": KEY, "app_secret": SECRET}], "shops": []}
        for platform in ("jd", "taobao", "alibaba_1688")
    },
    "apps",
)
SHANGHAI = timezone(timedelta(hours=8))


@pytest_asyncio.fixture(scope="module")
async def caller() -> AsyncIterator[Caller]:
    async with sandbox_at_work(apps=APPS) as caller:
        yield caller


def joined(fields: dict[str, str]) -> str:
    return "".join(f"{name}{fields[name]}" for name in sorted(fields))


def md5(text: str) -> str:
    return hashlib.md5(f"{SECRET}{text}{SECRET}".encode()).hexdigest().upper()  # noqa: S324 - the platforms' own


async def ask_jd(caller: Caller, stamp: str) -> dict[str, Any]:
    fields = {
        "method": "jingdong.pop.order.get",
        "app_key": KEY,
        "access_token": "T1",
        "timestamp": stamp,
        "v": "2.0",
        "360buy_param_json": '{"order_id":"281234567890","optional_fields":"orderId"}',
    }
    answer = await caller.client.post("/jd/routerjson", data=fields | {"sign": md5(joined(fields))})
    read: dict[str, Any] = answer.json()
    return read


@pytest.mark.parametrize("written", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.000+0800"])
@pytest.mark.parametrize(("minutes", "taken"), [(0, True), (9, True), (11, False), (-11, False)])
async def test_jd_takes_both_ways_of_writing_a_timestamp_within_ten_minutes(
    caller: Caller, written: str, minutes: int, *, taken: bool
) -> None:
    answer = await ask_jd(caller, (datetime.now(SHANGHAI) + timedelta(minutes=minutes)).strftime(written))
    assert ("jingdong_pop_order_get_responce" in answer) is taken, answer
    assert taken or answer["error_response"]["code"] == "8"


async def test_jd_reads_the_offset_of_a_long_timestamp(caller: Caller) -> None:
    utc = datetime.now(SHANGHAI) - timedelta(hours=8)
    assert "jingdong_pop_order_get_responce" in await ask_jd(caller, utc.strftime("%Y-%m-%d %H:%M:%S.123+0000"))
    assert "error_response" in await ask_jd(caller, utc.strftime("%Y-%m-%d %H:%M:%S.123+0800"))
    assert "error_response" in await ask_jd(caller, utc.strftime("%Y-%m-%dT%H:%M:%SZ"))


@pytest.mark.parametrize("method", ["md5", "hmac"])
@pytest.mark.parametrize("empty_too", [True, False])
async def test_taobao_takes_parameters_without_a_value_signed_or_left_out(
    caller: Caller, method: str, *, empty_too: bool
) -> None:
    fields = {
        "method": "taobao.tmc.messages.consume",
        "app_key": KEY,
        "timestamp": datetime.now(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
        "format": "json",
        "v": "2.0",
        "sign_method": method,
        "session": "",
        "group_name": "",
        "quantity": "10",
    }
    text = joined({name: value for name, value in fields.items() if empty_too or value})
    sign = md5(text) if method == "md5" else hmac.new(SECRET.encode(), text.encode(), "md5").hexdigest().upper()

    answer = (await caller.client.post("/taobao/router/rest", data=fields | {"sign": sign})).json()
    assert "tmc_messages_consume_response" in answer, answer
    forged = fields | {"sign": sign, "session": "x"}
    refused = (await caller.client.post("/taobao/router/rest", data=forged)).json()
    assert refused["error_response"]["code"] == 25


@pytest.mark.parametrize(
    ("stamped", "said"),
    [
        (None, "ORDER_NOT_FOUND"),
        (0, "ORDER_NOT_FOUND"),
        (11, "gw.TimestampInvalid"),
        ("", "gw.TimestampInvalid"),
        ("soon", "gw.TimestampInvalid"),
    ],
)
async def test_1688_takes_a_request_without_a_timestamp_but_none_with_a_wrong_one(
    caller: Caller, stamped: int | str | None, said: str
) -> None:
    path = f"param2/1/com.alibaba.trade/alibaba.trade.get.sellerView/{KEY}"
    fields = {"orderId": "1", "access_token": "T1"}
    if isinstance(stamped, int):
        fields["_aop_timestamp"] = str(int((time.time() + 60 * stamped) * 1000))
    elif stamped is not None:
        fields["_aop_timestamp"] = stamped
    text = path + "".join(sorted(name + value for name, value in fields.items()))
    fields["_aop_signature"] = hmac.new(SECRET.encode(), text.encode(), "sha1").hexdigest().upper()

    answer = await caller.client.post(f"/1688/openapi/{path}", data=fields)
    assert answer.json()["error_code"] == said
