"""What a gateway tells of itself and of the cases, over real HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from aftersales.cli.running.running_gateway import running_gateway
from aftersales.gateway.inbox import INBOX, Inbox
from aftersales.monitoring.figures import CASES_COUNTED_AT, FIGURE_REGISTRY
from aftersales.platforms.inbound import CaseKey, InboundMessage
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.connection import TemporalUnreachable
from tests.support.patience import PATIENCE_SECONDS
from tests.support.platforms.gateways import secrets_file
from tests.support.platforms.pushing import APP, SHOP, body, content, pushed, signed
from tests.support.programs.programs import free_port
from tests.support.programs.scraping import StatusPages, status_pages
from tests.support.temporal.life import eventually

NOWHERE = "http://127.0.0.1:9"
ORDER = 7104300007405429232
BUYER = "王小明 13800000000"


@dataclass(frozen=True)
class WatchedGateway:
    """A running gateway: what it tells those who run it, and its door for the platforms."""

    pages: StatusPages
    door: httpx2.AsyncClient

    async def push(self, own_id: int) -> int:
        sent = body(pushed("227", f"m{own_id}", content(own_id, reason=BUYER)))
        return (await self.door.post("/douyin", content=sent, headers=signed(sent))).status_code

    async def counted(self) -> bool:
        at = await self.pages.samples("aftersales_cases_counted_timestamp_seconds")
        since = await self.pages.samples("aftersales_catch_up_succeeded_timestamp_seconds")
        return bool(at) and set(since) == {("douyin", SHOP)}


async def away() -> Client:
    raise TemporalUnreachable("no Temporal server answers")


@asynccontextmanager
async def watched_gateway(folder: Path, client: Client | None = None) -> AsyncIterator[WatchedGateway]:
    settings = Settings(data_dir=folder, secrets_file=secrets_file(folder, NOWHERE), gateway_port=free_port())

    async def connected() -> Client:
        return client or await away()

    async with (
        status_pages("gateway") as (monitor, pages),
        running_gateway(settings, connected, monitor) as (address, _),
        httpx2.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as door,
    ):
        monitor.started()
        yield WatchedGateway(pages, door)


async def test_without_temporal_it_is_ready_and_shows_what_waits(tmp_path: Path) -> None:
    async with watched_gateway(tmp_path) as gateway:
        before = await gateway.pages.value("aftersales_pushes_total", marketplace="douyin", result="stored")
        assert await gateway.push(ORDER) == await gateway.push(ORDER + 1) == 200
        assert await gateway.pages.readiness() == (
            200,
            {"ready": True, "inbox": "ok", "temporal": "away", "ledger": "ok"},
        )
        for path in ("/healthz", "/readyz"):
            told = await gateway.door.get(path)
            assert (told.status_code, told.text) == (200, "ok")
        assert await gateway.pages.value("aftersales_inbox_waiting") == 2
        assert await gateway.pages.value("aftersales_inbox_oldest_seconds") > 0
        assert await gateway.pages.samples("aftersales_inbox_failed") == {(): 0.0}
        stored = await gateway.pages.value("aftersales_pushes_total", marketplace="douyin", result="stored")
        assert stored - before == 2
        assert await gateway.pages.value("aftersales_reachable", part="temporal") == 0
        assert await gateway.pages.samples("aftersales_cases_counted_timestamp_seconds") == {}
        served = (await gateway.pages.client.get("/metrics")).text
        assert not any(part in served for part in (*BUYER.split(), str(ORDER)))


async def test_pushes_that_are_refused_or_too_large_are_counted(tmp_path: Path) -> None:
    async with watched_gateway(tmp_path) as gateway:
        before = await gateway.pages.value("aftersales_pushes_total", marketplace="douyin", result="refused")
        sent = json.dumps([])
        forged = {"app-id": APP, "event-sign": "forged"}
        assert (await gateway.door.post("/douyin", content=sent, headers=forged)).status_code == 401
        large = b" " * (Settings().gateway_body_limit + 1)
        assert (await gateway.door.post("/douyin", content=large, headers=forged)).status_code == 413
        after = await gateway.pages.value("aftersales_pushes_total", marketplace="douyin", result="refused")
    assert after - before == 2


async def test_the_gateway_that_delivers_counts_the_cases_and_no_other(
    tmp_path: Path, environment: WorkflowEnvironment
) -> None:
    with environment.with_time_skipping_disabled():
        async with watched_gateway(tmp_path, environment.client) as gateway:
            await eventually("that the cases are counted", gateway.counted)
            assert await gateway.pages.samples("aftersales_ended_look_succeeded_timestamp_seconds") != {}
        async with Inbox(tmp_path / INBOX) as other:
            assert other.claim()
            CASES_COUNTED_AT.forget()
            async with watched_gateway(tmp_path, environment.client) as gateway:
                for _ in range(20):  # each takes longer than a count
                    await gateway.pages.families()
                assert await gateway.pages.samples("aftersales_cases_counted_timestamp_seconds") == {}
                other.release()
                await eventually("that it has taken over", gateway.counted)


async def test_messages_that_cannot_be_delivered_are_shown(tmp_path: Path) -> None:
    about = CaseKey("douyin_reship", SHOP, "1")
    async with Inbox(tmp_path / INBOX) as inbox:
        await inbox.store([InboundMessage("douyin", "m1", "227", b"{}", case=about)])
        (row,) = await inbox.due(1)
        await inbox.failed(row, "no credentials")
    async with watched_gateway(tmp_path) as gateway:
        assert await gateway.pages.samples("aftersales_inbox_failed") == {(): 1.0}
        assert await gateway.pages.samples("aftersales_inbox_waiting") == {(): 0.0}
        assert await gateway.pages.samples("aftersales_inbox_oldest_seconds") == {(): 0.0}


def test_a_shops_queues_are_among_the_figures() -> None:
    assert "aftersales_queue_failing_seconds" in {family.name for family in FIGURE_REGISTRY.collect()}
