"""Cases found by the number of a parcel, over real HTTP, whatever the parcel is to them and however they know of it."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.dependencies import Dependencies
from aftersales.bootstrap import make_worker
from aftersales.ledger.noting_parcels import parcels_stored
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.settings import Settings
from aftersales.simulation.virtual_time import time_moved_by_hand
from cases.messages import Opening
from tests.aftersales.desk.test_home import listed
from tests.support.pages.posted_forms import forms_of
from tests.support.rules.stage import BUSINESS, Stage
from tests.support.temporal.life import facts, whole_now
from workflows.opening import start_case
from workflows.registry import PROCESSES

OpenHere = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]


@pytest.fixture
def here() -> Settings:
    """Settings with a task queue of the test's own."""
    return Settings(task_queue=uuid.uuid4().hex, graceful_shutdown_seconds=0.1)


@pytest_asyncio.fixture
async def open_here(environment: WorkflowEnvironment, here: Settings) -> AsyncIterator[OpenHere]:
    """Open cases on that queue; they are terminated afterwards."""
    opened: list[WorkflowHandle[Any, Any]] = []

    async def open_case(process: str, **fields: Any) -> WorkflowHandle[Any, Any]:
        opening = Opening(facts=fields, policy={})
        async with time_moved_by_hand(environment):
            opened.append(await start_case(environment.client, here.task_queue, PROCESSES[process], opening))
        return opened[-1]

    yield open_case
    for handle in opened:
        with suppress(RPCError):  # it has ended by itself
            await handle.terminate("the test is over")


@pytest_asyncio.fixture
async def noting(
    environment: WorkflowEnvironment, here: Settings, stage: Stage, ledger: SqlLedger
) -> AsyncIterator[None]:
    """A worker that notes in the desk's ledger what its cases know."""
    with parcels_stored(ledger.keep_parcels) as noted:
        dependencies = Dependencies(stage, stage, stage, noted=noted, console_done=True)
        async with make_worker(environment.client, here, dependencies):
            yield


def number_of(name: str) -> str:
    return name + uuid.uuid4().hex[:10].upper()


async def decided(desk: httpx2.AsyncClient, case_id: str, rule: str, **fields: str) -> str:
    """Fill and send the form of a rule, and return the page that answers."""
    shown = await desk.get(f"/case/{case_id}", params={"rule": rule})
    (form,) = [form for form in forms_of(shown) if form.fields.get("desk-rule") == rule]
    return (await form.post(desk, **fields)).text


def interception(*numbers: str) -> dict[str, Any]:
    parcel = {"carrier": "圆通速递", "goods_amount": "59.90", "out_for_delivery": False}
    return {
        "shop_id": "S1",
        "after_sale_id": str(uuid.uuid4().int)[:19],
        "order_id": str(uuid.uuid4().int)[:19],
        "refund": "applied",
        "agreement_signed": True,
        "parcels": [{"tracking_no": number, **parcel} for number in numbers],
    }


async def test_a_case_is_found_by_the_parcel_that_its_clerk_shipped_and_by_the_corrected_one(
    desk: httpx2.AsyncClient, noting: None, open_here: OpenHere
) -> None:
    handle = await open_here("douyin_reship", **facts(uuid.uuid4().hex[:12]))
    first, second = number_of("SF"), number_of("SF")
    for rule, form in (
        ("agree", {}),
        ("ship", {"carrier": "SF", "tracking_no": first}),
        ("correct_tracking", {"carrier": "SF", "tracking_no": second}),
    ):
        answer = await decided(desk, handle.id, rule, **form)
        assert "平台已受理" in answer or "已生效" in answer

    for number in (first, second):
        text = await listed(desk, {handle.id}, search=number)
        assert text.count("data-case=") == 1


async def test_an_interception_is_found_by_each_of_the_parcels_it_was_opened_with(
    desk: httpx2.AsyncClient, noting: None, open_here: OpenHere
) -> None:
    numbers = [number_of("YT"), number_of("YT")]
    handle = await open_here("douyin_interception", **interception(*numbers))

    for number in numbers:
        await listed(desk, {handle.id}, search=number)


async def test_a_watched_order_is_found_by_the_number_that_a_message_told(
    desk: httpx2.AsyncClient, noting: None, open_here: OpenHere
) -> None:
    number = number_of("JD")
    handle = await open_here(
        "jd_shipment",
        shop_id="S1",
        order_id=str(uuid.uuid4().int)[:12],
        ordered_at=whole_now().isoformat(),
        kind="stock",
    )
    await handle.signal("report", {"rule": "upload_tracking", "form": {"carrier": "JDL", "tracking_no": number}})

    await listed(desk, {handle.id}, search=number)


async def test_a_split_is_found_by_the_waybill_of_one_of_its_orders(
    desk: httpx2.AsyncClient, noting: None, open_here: OpenHere
) -> None:
    number, order = number_of("YT"), str(uuid.uuid4().int)[:19]
    handle = await open_here(
        "anxinjian_split",
        provider_id="P1",
        merchant_id="M1",
        item_id=uuid.uuid4().hex[:12],
        authentication_fee="30.00",
        freight_fee="12.00",
        sub_orders=[{"order_id": order, "carries_item": True}, {"order_id": f"9{order}", "carries_item": False}],
    )
    await handle.execute_update("choose", {"way": "keep_all", "freight_consent": True})
    for rule, form in (
        ("sign_in", {}),
        ("record", {}),
        ("authenticate", {"verdict": "pass"}),
        ("pack", {}),
        ("print_waybill", {"carrier": "YTO", "tracking_no": number}),
    ):
        await handle.execute_update(rule, {"order": order, **form})

    await listed(desk, {handle.id}, search=number)


async def test_a_case_that_is_older_than_the_list_is_found_once_a_worker_takes_it_up(
    desk: httpx2.AsyncClient,
    environment: WorkflowEnvironment,
    here: Settings,
    stage: Stage,
    ledger: SqlLedger,
    open_here: OpenHere,
) -> None:
    number = number_of("YT")
    async with make_worker(environment.client, here, Dependencies(stage, stage, stage)):
        handle = await open_here("douyin_interception", **interception(number))
        await handle.query("view")
    with parcels_stored(ledger.keep_parcels) as noted:
        async with make_worker(environment.client, here, Dependencies(stage, stage, stage, noted=noted)):
            await handle.query("view")

    assert ledger.cases_of_parcel(number) == [handle.id]


async def test_a_decision_that_is_refused_leaves_no_number(
    desk: httpx2.AsyncClient, noting: None, open_here: OpenHere, ledger: SqlLedger, stage: Stage
) -> None:
    handle = await open_here("douyin_reship", **facts(uuid.uuid4().hex[:12]))
    number = number_of("SF")
    await decided(desk, handle.id, "agree")
    stage.scenes[handle.id].fails["push_tracking_number"] = BUSINESS
    assert "售后单已关闭" in await decided(desk, handle.id, "ship", carrier="SF", tracking_no=number)
    stage.scenes[handle.id].fails.clear()
    shipped = number_of("SF")
    await decided(desk, handle.id, "ship", carrier="SF", tracking_no=shipped)

    await listed(desk, {handle.id}, search=shipped)
    assert ledger.cases_of_parcel(number) == []
