"""A whole market for tests: sandbox, gateway and worker over real HTTP, and reships that live between them."""

import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import date
from pathlib import Path
from typing import Any

from temporalio.client import Client, Interceptor, WorkflowFailureError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from aftersales.bootstrap import make_worker, open_dependencies
from aftersales.cli.running.running_gateway import running_gateway
from aftersales.gateway.inbox import INBOX
from aftersales.ledger.store import SqlLedger
from aftersales.monitoring.monitor import Monitor
from aftersales.platforms.credentials import Secrets
from aftersales.runtime.settings import Settings
from aftersales.sandbox.douyin.actions import ACTIONS, reason_text
from aftersales.sandbox.douyin.codes import AfterSaleStatus, ArbitrateConclusion
from aftersales.sandbox.douyin.model import AfterSaleRecord
from cases.durations import parse_duration
from cases.models import read
from tests.support.patience import PATIENCE_SECONDS
from tests.support.platforms.sandboxes import Caller, sandbox_at_work
from tests.support.programs.programs import free_port
from tests.support.rules.stage import Scene
from tests.support.temporal.life import PROCESS, Life, eventually, whole_now

SHOP, OTHER_SHOP, QUIET_SHOP, OTHER_QUIET_SHOP = SHOPS = ("1001", "1002", "1003", "1004")
"""The quiet shops are for tests that check a whole shop."""
STATUS_TOKEN = "status"  # noqa: S105 - it opens nothing but this gateway
SHIPMENT = {"carrier": "zhongtong", "tracking_no": "ZT0001"}
PIECE = {"kind": "waybill_photo", "url": "https://example.com/waybill.png"}
CONSENT = {"kind": "buyer_consent", "url": "https://example.com/consent.png"}
REFUSAL = {"reason": "商品已正常送达", "evidence": [PIECE]}
CONSENTED = {"reason": "协商一致", "evidence": [CONSENT], "after_consent": True}

RETRIES = "15s"
"""Long enough for four attempts of an activity."""
AHEAD = 60
"""Seconds; a record that is further ahead belongs to a test that has moved the clock."""
SIMPLE_STATES = {
    AfterSaleStatus.AWAITING_MERCHANT: "awaiting_merchant",
    AfterSaleStatus.SHIPPED: "in_transit",
    AfterSaleStatus.RECEIVED: "completed",
    AfterSaleStatus.REFUNDED: "refunded",
}


def state_of(record: AfterSaleRecord) -> str:
    """Return the state of a case that has received everything in its record."""
    if record.in_arbitration:
        return "arbitration"
    if record.status is AfterSaleStatus.CLOSED:
        if record.conclusion is ArbitrateConclusion.FOR_SELLER:
            return "dismissed"
        return "withdrawn" if record.log[-1].action == "撤销申请" else "lapsed"
    if record.in_buyers_window:
        return "overdue" if record.overdue else "refused"
    return SIMPLE_STATES.get(record.status, "awaiting_shipment")


class Reship(Life):
    """A reship: its record in the sandbox, and the case that the platform's messages open."""

    def __init__(self, market: "Market", record: AfterSaleRecord) -> None:
        self.market, self.own_id = market, record.after_sale_id
        handle = market.environment.client.get_workflow_handle(f"{PROCESS}/{self.own_id}")
        super().__init__(market.environment, handle, Scene(), whole_now())

    @property
    def record(self) -> AfterSaleRecord:
        record = self.market.sandbox.record(self.own_id)
        assert record
        return record

    def happens(self, act: str, **form: Any) -> AfterSaleRecord:
        """Let buyer, platform or the merchant's console act on the record; the case hears of it by messages alone."""
        return self.market.sandbox.change(self.own_id, ACTIONS[act].read(form, act))

    async def announced(self) -> "Reship":
        """Wait until the case is there."""
        await self.market.drained()
        await eventually(f"{self.id} is opened", self.exists)
        return self

    async def exists(self) -> bool:
        """Return whether the case was ever opened."""
        try:
            described = await self.handle.describe()
        except RPCError:
            return False
        run = described.run_id
        self.handle = self.environment.client.get_workflow_handle(self.id, first_execution_run_id=run)
        return True

    async def recorded(self, state: str) -> None:
        """Wait until the record is in a state."""

        async def said() -> bool:
            return state_of(self.record) == state

        await eventually(f"{self.id}: the record says {state}", said)

    async def reached(self, state: str) -> dict[str, Any]:
        """Wait until case and record agree on a state and nothing is under way; no operator was needed."""
        await self.recorded(state)
        await self.market.drained()  # a query costs the case a step, so that it waits until all messages have arrived
        seen = await self.until_state(state)
        assert (state_of(self.record), seen["needs_operator"]) == (state, False), seen
        return seen

    async def pass_time(self, length: str) -> None:
        """Let time pass for the case, then for its platform; a clock that was asked about too early is asked again."""
        for span in (length, RETRIES):
            try:
                await super().pass_time(span)
            except RPCError as ended:
                if ended.status is not RPCStatusCode.NOT_FOUND:
                    raise
            self.market.sandbox.advance(int(parse_duration(span).total_seconds()))

    async def completed_in_silence(self, *clauses: str) -> dict[str, Any]:
        """Let the days pass after which a parcel counts as received; the platform has no such clock."""
        await super().pass_time("10d")
        await self.until_closed()
        seen = await self.until_state("completed")
        assert (state_of(self.record), self.market.clauses(self.id)) == ("in_transit", list(clauses))
        return seen

    async def ended(self, state: str, *clauses: str) -> dict[str, Any]:
        """Wait until the case has closed in the state of its record, with exactly these entries in the ledger."""
        await self.until_closed()
        seen = await self.reached(state)
        assert [entry["clause"] for entry in seen["ledger"]] == list(clauses)
        assert self.market.clauses(self.id) == sorted(clauses)
        assert {effect["status"] for effect in seen["effects"]} <= {"done"}
        assert await self.exists()
        assert await self.wedged() == []
        return seen


