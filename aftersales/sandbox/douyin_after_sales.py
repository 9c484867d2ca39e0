"""Douyin's methods on after-sales."""

from typing import Any, Final

from aftersales.sandbox import douyin_wire, params, transitions
from aftersales.sandbox.douyin_codes import AFTER_SALE_TYPE, REJECT_REASONS
from aftersales.sandbox.records import Change, Record
from aftersales.sandbox.refusals import (
    BUSINESS,
    PARAMETER_WRONG,
    RECORD_OF_ANOTHER_SHOP,
    RECORD_UNKNOWN,
    STALE,
    WireRefused,
)
from aftersales.sandbox.sandbox import Sandbox
from cases.errors import PlatformRefused

AGREE: Final = 501
REFUSE: Final = 502
"""T: how afterSale.operate names a reship's agreement and refusal."""
RESHIP: Final = 1
"""send_type of a reship."""
ITEM_REFUSED: Final = 1
"""T: status_code of an item that was not carried out."""

Answer = dict[str, Any]


def own(sandbox: Sandbox, shop_id: str, after_sale_id: str) -> Record:
    """Give a shop's own record; raises WireRefused for others."""
    record = sandbox.record(after_sale_id)
    if record is None:
        raise WireRefused(RECORD_UNKNOWN)
    if record.shop_id != shop_id:
        raise WireRefused(RECORD_OF_ANOTHER_SHOP)
    return record


def detail(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``afterSale.Detail``."""
    asked = params.take(params.Detail, given)
    return douyin_wire.detail(own(sandbox, shop_id, asked.after_sale_id))


def list_(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``afterSale.List``."""
    asked = params.take(params.ListOf, given)
    found = [record for record in sandbox.records() if record.shop_id == shop_id and _within(record, asked)]
    for order in reversed(asked.order_by):
        field, _, way = order.partition(" ")
        name = {"update_time": "updated_at", "apply_time": "applied_at"}[field]
        found.sort(key=lambda record: getattr(record, name), reverse=way == "desc")
    begin = asked.page * asked.size
    rows = [douyin_wire.row(record) for record in found[begin : begin + asked.size]]
    more = begin + asked.size < len(found)
    return {"items": rows, "has_more": more, "page": asked.page, "size": len(rows), "total": len(found)}


def operate(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``afterSale.operate``: each item is carried out or refused for itself."""
    asked = params.take(params.Operate, given)
    if asked.type not in (AGREE, REFUSE):
        raise WireRefused(PARAMETER_WRONG, f"type 不支持: {asked.type}")
    return {"items": [_operated(sandbox, shop_id, asked.type, item) for item in asked.items]}


def fill_logistics(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``afterSale.fillLogistics``."""
    asked = params.take(params.FillLogistics, given)
    if asked.send_type != RESHIP:
        raise WireRefused(PARAMETER_WRONG, f"send_type 不支持: {asked.send_type}")
    own(sandbox, shop_id, asked.aftersale_id)
    sandbox.change(
        asked.aftersale_id, lambda record, now: transitions.ship(record, now, asked.company_code, asked.tracking_no)
    )
    return {}


def submit_evidence(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``afterSale.submitEvidence``."""
    asked = params.take(params.SubmitEvidence, given)
    own(sandbox, shop_id, asked.aftersale_id)
    sandbox.change(
        asked.aftersale_id, lambda record, now: transitions.submit_evidence(record, now, asked.comment, asked.evidence)
    )
    return {}


def reject_reasons(sandbox: Sandbox, shop_id: str, given: Answer) -> Answer:
    """``afterSale.rejectReasonCodeList``."""
    asked = params.take(params.RejectReasons, given)
    if asked.aftersale_id:
        own(sandbox, shop_id, asked.aftersale_id)
    rest = {"evidence_description": "", "image": "", "order_type": -1, "pkg": -1}
    return {
        "items": [
            {"reject_reason_code": code, "reason": reason, "evidence_need": need, **rest}
            for code, reason, need in REJECT_REASONS
        ]
    }


def _within(record: Record, asked: params.ListOf) -> bool:
    fits = (
        asked.aftersale_type in (None, AFTER_SALE_TYPE),
        asked.aftersale_status in (None, int(record.status)),
        asked.order_id in (None, record.order_id),
        asked.aftersale_id in (None, record.after_sale_id),
        asked.update_start_time is None or asked.update_start_time <= record.updated_at,
        asked.update_end_time is None or record.updated_at <= asked.update_end_time,
        asked.start_time is None or asked.start_time <= record.applied_at,
        asked.end_time is None or record.applied_at <= asked.end_time,
    )
    return all(fits)


def _operated(sandbox: Sandbox, shop_id: str, what: int, item: params.OperateItem) -> Answer:
    def step(record: Record, now: int) -> Change:
        if item.update_time not in (None, record.updated_at):
            raise WireRefused(STALE)
        if what == AGREE:
            return transitions.agree(record, now)
        urls = tuple(piece.url for piece in item.evidence)
        return transitions.refuse(record, now, _why(item), urls)

    said = {"aftersale_id": item.aftersale_id, "status_code": 0, "status_msg": ""}
    try:
        own(sandbox, shop_id, item.aftersale_id)
        sandbox.change(item.aftersale_id, step)
    except WireRefused as refused:
        return said | {"status_code": refused.no.code, "status_msg": refused.no.sub_msg}
    except PlatformRefused as refused:
        return said | {"status_code": ITEM_REFUSED, "status_msg": str(refused)}
    return said


def _why(item: params.OperateItem) -> str:
    known = {code: (text, need) for code, text, need in REJECT_REASONS}
    if item.reject_reason_code is None:
        return item.reason or item.remark
    if item.reject_reason_code not in known:
        raise WireRefused(BUSINESS, f"拒绝原因不存在: {item.reject_reason_code}")
    text, need = known[item.reject_reason_code]
    if need == "Y" and not item.evidence:
        raise WireRefused(BUSINESS, f"拒绝原因须上传凭证: {text}")
    return item.reason or item.remark or text
