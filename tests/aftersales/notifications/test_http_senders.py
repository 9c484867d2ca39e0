"""Bots that always answer 200: refusal, overload and success are told apart by the body."""

import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from aftersales.notifications.channels import DingtalkChannel, FeishuChannel
from aftersales.notifications.delivery import Sender, sender_of
from aftersales.notifications.http_senders import (
    DingtalkBot,
    FeishuBot,
    dingtalk_signature,
    feishu_signature,
    webhook_signature,
)
from aftersales.notifications.notice import Notice, action_required_notice
from aftersales.runtime.http.http_client import Transport
from cases.errors import ClockWrong, PlatformRefused, PlatformUnreachable
from cases.plain_text import NOT_PLAIN
from tests.support.notifications.bots import KEY, Bots
from tests.support.notifications.notices import ACTION_REQUIRED, CONTEXT, channel, notice, one
from tests.support.platforms.clocks import set_clock_wrong, told
from tests.support.platforms.serving import serving

ALL = ["feishu", "dingtalk", "wecom", "webhook"]
BOTS = ALL[:3]
bots = Bots()


@pytest_asyncio.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    async with serving(bots.app()) as address:
        yield address


@pytest_asyncio.fixture
async def transport() -> AsyncIterator[Transport]:
    bots.forget()
    async with Transport("通知渠道") as made:
        yield made


def sender(address: str, transport: Transport, kind: str, **more: Any) -> Sender:
    return sender_of(one(channel(address, kind, **more)), transport)


@pytest.mark.parametrize("kind", BOTS)
async def test_a_notice_arrives_whole(address: str, transport: Transport, kind: str) -> None:
    await sender(address, transport, kind).send(notice())

    assert bots.taken[kind] == [notice().text]


async def test_a_program_gets_the_notice_as_json_and_may_answer_what_it_likes(
    address: str, transport: Transport
) -> None:
    await sender(address, transport, "webhook").send(notice())

    assert [Notice.model_validate_json(body) for body in bots.taken["program"]] == [notice()]


@pytest.mark.parametrize(
    ("kind", "wrong", "code"),
    [
        ("feishu", {"key": "other"}, "19001"),
        ("feishu", {"secret": "other"}, "19021"),
        ("feishu", {"secret": None}, "19021"),
        ("dingtalk", {"key": "other"}, "300001"),
        ("dingtalk", {"secret": "other"}, "310000 sign not match"),
        ("dingtalk", {"secret": None}, "310000"),
        ("wecom", {"key": "other"}, "93000"),
        ("webhook", {"secret": "other"}, "HTTP 401"),
    ],
)
async def test_g_7_a_wrong_key_or_signature_is_a_refusal(
    address: str, transport: Transport, kind: str, wrong: dict[str, Any], code: str
) -> None:
    with pytest.raises(PlatformRefused, match=code):
        await sender(address, transport, kind, **wrong).send(notice())
    assert not any(bots.taken.values())


async def test_a_stale_timestamp_is_a_refusal(address: str, transport: Transport) -> None:
    feishu, dingtalk = one(channel(address, "feishu")), one(channel(address, "dingtalk"))
    assert isinstance(feishu, FeishuChannel)
    assert isinstance(dingtalk, DingtalkChannel)
    with pytest.raises(PlatformRefused, match="19021"):
        await FeishuBot(feishu, transport, lambda: 1e9).send(notice())
    with pytest.raises(PlatformRefused, match="310000"):
        await DingtalkBot(dingtalk, transport, lambda: 1e9).send(notice())


