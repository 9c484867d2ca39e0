"""Messages that name an order, on a real Temporal server: they reach the cases about it, whichever of their orders."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from aftersales.cli.running.running_gateway import running_gateway
from aftersales.gateway.case_client import CaseClient, Fed, FeedResult
from aftersales.monitoring.monitor import Monitor
from aftersales.platforms.adapter import OrderMessageAdapter
from aftersales.platforms.credentials import Secrets
from aftersales.platforms.inbound import CaseKey
from aftersales.runtime.client.known_cases import EndedEarly
from aftersales.runtime.settings import Settings
from aftersales.sandbox import alibaba_1688
from aftersales.sandbox.alibaba_1688 import Trade
from aftersales.sandbox.server import make_sandbox
from cases.messages import Opening, Report
from cases.models import read
from tests.conftest import TASK_QUEUE
from tests.support.platforms.serving import serving
from tests.support.processes.anomalies import anomaly_facts
from tests.support.processes.claims import claim_facts
from tests.support.programs.programs import free_port
from tests.support.records.register import Register
from tests.support.temporal.life import eventually, fired, whole_now
from workflows.opening import start_case
from workflows.registry import PROCESSES

SPLIT, CLAIM, ANOMALY = "anxinjian_split", "claim_1688", "anomaly_1688"


class Notes(OrderMessageAdapter):
    """An adapter of messages about orders, that notes the facts it is shown."""

    def __init__(self, concerned: str | None = None) -> None:
        self.concerned, self.shown = concerned, list[Mapping[str, Any]]()

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        raise NotImplementedError

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        raise NotImplementedError

    async def concerning(self, facts: Mapping[str, Any], report: Report) -> Report | None:
        self.shown.append(facts)
        if self.concerned in (None, facts.get("claim_id")):
            return report.model_copy(update={"form": {"refunded": True}} if report.rule == "close_trade" else {})
        return None


def number() -> str:
    """Return an id of digits that nobody else has."""
    return str(uuid.uuid4().int)[:18]


async def opens(client: Client, process: str, facts: dict[str, Any], *orders: str) -> str:
    """Open a case, and wait until a search for each of its orders finds it."""
    opened = await start_case(client, TASK_QUEUE, PROCESSES[process], Opening(facts=facts))

    async def found() -> bool:
        counts = [(await client.count_workflows(f"CaseOrders = '{order}'")).count for order in orders]
        return all(counts)

    await eventually(f"{opened.id} is found", found)
    return opened.id


def split_of(item: str, *orders: str) -> dict[str, Any]:
    return {
        "provider_id": "P1",
        "merchant_id": "M1",
        "item_id": item,
        "authentication_fee": "30.00",
        "freight_fee": "12.00",
        "sub_orders": [{"order_id": order, "carries_item": order == orders[0]} for order in orders],
    }


def feeder(environment: WorkflowEnvironment, process: str, adapter: OrderMessageAdapter) -> CaseClient:
    async def connect() -> Client:
        return environment.client

    return CaseClient(connect, {process: adapter}, TASK_QUEUE, Register())


async def seen(environment: WorkflowEnvironment, case_id: str) -> dict[str, Any]:
    view: dict[str, Any] = await environment.client.get_workflow_handle(case_id).query("view")
    return view


async def test_any_order_of_an_item_leads_to_its_case_and_only_of_its_own_shop(
    worker: None, environment: WorkflowEnvironment
) -> None:
    item, first, second = number(), number(), number()
    adapter = Notes()
    client = feeder(environment, SPLIT, adapter)
    with environment.with_time_skipping_disabled():
        case_id = await opens(environment.client, SPLIT, split_of(item, first, second), first, second)
        results = [
            (await client.feed(CaseKey(SPLIT, shop, order), Report(message_id=order, rule="refund_order", order=order)))
            for shop, order in (("M1", second), ("M2", first), ("M1", number()))
        ]
        view = await seen(environment, case_id)
    assert [fed.result for fed in results] == [FeedResult.SIGNALLED, FeedResult.NO_CASE, FeedResult.NO_CASE]
    assert [(entry["rule"], entry["order"]) for entry in view["timeline"] if entry["rule"] == "refund_order"] == [
        ("refund_order", second)
    ]
    assert [facts["item_id"] for facts in adapter.shown] == [item]


async def test_all_cases_about_an_order_are_told_unless_it_does_not_concern_them(
    worker: None, environment: WorkflowEnvironment
) -> None:
    order, claims = number(), [number(), number()]
    told = Report(message_id="m1", rule="close_trade", occurred_at=whole_now())
    with environment.with_time_skipping_disabled():
        for claim in claims:
            await opens(environment.client, CLAIM, claim_facts(claim, whole_now(), order_id=order), order)
        await both_are_found(environment, order)
        one = await feeder(environment, CLAIM, Notes(claims[1])).feed(CaseKey(CLAIM, "S1", order), told)
        rules = [fired(await seen(environment, f"{CLAIM}/{claim}")) for claim in claims]
        none = await feeder(environment, CLAIM, Notes("nobody's")).feed(CaseKey(CLAIM, "S1", order), told)
        both = await feeder(environment, CLAIM, Notes()).feed(CaseKey(CLAIM, "S1", order), told)
        later = [fired(await seen(environment, f"{CLAIM}/{claim}")) for claim in claims]
    assert (one.result, none.result, both.result) == (
        FeedResult.SIGNALLED,
        FeedResult.UNCONCERNED,
        FeedResult.SIGNALLED,
    )
    assert rules == [[], ["close_trade"]]
    assert later == [["close_trade"], ["close_trade"]]


async def both_are_found(environment: WorkflowEnvironment, order: str) -> None:
    async def found() -> bool:
        return (await environment.client.count_workflows(f"CaseOrders = '{order}'")).count == 2

    await eventually("both are found", found)


async def test_a_case_that_has_to_be_revived_holds_up_no_other_about_the_order(
    worker: None, environment: WorkflowEnvironment
) -> None:
    order, claims = number(), sorted([number(), number()])
    with environment.with_time_skipping_disabled():
        for claim in claims:
            await opens(environment.client, CLAIM, claim_facts(claim, whole_now(), order_id=order), order)
        await both_are_found(environment, order)
        await environment.client.get_workflow_handle(f"{CLAIM}/{claims[0]}").terminate()
        with pytest.raises(EndedEarly, match="revive"):
            await feeder(environment, CLAIM, Notes()).feed(
                CaseKey(CLAIM, "S1", order), Report(message_id="m1", rule="close_trade")
            )
        assert fired(await seen(environment, f"{CLAIM}/{claims[1]}")) == ["close_trade"]


async def test_a_message_about_a_case_that_has_ended_says_where(worker: None, environment: WorkflowEnvironment) -> None:
    order, claim = number(), number()
    client = feeder(environment, CLAIM, Notes())
    case = CaseKey(CLAIM, "S1", order)
    with environment.with_time_skipping_disabled():
        await opens(environment.client, CLAIM, claim_facts(claim, whole_now(), order_id=order), order)
        await client.feed(case, Report(message_id="m1", rule="withdraw"))
    await environment.client.get_workflow_handle(f"{CLAIM}/{claim}").result()

    fed: Fed = await client.feed(case, Report(message_id="m2", rule="close_trade"))

    assert fed.result == FeedResult.CLOSED
    assert "买家已撤销" in fed.note


def secrets_for(address: str) -> dict[str, Any]:
    apps = [{"app_key": "K1", "app_secret": "s3cret"}]
    shop = {"app_key": "K1", "access_token": "T1"}
    return {
        "taobao": {
            "address": f"{address}/taobao",
            "apps": apps,
            "shops": [{"shop_id": "M1", "user": "卖家一", **shop}],
        },
        "alibaba_1688": {
            "address": f"{address}/1688",
            "apps": apps,
            "shops": [{"shop_id": "S1", "user": "b2b-1", **shop}],
        },
    }


@asynccontextmanager
async def gateway_at_work(
    environment: WorkflowEnvironment, address: str, folder: Path
) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    path = folder / "secrets.yaml"
    path.write_text(json.dumps(secrets_for(address)), encoding="utf-8")
    path.chmod(0o600)
    settings = Settings(data_dir=folder, secrets_file=path, gateway_port=free_port(), task_queue=TASK_QUEUE)

    async def connect() -> Client:
        return environment.client

    async with running_gateway(settings, connect, Monitor()) as running:
        yield running


async def test_messages_of_taobao_and_1688_move_the_cases_that_people_have_opened(
    worker: None, environment: WorkflowEnvironment, tmp_path: Path
) -> None:
    item, first, second = number(), number(), number()
    order, claim, anomaly = number(), number(), number()
    apps = read(Secrets, secrets_for("http://127.0.0.1:9"), "apps")
    sandbox = make_sandbox(apps, gateway=None, state=None, control_token="t")  # noqa: S106 - it opens only this sandbox
    taobao, ali = sandbox.state.taobao, sandbox.state.alibaba_1688
    with environment.with_time_skipping_disabled():
        client = environment.client
        split_case = await opens(client, SPLIT, split_of(item, first, second), first, second)
        claim_case = await opens(client, CLAIM, claim_facts(claim, whole_now(), order_id=order), order)
        warning = anomaly_facts(anomaly, whole_now(), order_id=order, kind="stalled")
        anomaly_case = await opens(client, ANOMALY, warning, order)
        lost_case = await opens(
            client, ANOMALY, anomaly_facts(number(), whole_now(), order_id=order, tracking_no="YT9"), order
        )
        # Of the item's order a part of the money is refunded, of the other everything.
        taobao.trades |= {first: "WAIT_BUYER_CONFIRM_GOODS", second: "TRADE_CLOSED"}
        for tid in (first, second):
            taobao.push("K1", "taobao_refund_RefundSuccess", json.dumps({"tid": int(tid), "refund_fee": "5"}), "卖家一")
        ali.trades[order] = Trade("cancel", "200.00")
        parcel = {"mailNo": "YT1", "statusChanged": "TRANSPORT", "orderLogsItems": [{"orderId": int(order)}]}
        pushes = {
            "ORDER_ORDER_SELLER_CLOSE": {"orderId": int(order), "currentStatus": "cancel"},
            "LOGISTICS_BUYER_VIEW_TRACE": {"OrderLogisticsTracingModel": parcel},
        }
        async with serving(sandbox) as address, gateway_at_work(environment, address, tmp_path) as (gateway, _):
            for own_id, (kind, data) in enumerate(pushes.items()):
                payload = {"msgId": own_id, "type": kind, "data": data, "userInfo": "b2b-1"}
                assert await alibaba_1688.push(f"{gateway}/1688", "s3cret", payload) == "success"

            async def arrived() -> bool:
                told = {split_case: "refund_order", claim_case: "close_trade", anomaly_case: "track_moves"}
                told[lost_case] = "refund"
                return all([rule in fired(await seen(environment, case)) for case, rule in told.items()])

            await eventually("all cases are told", arrived)
        split = await seen(environment, split_case)
        lost = await seen(environment, lost_case)
        entries = (await seen(environment, claim_case))["timeline"]
    assert [entry["order"] for entry in split["timeline"] if entry["rule"] == "refund_order"] == [second]
    assert [entry["form"] for entry in entries if entry["rule"] == "close_trade"] == [{"refunded": True}]
    assert len(taobao.confirmed) == 2
    # What the platform says was done is not done again.
    assert [effect["effect"] for effect in lost["effects"] if effect["effect"] == "refund_buyer"] == []