class Market:
    """A running sandbox, gateway and worker, and their data."""

    def __init__(self, environment: WorkflowEnvironment, caller: Caller, client: Client, settings: Settings) -> None:
        self.environment, self.caller, self.sandbox = environment, caller, caller.sandbox
        self.client, self.settings = client, settings
        self.gateway = f"http://{settings.gateway_host}:{settings.gateway_port}"

    def calm(self) -> None:
        """Remove all faults, and return to real time."""
        self.sandbox.faults.clear()
        self.sandbox.pusher.behave(type(self.sandbox.pusher.behaviour)())
        self.sandbox.pusher.resume()
        self.sandbox.clock.offset = 0

    def applies(self, reason: str, shop_id: str = SHOP) -> Reship:
        """Let a buyer apply."""
        return Reship(self, self.sandbox.apply(shop_id, reason_text(reason), 9990))

    async def opens(self, reason: str, shop_id: str = SHOP) -> Reship:
        """Let a buyer apply, and wait until the platform's message has opened the case."""
        return await self.applies(reason, shop_id).announced()

    def clauses(self, case_id: str) -> list[str]:
        """Return the clauses of a case's entries in the shop's ledger."""
        with SqlLedger(self.settings.ledger_address) as ledger:
            booked = ledger.entries(date.min, date.max)
        return sorted(entry.clause for entry in booked if entry.case_id == case_id)

    async def inbox(self) -> dict[str, Any]:
        """Return the gateway's counts of messages."""
        bearer = {"authorization": f"Bearer {STATUS_TOKEN}"}
        answer = await self.caller.client.get(f"{self.gateway}/status", headers=bearer)
        counts: dict[str, Any] = answer.json()
        return counts

    async def drained(self) -> None:
        """Wait until every message is delivered and dispatched, unless deliveries are paused."""
        if self.sandbox.pusher.paused:
            return
        assert await self.sandbox.pusher.idle(PATIENCE_SECONDS)
        with closing(sqlite3.connect(self.settings.data_dir / INBOX)) as inbox:

            async def done() -> bool:
                return inbox.execute("SELECT 1 FROM messages WHERE state = 'new' LIMIT 1").fetchone() is None

            await eventually("every message is dispatched", done)

    async def dispatched(self) -> dict[str, Any]:
        """Wait until every message is delivered and dispatched, and return the counts."""
        await self.drained()
        return await self.inbox()

    async def reconcile(self, shop_id: str = SHOP) -> dict[str, Any]:
        """Reconcile a shop once, as the schedule does."""
        await self.no_record_ahead()
        scope, own_id = {"platform": "douyin", "shop_id": shop_id}, f"look/{shop_id}/{whole_now().timestamp()}"
        try:
            return await self.client.execute_workflow(  # type: ignore[no-any-return]
                "catch_up", scope, id=own_id, task_queue=self.settings.task_queue
            )
        except WorkflowFailureError as failed:
            raise AssertionError(str(failed.cause.__cause__)) from failed

    async def no_record_ahead(self) -> None:
        """Wait until no record is ahead of the clock: each change adds a second, and tests change records faster."""

        async def come() -> bool:
            now = self.sandbox.now()
            return not any(0 < record.updated_at - now < AHEAD for record in self.sandbox.records())

        await eventually("no record is ahead of now", come)


@asynccontextmanager
async def market_at_work(
    environment: WorkflowEnvironment, folder: Path, queue: str = "market", interceptors: Sequence[Interceptor] = ()
) -> AsyncIterator[Market]:
    """Start everything; the cases that messages open have real time until they are moved."""
    client = await Client.connect(
        environment.client.service_client.config.target_host,
        data_converter=pydantic_data_converter,
        interceptors=interceptors,
    )

    async def connected() -> Client:
        return client

    port = free_port()
    apps = read(Secrets, {"douyin": _credentials()}, "apps")
    async with sandbox_at_work(gateway=f"http://127.0.0.1:{port}/douyin", apps=apps) as caller:
        settings = Settings(
            task_queue=queue,
            data_dir=folder,
            secrets_file=_secrets_file(folder, caller.address),
            gateway_port=port,
            graceful_shutdown_seconds=0.1,
        )
        async with (
            running_gateway(settings, connected, Monitor()),
            open_dependencies(settings, client) as world,
            make_worker(client, settings, world),
        ):
            yield Market(environment, caller, client, settings)


def _credentials(**fields: str) -> dict[str, Any]:
    app = {"app_key": "K1", "app_secret": "first"}
    return {**fields, "apps": [app], "shops": [{"shop_id": shop_id, "app_key": "K1"} for shop_id in SHOPS]}


def _secrets_file(folder: Path, address: str) -> Path:
    path = folder / "secrets.yaml"
    blocks = {"douyin": _credentials(address=f"{address}/douyin"), "gateway": {"status_token": STATUS_TOKEN}}
    path.write_text(json.dumps(blocks), encoding="utf-8")
    path.chmod(0o600)
    return path
