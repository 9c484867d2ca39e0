"""A shipment watch and an interception of one order on Douyin: fed by the gateway and the looks alone."""

from typing import Any

from aftersales.sandbox.douyin.model import Scan
from cases.messages import Opening
from tests.support.platforms.market import QUIET_SHOP, Market
from tests.support.processes.interceptions import interception_facts
from tests.support.processes.shipments import shipment_facts
from tests.support.rules.stage import Scene
from tests.support.temporal.life import Life, fired, whole_now
from workflows.opening import start_case
from workflows.registry import PROCESSES

ORDER, AFTER_SALE, NUMBER = "692200000001", "730100000001", "SF1234567890"
HOUR = 3600


async def opened(market: Market, process: str, facts: dict[str, Any], own_id: str) -> Life:
    await start_case(market.client, market.settings.task_queue, PROCESSES[process], Opening(facts=facts))
    handle = market.environment.client.get_workflow_handle(f"{process}/{own_id}")
    return Life(market.environment, handle, Scene(), whole_now())


async def happens(market: Market, act: str, order: str = ORDER, **form: Any) -> None:
    """Let something happen to an order on the platform; the cases hear of it by messages alone."""
    await market.caller.control(f"/orders/{QUIET_SHOP}/{order}/{act}", form)
    await market.drained()


async def test_ds_3_g_15_an_order_is_watched_from_its_shipment_to_its_refund(market: Market) -> None:
    with market.environment.with_time_skipping_disabled():
        ordered = whole_now()
        placed = {"shop_id": QUIET_SHOP, "amount": "100.00", "placed_at": ordered.isoformat()}
        for order in (ORDER, "692200000002"):
            await market.caller.control("/orders", {**placed, "order_id": order})
        watch = await opened(market, "douyin_shipment", shipment_facts(ordered, ORDER, shop_id=QUIET_SHOP), ORDER)
        parcel = {"tracking_no": NUMBER, "carrier": "shunfeng", "goods_amount": "100.00", "out_for_delivery": False}
        stopped = interception_facts(AFTER_SALE, shop_id=QUIET_SHOP, order_id=ORDER, parcels=[parcel])

        await happens(market, "ship", company_code="shunfeng", tracking_no=NUMBER)
        await happens(market, "ship", "692200000002", company_code="shunfeng", tracking_no="SF2")
        await watch.until_state("awaiting_pickup")
        now = market.sandbox.now()
        market.sandbox.routes[NUMBER] = (
            Scan(time=now, state="1", content="", description="已揽收", site="浙江杭州"),
            Scan(time=now + 1, state="1", content="", description="派送中", site="辽宁沈阳"),
        )
        await market.reconcile(QUIET_SHOP)
        assert fired(await watch.until_state("suspected")) == ["upload_tracking", "scan", "scan", "suspect"]

        interception = await opened(market, "douyin_interception", stopped, AFTER_SALE)
        await happens(market, "apply", after_sale_id=AFTER_SALE, amount="100.00")
        await happens(market, "refund", after_sale_id=AFTER_SALE)
        await watch.until_state("refunded")
        assert "refund_succeeds" in fired(await interception.until_state("choosing"))
        await market.reconcile(QUIET_SHOP)
        await interception.until_state("too_late")
        assert not await exists(market, "douyin_shipment/692200000002"), "nobody watches the other order"


async def exists(market: Market, case_id: str) -> bool:
    return [run.id async for run in market.client.list_workflows(f"WorkflowId = '{case_id}'")] != []