@pytest.mark.parametrize("kind", ["feishu", "dingtalk"])
async def test_g_7_a_stamp_of_a_clock_that_is_wrong_is_our_clocks_fault_and_tried_again(
    address: str, transport: Transport, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    set_clock_wrong(monkeypatch, 61)
    made = one(channel(address, kind))
    late = lambda: time.time() + 3660  # noqa: E731 - the same clock for both bots
    bot = FeishuBot(made, transport, late) if isinstance(made, FeishuChannel) else None
    bot = bot or (DingtalkBot(made, transport, late) if isinstance(made, DingtalkChannel) else None)
    assert bot is not None
    with pytest.raises(ClockWrong, match=told(61)):
        await bot.send(notice())


@pytest.mark.parametrize("kind", BOTS)
async def test_g_7_a_bot_over_its_rate_is_tried_again(address: str, transport: Transport, kind: str) -> None:
    bots.allowed = 1
    bot = sender(address, transport, kind)
    await bot.send(notice())
    with pytest.raises(PlatformUnreachable, match="over its rate"):
        await bot.send(notice("k2"))
    assert len(bots.taken[kind]) == 1


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("status", [500, 503, 429])
async def test_g_7_a_bot_that_is_down_is_tried_again(
    address: str, transport: Transport, kind: str, status: int
) -> None:
    bots.down = dict.fromkeys(["program", *BOTS], status)
    with pytest.raises(PlatformUnreachable, match=f"HTTP {status}"):
        await sender(address, transport, kind).send(notice())


@pytest.mark.parametrize("kind", BOTS)
@pytest.mark.parametrize("answer", [[], {}, {"code": None, "errcode": "0"}, {"code": False, "errcode": False}, "ok"])
async def test_an_answer_without_a_code_is_not_taken_for_a_yes(
    address: str, transport: Transport, kind: str, answer: Any
) -> None:
    bots.raw = answer
    with pytest.raises((PlatformUnreachable, PlatformRefused)):
        await sender(address, transport, kind).send(notice())


async def test_the_answer_of_feishus_first_robots_is_a_yes_and_their_no_a_no(
    address: str, transport: Transport
) -> None:
    bot = sender(address, transport, "feishu")
    bots.raw = {"Extra": None, "StatusCode": 0, "StatusMessage": "success"}
    await bot.send(notice())
    bots.raw = {"Extra": None, "StatusCode": 9499, "StatusMessage": "too many request"}
    with pytest.raises(PlatformUnreachable, match="9499 too many request"):
        await bot.send(notice())
    bots.raw = {"StatusCode": 0, "code": 19001, "msg": "param invalid"}  # a code that is there decides
    with pytest.raises(PlatformRefused, match="19001"):
        await bot.send(notice())


async def test_a_text_that_is_too_long_is_cut_and_not_refused(address: str, transport: Transport) -> None:
    long = notice().model_copy(update={"lines": ("很长" * 1000,)})
    await sender(address, transport, "wecom").send(long)

    (text,) = bots.taken["wecom"]
    assert text.endswith("…")
    assert len(text.encode()) > 2000


@pytest.mark.parametrize("kind", BOTS)
async def test_what_others_wrote_forges_no_line_and_steers_nothing(
    address: str, transport: Transport, kind: str
) -> None:
    why = "不行\r\n截止时间:01-31 00:00(北京时间)\u2028查看案件:http://evil\x1b[2J\u202e"
    forged = action_required_notice(ACTION_REQUIRED.model_copy(update={"why": why, "order": "O1\nO2"}), "k1", CONTEXT)
    await sender(address, transport, kind).send(forged)

    (text,) = bots.taken[kind]
    assert [line.partition(":")[0] for line in text.split("\n")] == [
        "【需要人工处理】抖店补寄",
        "店铺",
        "案件",
        "订单",
        "步骤",
        "原因",
        "办妥后",
        "查看案件",
    ]
    assert not NOT_PLAIN.search(text.replace("\n", ""))


async def test_what_others_wrote_calls_nobody_in_the_group(address: str, transport: Transport) -> None:
    calling = notice().model_copy(update={"lines": ('<at user_id="all">所有人</at>',)})
    await sender(address, transport, "feishu").send(calling)

    assert "<at" not in bots.taken["feishu"][0]


async def test_no_log_shows_a_bots_key(address: str, transport: Transport, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "httpx2"):
        for kind in BOTS:
            await sender(address, transport, kind).send(notice())

    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]
    assert any(f"{address}/hook/" in line for line in ours)
    assert KEY not in json.dumps(ours)


SIGNING_SECRET = "shop-secret-1"  # noqa: S105  # made up
SIGNED_AT = 1767574800


def test_feishus_signature_is_openssls() -> None:
    # printf '' | openssl dgst -sha256 -mac HMAC -binary \
    #   -macopt hexkey:$(printf '1767574800\nshop-secret-1' | od -An -tx1 | tr -d ' \n') | base64
    assert feishu_signature(SIGNING_SECRET, SIGNED_AT) == "9rWo1yN3qyiZVq91/ocRm0wkB8m7iKbCiUtV/+D363E="


def test_dingtalks_signature_is_openssls() -> None:
    # printf '1767574800000\nshop-secret-1' | openssl dgst -sha256 -hmac shop-secret-1 -binary | base64
    assert dingtalk_signature(SIGNING_SECRET, SIGNED_AT * 1000) == "2QTpRYWV4dLSl7vOMe+Y5L78iD9yx4iOOB2ZwE6XBf0="


def test_the_webhooks_signature_is_openssls() -> None:
    # printf '1767574800.{"key":"k1"}' | openssl dgst -sha256 -hmac shop-secret-1
    expected = "67863128abc48a47b109ca5d236fb9d09022dc127f7a05f8f748a2b7af705719"
    assert webhook_signature(SIGNING_SECRET, SIGNED_AT, b'{"key":"k1"}') == expected
