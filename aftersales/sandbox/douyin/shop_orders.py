"""Douyin's orders: what may happen to them, their records and messages. Pure: time is an argument, in seconds."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NamedTuple

from pydantic import Field

from aftersales.sandbox.douyin.codes import AfterSaleStatus
from aftersales.sandbox.douyin.model import Digits, SentParcel, must
from cases.errors import PlatformRefused
from cases.models import Id, Strict

SENT: Final = 3
_PAID, _CANCELLED, _COMPLETED = 105, 4, 5
"""order_status and main_status of an order on its way."""
_REFUNDED_UNSENT, _REFUNDED_SENT, _REFUNDED_RECEIVED = 21, 22, 39
"""main_status of an order whose refund is complete, by how far the order was."""
_CORRECTION: Final = 24 * 3600
"""Seconds after its upload in which a tracking number can be corrected."""
_BUSINESS: Final = 2
"""biz of an ordinary shop."""
_RECEIVER: Final = {
    "name": "#enc-name#",
    "tel": "#enc-tel#",
    "addr": json.dumps({"province": {"id": "44", "name": "广东省"}, "detail": "#enc-detail#"}, ensure_ascii=False),
}
"""The receiver, of whom the platform sends only what it has encrypted."""


class Refund(Strict):
    """An after-sale that gives money back: ``kind`` 0 with the goods returned, 1 without, 2 before the shipment."""

    after_sale_id: Digits
    kind: Annotated[int, Field(ge=0, le=2)]
    amount: Annotated[int, Field(ge=0)]
    applied_at: int
    updated_at: int
    status: AfterSaleStatus = AfterSaleStatus.AWAITING_MERCHANT


class SandboxOrder(Strict):
    """An order of a shop; ``amount`` in 分, instants are 0 for what has not happened."""

    shop_id: Id
    order_id: Digits
    amount: Annotated[int, Field(ge=0)] = 0
    placed_at: int = 0
    paid_at: int = 0
    ship_by: int = 0
    shipped_at: int = 0
    completed_at: int = 0
    updated_at: int = 0
    status: int = _PAID
    main_status: int = _PAID
    parcels: tuple[SentParcel, ...] = ()
    refunds: tuple[Refund, ...] = ()

    def changed(self, now: int, **updates: Any) -> "SandboxOrder":
        """Return the order after a change."""
        return self.model_copy(update={"updated_at": now, **updates})


class OrderPush(NamedTuple):
    """A message about an order; ``write`` returns its data, with ``update_time`` as text if its argument is true."""

    tag: str
    write: Callable[[bool], str]


class OrderChange(NamedTuple):
    """An order after a change, and the messages to push."""

    order: SandboxOrder
    messages: tuple[OrderPush, ...] = ()


def ship(order: SandboxOrder, now: int, company_code: str, tracking_no: str) -> OrderChange:
    """Send the whole order in one parcel (102)."""
    must(order.status == _PAID, "发货")
    parcel = SentParcel(company_code=company_code, tracking_no=tracking_no, logistics_time=now)
    sent = order.changed(now, status=SENT, main_status=SENT, shipped_at=now, parcels=(parcel,))
    return OrderChange(sent, (_logistics(sent, "102"),))


def correct(order: SandboxOrder, now: int, company_code: str, tracking_no: str) -> OrderChange:
    """Correct the parcel's number within a day (104)."""
    must(order.status == SENT, "修改物流")
    parcel = order.parcels[0]
    if now - parcel.logistics_time > _CORRECTION:
        raise PlatformRefused("上传超过 24 小时,不可修改 / uploaded over 24 h ago: it can no longer be changed")
    # The time of the upload stays.
    corrected = parcel.model_copy(update={"company_code": company_code, "tracking_no": tracking_no})
    changed = order.changed(now, parcels=(corrected, *order.parcels[1:]))
    return OrderChange(changed, (_logistics(changed, "104"),))


def put_off(order: SandboxOrder, now: int, ship_by: int) -> OrderChange:
    """Set until when the order is to be shipped (126)."""
    must(order.status == _PAID, "变更发货时间")
    changed = order.changed(now, ship_by=ship_by)
    fields = {**_named(changed), "p_id": order.order_id, "exp_delivery_time": ship_by}
    for name in ("order_status", "biz"):
        del fields[name]
    return OrderChange(changed, (_message("126", fields),))


def complete(order: SandboxOrder, now: int) -> OrderChange:
    """Complete the order: the buyer has confirmed the receipt (103)."""
    must(order.status == SENT, "确认收货")
    done = order.changed(now, status=_COMPLETED, main_status=_COMPLETED, completed_at=now)
    return OrderChange(done, (_message("103", {**_named(done), "complete_time": now}),))


def cancel(order: SandboxOrder, now: int) -> OrderChange:
    """Close the order before it is sent; its money goes back (106)."""
    must(order.status == _PAID, "取消订单")
    closed = order.changed(now, status=_CANCELLED, main_status=_CANCELLED)
    fields = {**_named(closed), "cancel_time": now, "cancel_reason": "系统取消"}
    return OrderChange(closed, (_message("106", fields),))


def apply_for_refund(order: SandboxOrder, now: int, refund: Refund) -> OrderChange:
    """Let the buyer apply for money back (200)."""
    asked = order.changed(now, refunds=(*order.refunds, refund))
    return OrderChange(asked, (_after_sale(asked, refund, "200", {"apply_time": now}),))


