"""Douyin's methods on orders and their parcels' tracks, each called for one shop."""

from typing import Any

from aftersales.sandbox.douyin import params, shop_orders
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.douyin.codes import NUMBER_UNKNOWN, ORDER_UNKNOWN, CallRefused
from aftersales.sandbox.douyin.methods import Answer, Params, parcels


def detail(sandbox: Sandbox, shop_id: str, body: Params) -> Answer:
    """``order.orderDetail``."""
    asked = params.take(params.OrderDetail, body)
    order = sandbox.orders.get((shop_id, asked.shop_order_id))
    if order is None:
        raise CallRefused(ORDER_UNKNOWN)
    return shop_orders.detail(order)


def track(sandbox: Sandbox, shop_id: str, body: Params) -> Answer:
    """``logistics.trackNoRouteDetail``: a parcel of the shop with its scans."""
    asked = params.take(params.Track, body)
    if asked.track_no not in {parcel.tracking_no for parcel in parcels(sandbox, shop_id)}:
        raise CallRefused(NUMBER_UNKNOWN)
    nodes: list[dict[str, Any]] = [
        {
            "content": scan.content,
            "timestamp": str(scan.time),
            "state": scan.state,
            "state_description": scan.description or scan.content,
            "site_name": scan.site,
        }
        for scan in sandbox.routes.get(asked.track_no, ())
    ]
    return {"route__node_list": nodes, "track_info": {"track_no": asked.track_no, "express": asked.logistics_code}}
