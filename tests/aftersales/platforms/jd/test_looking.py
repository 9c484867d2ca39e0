"""A shop's scheduled look, from JD's list to the cases on a real Temporal server."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from aftersales.gateway.case_client import CaseClient
from aftersales.gateway.reconciler import Reconciler
from aftersales.platforms.jd.jd_delay_card import JdDelayCardAdapter
from aftersales.platforms.jd.jd_shipment import JdShipmentAdapter
from aftersales.sandbox.jd import FakeJd, Shipped
from cases.messages import CatchUp, CatchUpCall, Opening
from tests.conftest import TASK_QUEUE
from tests.support.platforms.jd_shops import SHOP, jd_client
from tests.support.processes.jd_shipments import watch_facts
from tests.support.records.register import Register
from tests.support.rules.looks import Looked
from tests.support.temporal.life import fired, whole_now
from workflows.opening import start_case
from workflows.registry import PROCESSES


async def test_jd_10_a_look_moves_the_case_that_somebody_opened_and_opens_none(
    worker: None, environment: WorkflowEnvironment
) -> None:
    ours, other = (str(uuid.uuid4().int)[:12] for _ in range(2))
    now, fake, progress = whole_now(), FakeJd(), Looked()
    fake.shipped = [Shipped(order_id, "467", "SF1", now - timedelta(minutes=5)) for order_id in (ours, other)]

    async def connected() -> Client:
        return environment.client

    async def view(case_id: str) -> dict[str, Any]:
        seen: dict[str, Any] = await environment.client.get_workflow_handle(case_id).query("view")
        return seen

    with environment.with_time_skipping_disabled():
        facts = watch_facts(now - timedelta(hours=1), ours, shop_id=SHOP)
        await start_case(environment.client, TASK_QUEUE, PROCESSES["jd_shipment"], Opening(facts=facts))
        async with jd_client(fake) as jd:
            adapters = {"jd_shipment": JdShipmentAdapter(jd), "jd_delay_card": JdDelayCardAdapter(jd)}
            cases = CaseClient(connected, adapters, TASK_QUEUE, Register())
            call = CatchUpCall(platform="jd", shop_id=SHOP, since=now - timedelta(hours=1), until=now)
            await Reconciler(adapters, cases.feed).reconcile(call, progress)
        watch = await view(f"jd_shipment/{ours}")

    assert (fired(watch), watch["state"]) == (["upload_tracking"], ["awaiting_pickup"])
    assert datetime.fromisoformat(watch["timeline"][0]["at"]) == now - timedelta(minutes=5)
    assert sorted(progress.done) == sorted(f"{process}/{order}" for process in adapters for order in (ours, other))
    assert progress.counts == CatchUp(records=4)
