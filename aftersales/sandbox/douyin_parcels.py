"""Douyin's methods on orders and their parcels."""

from typing import Any, Final

from aftersales.sandbox import params
from aftersales.sandbox.douyin_after_sales import own
from aftersales.sandbox.douyin_codes import Status
from aftersales.sandbox.orders import SandboxOrder
from aftersales.sandbox.records import Parcel
from aftersales.sandbox.refusals import NUMBER_UNKNOWN, WireRefused
from aftersales.sandbox.sandbox import Sandbox
from cases.errors import PlatformRefused

INTERCEPT_COST: Final = 500
"""分; the sandbox's own figure."""
SIGNED_FOR: Final = "SIGNED"
"""The sandbox's own state of a parcel that has arrived."""

Answer = dict[str, Any]


def logistics_add(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``order.logisticsAdd``: an order is shipped once."""
    asked = params.take(params.Logistics, given)
    with sandbox.lock:
        if (shop_id, asked.order_id) in sandbox.orders:
            raise PlatformRefused("订单已发货 / the order is shipped already")
        parcel = Parcel(company_code=asked.company_code, tracking_no=asked.logistics_code, logistics_time=sandbox.now())
        sandbox.ship_order(SandboxOrder(shop_id=shop_id, order_id=asked.order_id, parcel=parcel))
    return {"pack_id": asked.order_id}


def logistics_edit(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``order.logisticsEdit``."""
    asked = params.take(params.Logistics, given)
    with sandbox.lock:
        order = sandbox.orders.get((shop_id, asked.order_id))
        if order is None:
            raise PlatformRefused("订单未发货 / the order is not shipped")
        sandbox.ship_order(order.corrected(sandbox.now(), asked.company_code, asked.logistics_code))
    return {"pack_id": asked.order_id}


def track(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``logistics.trackNoRouteDetail``: a parcel of the shop, with the scans it has been given."""
    asked = params.take(params.Track, given)
    if asked.track_no not in {parcel.tracking_no for parcel in _parcels(sandbox, shop_id)}:
        raise WireRefused(NUMBER_UNKNOWN)
    nodes = [
        {
            "content": scan.content,
            "timestamp": str(scan.time),
            "state": scan.state,
            "state_description": scan.content,
            "site_name": scan.site,
        }
        for scan in sandbox.routes.get(asked.track_no, ())
    ]
    return {"route__node_list": nodes, "track_info": {"track_no": asked.track_no, "express": asked.logistics_code}}


def intercept(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``afterSale.applyLogisticsIntercept``: a parcel of the shop that was not signed for is stopped."""
    asked = params.take(params.Intercept, given)
    record = own(sandbox, shop_id, asked.after_sale_id)
    known = {parcel.tracking_no for parcel in _parcels(sandbox, shop_id)}
    results = []
    for target in asked.intercept_targets:
        why = _unavailable(sandbox, target.tracking_no, known, arrived=record.status is Status.RECEIVED)
        results.append(
            {
                "company_code": target.company_code,
                "company_name": target.company_code,
                "tracking_no": target.tracking_no,
                "value_amount": record.amount,
                "can_intercept": not why,
                "is_success": not why,
                "unavailable_reason_code": int(bool(why)),
                "unavailable_reason": why,
                "intercept_cost": INTERCEPT_COST,
            }
        )
    stopped = sum(bool(result["is_success"]) for result in results)
    return {"intercept_results": results, "success_count": stopped, "failed_count": len(results) - stopped}


def _parcels(sandbox: Sandbox, shop_id: str) -> list[Parcel]:
    with sandbox.lock:
        sent = [order.parcel for (shop, _), order in sandbox.orders.items() if shop == shop_id]
        resent = (record.parcel for record in sandbox.records() if record.shop_id == shop_id)
        return [*sent, *(parcel for parcel in resent if parcel)]


def _unavailable(sandbox: Sandbox, tracking_no: str, known: set[str], *, arrived: bool) -> str:
    if tracking_no not in known:
        return "运单号不存在"
    signed = any(scan.state == SIGNED_FOR for scan in sandbox.routes.get(tracking_no, ()))
    return "包裹已签收" if arrived or signed else ""