def refund(order: SandboxOrder, now: int, after_sale_id: str) -> OrderChange:
    """Give the money of an after-sale back (206); once all of it went back, the order is refunded."""
    given = _settled(order, now, after_sale_id, AfterSaleStatus.REFUNDED)
    refunds = tuple(given if one.after_sale_id == after_sale_id else one for one in order.refunds)
    back = sum(one.amount for one in refunds if one.status is AfterSaleStatus.REFUNDED)
    ended = {_PAID: _REFUNDED_UNSENT, SENT: _REFUNDED_SENT, _COMPLETED: _REFUNDED_RECEIVED}
    whole = {"main_status": ended.get(order.status, order.main_status)} if back >= order.amount else {}
    changed = order.changed(now, refunds=refunds, **whole)
    return OrderChange(changed, (_after_sale(changed, given, "206", {"success_time": now}),))


def close_refund(order: SandboxOrder, now: int, after_sale_id: str) -> OrderChange:
    """Close an after-sale without money (207): the buyer has withdrawn it, or its time is over."""
    closed = _settled(order, now, after_sale_id, AfterSaleStatus.CLOSED)
    refunds = tuple(closed if one.after_sale_id == after_sale_id else one for one in order.refunds)
    changed = order.changed(now, refunds=refunds)
    return OrderChange(changed, (_after_sale(changed, closed, "207", {"close_time": now}),))


def detail(order: SandboxOrder) -> dict[str, Any]:
    """Return the data of ``order.orderDetail``."""
    return {
        "shop_order_detail": {
            "order_id": order.order_id,
            "shop_id": _number(order.shop_id),
            "order_status": order.status,
            "main_status": order.main_status,
            "order_type": 0,
            "biz": _BUSINESS,
            "create_time": order.placed_at,
            "pay_time": order.paid_at,
            "exp_ship_time": order.ship_by,
            "ship_time": order.shipped_at,
            "finish_time": order.completed_at,
            "update_time": order.updated_at,
            "order_amount": order.amount,
            "pay_amount": order.amount,
            "encrypt_post_receiver": _RECEIVER["name"],
            "logistics_info": [
                {
                    "tracking_no": parcel.tracking_no,
                    "company": parcel.company_code,
                    "company_name": parcel.company_name,
                    "ship_time": parcel.logistics_time,
                    "delivery_id": f"{parcel.company_code}_{parcel.tracking_no}",
                }
                for parcel in order.parcels
            ]
            or None,
        }
    }


def refund_detail(order: SandboxOrder, refund: Refund) -> dict[str, Any]:
    """Return the data of ``afterSale.Detail`` for an after-sale that gives money back."""
    info = {
        "after_sale_id": int(refund.after_sale_id),
        "after_sale_status": int(refund.status),
        "after_sale_type": refund.kind,
        "apply_time": refund.applied_at,
        "update_time": refund.updated_at,
        "reason": "不想要了",
        "status_deadline": 0,
    }
    items = [{"sku_order_id": int(order.order_id), "pay_amount": order.amount, "order_status": order.status}]
    return {
        "process_info": {"after_sale_info": info, "arbitrate_info": None, "logistics_info": None},
        "order_info": {"shop_order_id": int(order.order_id), "sku_order_infos": items},
    }


def _settled(order: SandboxOrder, now: int, after_sale_id: str, status: AfterSaleStatus) -> Refund:
    named = [one for one in order.refunds if one.after_sale_id == after_sale_id]
    waiting = [one for one in named if one.status is AfterSaleStatus.AWAITING_MERCHANT]
    must(waiting, "处理该售后")
    return waiting[0].model_copy(update={"status": status, "updated_at": now})


def _named(order: SandboxOrder) -> dict[str, Any]:
    return {
        "p_id": int(order.order_id),
        "s_ids": [int(order.order_id)],
        "shop_id": _number(order.shop_id),
        "order_status": order.status,
        "order_type": 0,
        "biz": _BUSINESS,
    }


def _logistics(order: SandboxOrder, tag: str) -> OrderPush:
    parcel = order.parcels[0]
    sent = {"express_company_id": parcel.company_code, "logistics_code": parcel.tracking_no}
    fields = {"receiver_msg": _RECEIVER, "logistics_msg": sent, "update_time": order.updated_at}
    return _message(tag, {**_named(order), **fields})


def _after_sale(order: SandboxOrder, refund: Refund, tag: str, instant: Mapping[str, int]) -> OrderPush:
    fields = {
        "aftersale_id": int(refund.after_sale_id),
        "aftersale_type": refund.kind,
        "aftersale_status": int(refund.status),
        "p_id": int(order.order_id),
        "s_id": int(order.order_id),
        "shop_id": _number(order.shop_id),
        "reason_code": 1,
        "refund_amount": refund.amount,
        "refund_post_amount": 0,
        "refund_voucher_num": 0,
        **instant,
    }
    return _message(tag, fields)


def _message(tag: str, fields: Mapping[str, Any]) -> OrderPush:
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return OrderPush(tag, lambda _: text)


def _number(shop_id: str) -> int | str:
    return int(shop_id) if shop_id.isdecimal() else shop_id
