"""Consuming Taobao's queue over real HTTP: nothing is lost, nothing is stored twice, whatever fails in between."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette

from aftersales.gateway.consumer import QueueConsumer, consuming, failing_seconds
from aftersales.gateway.inbox import Inbox, InboxRow
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.inbound import CaseKey, InboundMessage
from aftersales.platforms.marketplaces import Marketplaces
from aftersales.platforms.message_queue import QueueEndpoint
from aftersales.platforms.tokens import TokenStore
from aftersales.runtime.telemetry.logs import configure_logs
from aftersales.sandbox import taobao as sandbox
from aftersales.sandbox.taobao import REDELIVERY, FakeTaobao
from cases.models import read
from tests.support.platforms.serving import serving
from tests.support.temporal.life import eventually

TOPIC, ORDER = "taobao_trade_TradeSuccess", "281234567890"
CONTENT = f'{{"tid": {ORDER}, "buyer_nick": "王小明 13800138000"}}'


class Apps:
    def secret_of(self, platform: str, app_key: str) -> str | None:
        return {"K1": "s3cret", "K2": "other"}.get(app_key) if platform == "taobao" else None


@pytest.fixture
def fake() -> FakeTaobao:
    return FakeTaobao()


@pytest_asyncio.fixture
async def inbox(tmp_path: Path) -> AsyncIterator[Inbox]:
    async with Inbox(tmp_path / "inbox.db") as inbox:
        yield inbox


@asynccontextmanager
async def queues(fake: FakeTaobao, **secret: str) -> AsyncIterator[tuple[QueueEndpoint, ...]]:
    """Serve the platform, and yield the queues of the applications with these secrets."""
    secrets = secret or {"K1": "s3cret"}
    async with serving(Starlette(routes=sandbox.routes(Apps(), fake))) as address:
        block = {
            "address": address,
            "apps": [{"app_key": name, "app_secret": value} for name, value in secrets.items()],
            "shops": [{"shop_id": f"shop-of-{name}", "app_key": name, "access_token": "T"} for name in secrets],
        }
        async with Marketplaces(read(Secrets, {"taobao": block}, "secrets"), TokenStore()) as markets:
            yield markets.queues


@asynccontextmanager
async def running(endpoint: QueueEndpoint, inbox: Inbox) -> AsyncIterator[None]:
    consumer = QueueConsumer(endpoint, inbox, idle=0.01, first_pause=0.01, longest_pause=0.02)
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def confirmed(fake: FakeTaobao, *ids: int) -> None:
    async def all_are() -> bool:
        return sorted(fake.confirmed) == sorted(str(one) for one in ids)

    await eventually(f"{ids} are confirmed", all_are)


async def waiting(inbox: Inbox) -> list[InboxRow]:
    return await inbox.due(100)


async def test_messages_are_stored_for_their_order_and_confirmed_in_the_order_of_their_arrival(
    fake: FakeTaobao, inbox: Inbox
) -> None:
    ids = [fake.push("K1", TOPIC, CONTENT, "shop-of-K1") for _ in range(3)]
    async with queues(fake) as (endpoint,), running(endpoint, inbox):
        await confirmed(fake, *ids)
    rows = await waiting(inbox)
    assert {row.case for row in rows} == {CaseKey("anxinjian_split", "shop-of-K1", ORDER)}
    assert [row.report and row.report.message_id for row in rows] == [f"K1:{one}" for one in ids]


async def test_every_application_is_consumed_and_its_ids_are_its_own(fake: FakeTaobao, inbox: Inbox) -> None:
    for app in ("K1", "K2"):
        fake.push(app, TOPIC, CONTENT, f"shop-of-{app}", message_id=7)
    async with queues(fake, K1="s3cret", K2="other") as endpoints, consuming(endpoints, inbox):
        await confirmed(fake, 7, 7)
    assert sorted(row.case.shop_id for row in await waiting(inbox)) == ["shop-of-K1", "shop-of-K2"]


async def test_a_message_is_not_confirmed_before_it_is_stored_and_comes_again(
    fake: FakeTaobao, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, failing, store = [1000.0], [True], inbox.store
    fake.clock = lambda: now[0]
    tried: list[int] = []

    async def refuse(messages: Sequence[InboundMessage]) -> int:
        tried.append(len(messages))
        if failing[0]:
            raise sqlite3.OperationalError("disk is full")
        return await store(messages)

    async def has_tried() -> bool:
        return bool(tried)

    monkeypatch.setattr(inbox, "store", refuse)
    own_id = fake.push("K1", TOPIC, CONTENT, "shop-of-K1")
    async with queues(fake) as (endpoint,), running(endpoint, inbox):
        await eventually("the disk refuses", has_tried)
        assert fake.confirmed == []
        failing[0] = False
        now[0] += REDELIVERY
        await confirmed(fake, own_id)
    assert len(await waiting(inbox)) == 1


async def test_a_message_whose_confirmation_was_lost_is_not_stored_twice(
    fake: FakeTaobao, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, lost, confirm = [1000.0], [True], fake._confirm
    fake.clock = lambda: now[0]

    def lose(form: Any) -> dict[str, Any]:
        if lost[0]:
            lost[0] = False
            now[0] += REDELIVERY
            return {"is_success": False}
        return confirm(form)

    monkeypatch.setattr(fake, "_confirm", lose)
    own_id = fake.push("K1", TOPIC, CONTENT, "shop-of-K1")
    async with queues(fake) as (endpoint,), running(endpoint, inbox):
        await confirmed(fake, own_id)
    assert len(await waiting(inbox)) == 1
    assert (await inbox.counts())["duplicates"] == 1


async def test_what_cannot_be_read_is_kept_and_logged_and_does_not_hold_up_the_rest(
    fake: FakeTaobao, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", "json")
    ids = [
        fake.push("K1", TOPIC, "?", "shop-of-K1"),
        fake.push("K1", TOPIC, '{"tid": "A1", "buyer_nick": "王小明"}', "shop-of-K1"),
        fake.push("K1", TOPIC, CONTENT, "shop-of-K1", message_id=int("7" * 200)),  # too long with its application's key
        fake.push("K1", TOPIC, CONTENT, "another shop"),
        fake.push("K1", "taobao_item_ItemAdd", "{}", "shop-of-K1"),
        fake.push("K1", TOPIC, CONTENT, "shop-of-K1"),
    ]
    async with queues(fake) as (endpoint,), running(endpoint, inbox):
        await confirmed(fake, *ids)
    states = (await inbox.counts())["states"]
    assert (states["new"], states["unreadable"], states["unknown"]) == (2, 3, 2)
    logged = capsys.readouterr().err
    lines = [json.loads(line) for line in logged.splitlines()]
    told = [line for line in lines if line["event"] == "messages cannot be read"]
    assert sum(line["messages"] for line in told) == 3
    assert {line["platform"] for line in told} == {"taobao"}
    assert "王小明" not in logged


async def test_a_platform_that_fails_is_asked_again_and_logged_once_without_the_buyer(
    fake: FakeTaobao, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", "console")
    fake.busy = 3
    own_id = fake.push("K1", TOPIC, CONTENT, "shop-of-K1")

    async def consumed_again() -> bool:
        seen.append(capsys.readouterr().err)
        return "a queue is consumed again" in "".join(seen)

    seen: list[str] = []
    async with queues(fake) as (endpoint,), running(endpoint, inbox):
        await confirmed(fake, own_id)
        await eventually("it is logged", consumed_again)
    logged = "".join(seen)
    assert logged.count("a queue cannot be consumed") == 1
    assert "王小明" not in logged


async def test_a_wrong_secret_is_said_and_stops_nothing_else(
    fake: FakeTaobao, inbox: Inbox, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO", "console")
    own_id, seen = fake.push("K1", TOPIC, CONTENT, "shop-of-K1"), list[str]()

    async def said() -> bool:
        seen.append(capsys.readouterr().err)
        return "Invalid Signature [25]" in "".join(seen)

    async with queues(fake, K1="s3cret", K2="wr0ng") as endpoints, consuming(endpoints, inbox) as consumers:
        await confirmed(fake, own_id)
        await eventually("it is logged", said)
        assert [consumer.failing_seconds for consumer in consumers] == [0, 1]
        # Of several applications the one that fails counts.
        assert failing_seconds(consumers) == {"taobao": 1}
    assert "wr0ng" not in "".join(seen)
