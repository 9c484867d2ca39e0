"""Sample cases as Douyin knows them: the applications and orders of buyers, and which of them messages open."""

import re
from collections.abc import Iterable
from typing import Any

from aftersales.sandbox.douyin.actions import reason_text
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.douyin.model import SentParcel
from aftersales.sandbox.douyin.shop_orders import SENT, Refund, SandboxOrder
from cases.messages import Opening
from workflows.engine.process import Process

_PROCESS = "douyin_reship"
_SHIPMENT, _INTERCEPTION = "douyin_shipment", "douyin_interception"


def opens_by_message(process: Process, opening: Opening) -> bool:
    """Return whether the platform's message opens the case; a case with a policy of its own needs its file."""
    shop = process.open_case(opening).facts.shop
    return _has_record(process, opening) and _is_number(shop) and not opening.policy


def announce(sandbox: Sandbox, cases: Iterable[tuple[Process, Opening]]) -> None:
    """Let the buyers of the cases apply and enter the orders, unless that was done before."""
    for process, opening in cases:
        facts = process.open_case(opening).facts
        if process.name in (_SHIPMENT, _INTERCEPTION):
            _place(sandbox, process.name, facts)
        if _has_record(process, opening) and sandbox.record(facts.own_id) is None:
            sandbox.apply(
                facts.shop,
                reason_text(facts.reason),
                int(facts.order_amount * 100),
                remark=facts.description,
                after_sale_id=facts.own_id,
                order_id=facts.order,
                applied_at=int(facts.applied_at.timestamp()),
            )


def _place(sandbox: Sandbox, process: str, facts: Any) -> None:
    """Enter the order of a shipment watch, or the one of an interception with its parcels and the refund."""
    ids = (facts.own_id, facts.order, facts.shop)
    if not all(_is_number(own_id) for own_id in ids) or (facts.shop, facts.order) in sandbox.orders:
        return
    order = SandboxOrder(shop_id=facts.shop, order_id=facts.order, amount=int(facts.at_stake * 100))
    if process == _SHIPMENT:
        promised = facts.promised_ship_at
        changes = {
            "placed_at": int(facts.ordered_at.timestamp()),
            "paid_at": int(facts.paid_at.timestamp()),
            "ship_by": int(promised.timestamp()) if promised else 0,
        }
        sandbox.place(order.changed(int(facts.paid_at.timestamp()), **changes))
        return
    now = sandbox.now()
    sent = tuple(
        SentParcel(company_code=parcel.carrier, tracking_no=parcel.tracking_no, logistics_time=now)
        for parcel in facts.parcels
    )
    refund = Refund(after_sale_id=facts.own_id, kind=1, amount=order.amount, applied_at=now, updated_at=now)
    changes = {"placed_at": now, "paid_at": now, "status": SENT, "main_status": SENT}
    sandbox.place(order.changed(now, **changes, parcels=sent, refunds=(refund,)))


def _has_record(process: Process, opening: Opening) -> bool:
    facts = process.open_case(opening).facts
    return process.name == _PROCESS and _is_number(facts.own_id) and _is_number(facts.order)


def _is_number(own_id: str) -> bool:
    return re.fullmatch("[1-9][0-9]{0,18}", own_id) is not None
