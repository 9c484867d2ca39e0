"""Douyin's methods on after-sales, parcels and access tokens, each called for one shop or one application."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

from aftersales.platforms.douyin.session import DouyinAccess
from aftersales.sandbox.douyin import params, shop_orders, transitions, wire
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.douyin.codes import (
    AFTER_SALE_TYPE,
    BUSINESS,
    CODE_WRONG,
    GRANT_WRONG,
    ITEM_INVALID,
    LISTED_STATUSES,
    NOT_AUTHORIZED,
    NOTHING_FOUND,
    PARAMETER_WRONG,
    RECORD_INVALID,
    REFRESH_EXPIRED,
    REFRESH_UNKNOWN,
    REJECT_REASONS,
    STALE,
    STATUS_WRONG,
    WRONG_SHOP,
    AfterSaleStatus,
    CallRefused,
    RefusalCode,
)
from aftersales.sandbox.douyin.grants import Grant
from aftersales.sandbox.douyin.model import AfterSaleRecord, Change, SentParcel
from cases.errors import BadForm, PlatformRefused

_AGREE: Final = 501
_REFUSE: Final = 502
"""T: the types of afterSale.operate for agreeing to a reship and refusing it."""
_RESHIP: Final = 1
"""send_type of a reship."""
_SORTED_BY: Final = {"update_time": "updated_at", "apply_time": "applied_at", "status_deadline": "deadline"}
"""The fields of records that a list can be sorted by, by the platform's names."""
_INTERCEPT_COST: Final = 500
"""分; the sandbox's own figure."""
_SIGNED_FOR: Final = "SIGNED"
"""The sandbox's own state of a parcel that has arrived."""

Params = dict[str, Any]
Answer = dict[str, Any]


def own(
    sandbox: Sandbox,
    shop_id: str,
    after_sale_id: str,
    *,
    unknown: RefusalCode = RECORD_INVALID,
    another: RefusalCode = RECORD_INVALID,
) -> AfterSaleRecord:
    """Return a shop's own record; raises CallRefused if there is none, or if it is another shop's."""
    record = sandbox.record(after_sale_id)
    if record is None:
        raise CallRefused(unknown)
    if record.shop_id != shop_id:
        raise CallRefused(another)
    return record


def detail(sandbox: Sandbox, shop_id: str, body: Params) -> Answer:
    """``afterSale.Detail``: with the log of what was done only if that is asked for."""
    asked = params.take(params.Detail, body)
    if found := sandbox.refund(shop_id, asked.after_sale_id):
        return shop_orders.refund_detail(*found)
    record = own(sandbox, shop_id, asked.after_sale_id, unknown=NOTHING_FOUND, another=WRONG_SHOP)
    return wire.detail(record, logged=asked.need_operation_record)


def list_(sandbox: Sandbox, shop_id: str, body: Params) -> Answer:
    """``afterSale.List``."""
    asked = params.take(params.ListOf, body)
    records = [record for record in sandbox.records() if record.shop_id == shop_id and _within(record, asked)]
    for order in reversed(asked.order_by):
        field, _, way = order.partition(" ")
        records.sort(key=attrgetter(_SORTED_BY[field]), reverse=way == "desc")
    begin = asked.page * asked.size
    rows = [wire.row(record) for record in records[begin : begin + asked.size]]
    more = begin + asked.size < len(records)
    return {"items": rows, "has_more": more, "page": asked.page, "size": len(rows), "total": len(records)}


def operate(sandbox: Sandbox, shop_id: str, body: Params) -> Answer:
    """``afterSale.operate``: all items, or none if one of them fails."""
    asked = params.take(params.Operate, body)
    if asked.type not in (_AGREE, _REFUSE):
        raise CallRefused(PARAMETER_WRONG, f"type 不支持: {asked.type}")
    with sandbox.lock:
        for item in asked.items:
            own(sandbox, shop_id, item.aftersale_id, unknown=ITEM_INVALID, another=ITEM_INVALID)
        try:
            sandbox.change_all((item.aftersale_id, _operation(asked.type, item)) for item in asked.items)
        except PlatformRefused as refused:
            raise CallRefused(STATUS_WRONG, str(refused)) from None
    return {
        "items": [{"aftersale_id": int(item.aftersale_id), "status_code": 0, "status_msg": ""} for item in asked.items]
    }


def fill_logistics(sandbox: Sandbox, shop_id: str, body: Params) -> Answer:
    """``afterSale.fillLogistics``."""
    asked = params.take(params.FillLogistics, body)
    if asked.send_type != _RESHIP:
        raise CallRefused(PARAMETER_WRONG, f"send_type 不支持: {asked.send_type}")
    own(sandbox, shop_id, asked.aftersale_id)
    sandbox.change(
        asked.aftersale_id, lambda record, now: transitions.ship(record, now, asked.company_code, asked.tracking_no)
    )
    return {}


def submit_evidence(sandbox: Sandbox, shop_id: str, body: Params) -> Answer:
    """``afterSale.submitEvidence``."""
    asked = params.take(params.SubmitEvidence, body)
    own(sandbox, shop_id, asked.aftersale_id)
    sandbox.change(
        asked.aftersale_id, lambda record, now: transitions.submit_evidence(record, now, asked.comment, asked.evidence)
    )
    return {}


def reject_reasons(sandbox: Sandbox, shop_id: str, body: Params) -> Answer:
    """``afterSale.rejectReasonCodeList``."""
    asked = params.take(params.RejectReasons, body)
    if asked.aftersale_id:
        own(sandbox, shop_id, asked.aftersale_id)
    rest = {"evidence_description": "", "image": "", "order_type": -1, "pkg": -1}
    return {
        "items": [
            {"reject_reason_code": code, "reason": reason, "evidence_need": need, **rest}
            for code, reason, need in REJECT_REASONS
        ]
    }


def _within(record: AfterSaleRecord, asked: params.ListOf) -> bool:
    statuses = LISTED_STATUSES.intersection(asked.standard_aftersale_status)  # others are ignored
    fits = (
        not statuses or int(record.status) in statuses,
        asked.aftersale_type in (None, AFTER_SALE_TYPE),
        asked.aftersale_status in (None, int(record.status)),
        asked.order_id in (None, record.order_id),
        asked.aftersale_id in (None, record.after_sale_id),
        asked.update_start_time is None or asked.update_start_time <= record.updated_at,
        asked.update_end_time is None or record.updated_at <= asked.update_end_time,
        asked.start_time is None or asked.start_time <= record.applied_at,
        asked.end_time is None or record.applied_at < asked.end_time,
    )
    return all(fits)


def _operation(what: int, item: params.OperateItem) -> Callable[[AfterSaleRecord, int], Change]:
    def step(record: AfterSaleRecord, now: int) -> Change:
        if item.update_time not in (None, record.updated_at):
            raise CallRefused(STALE)
        if what == _AGREE:
            return transitions.agree(record, now)
        urls = tuple(piece.url for piece in item.evidence)
        return transitions.refuse(record, now, _why(item), urls)

    return step


def _why(item: params.OperateItem) -> str:
    reasons = {code: (text, need) for code, text, need in REJECT_REASONS}
    if item.reject_reason_code is None:
        return item.reason or item.remark
    if item.reject_reason_code not in reasons:
        raise CallRefused(BUSINESS, f"拒绝原因不存在: {item.reject_reason_code}")
    text, need = reasons[item.reject_reason_code]
    if need == "Y" and not item.evidence:
        raise CallRefused(BUSINESS, f"拒绝原因须上传凭证: {text}")
    return item.reason or item.remark or text


def intercept(sandbox: Sandbox, shop_id: str, body: Params) -> Answer:
    """``afterSale.applyLogisticsIntercept``: stops a parcel of the shop that was not signed for."""
    asked = params.take(params.Intercept, body)
    if found := sandbox.refund(shop_id, asked.after_sale_id):
        amount, received = found[1].amount, False
    else:
        record = own(sandbox, shop_id, asked.after_sale_id)
        amount, received = record.amount, record.status is AfterSaleStatus.RECEIVED
    numbers = {parcel.tracking_no for parcel in parcels(sandbox, shop_id)}
    results = []
    for target in asked.intercept_targets:
        why = _unavailable(sandbox, target.tracking_no, numbers, arrived=received)
        results.append(
            {
                "company_code": target.company_code,
                "company_name": target.company_code,
                "tracking_no": target.tracking_no,
                "value_amount": amount,
                "can_intercept": not why,
                "is_success": not why,
                "unavailable_reason_code": int(bool(why)),
                "unavailable_reason": why,
                "intercept_cost": _INTERCEPT_COST,
            }
        )
    stopped = sum(bool(result["is_success"]) for result in results)
    return {"intercept_results": results, "success_count": stopped, "failed_count": len(results) - stopped}


def parcels(sandbox: Sandbox, shop_id: str) -> list[SentParcel]:
    """Return all parcels of a shop, of its orders and of its reships."""
    with sandbox.lock:
        sent = [parcel for (shop, _), order in sandbox.orders.items() if shop == shop_id for parcel in order.parcels]
        resent = (record.parcel for record in sandbox.records() if record.shop_id == shop_id)
        return [*sent, *(parcel for parcel in resent if parcel)]


def _unavailable(sandbox: Sandbox, tracking_no: str, numbers: set[str], *, arrived: bool) -> str:
    if tracking_no not in numbers:
        return "运单号不存在"
    signed = any(scan.state == _SIGNED_FOR for scan in sandbox.routes.get(tracking_no, ()))
    return "包裹已签收" if arrived or signed else ""


def create_token(sandbox: Sandbox, app_key: str, body: Params) -> Answer:
    """``token.create``: for a shop of our own, or for a shop's authorization code (valid once)."""
    asked = params.take(params.TokenCreate, body)
    if asked.grant_type == "authorization_self":
        shop_id = _own_shop(sandbox, app_key, asked.shop_id)
    elif asked.grant_type == "authorization_code":
        shop_id = _shop_of_code(sandbox, app_key, asked.code)
    else:
        raise CallRefused(GRANT_WRONG)
    return _issued(sandbox, app_key, shop_id)


def refresh_token(sandbox: Sandbox, app_key: str, body: Params) -> Answer:
    """``token.refresh``."""
    asked = params.take(params.TokenRefresh, body)
    if asked.grant_type != "refresh_token":
        raise CallRefused(GRANT_WRONG)
    grant = sandbox.grants.by_refresh(asked.refresh_token)
    if grant is None or grant.app_key != app_key:
        raise CallRefused(REFRESH_UNKNOWN)
    if grant.refresh_until <= sandbox.now():
        raise CallRefused(REFRESH_EXPIRED)
    return _issued(sandbox, app_key, grant.shop_id)


def _own_shop(sandbox: Sandbox, app_key: str, shop_id: str) -> str:
    try:
        if sandbox.app_key(shop_id) == app_key:
            return shop_id
    except BadForm:
        pass
    raise CallRefused(NOT_AUTHORIZED)


def _shop_of_code(sandbox: Sandbox, app_key: str, code: str) -> str:
    for shop in sandbox.apps.block(DouyinAccess).shops:
        expected = shop.authorization_code.get_secret_value() if shop.authorization_code else None
        if shop.app_key == app_key and expected == code and code not in sandbox.used_codes:
            sandbox.used_codes.add(code)
            return shop.shop_id
    raise CallRefused(CODE_WRONG)


def _issued(sandbox: Sandbox, app_key: str, shop_id: str) -> Answer:
    with sandbox.lock:
        now = sandbox.now()
        grant: Grant = sandbox.grants.issue(app_key, shop_id, now)
        sandbox.save()
    return {
        "access_token": grant.access_token,
        "expires_in": grant.access_until - now,
        "refresh_token": grant.refresh_token,
        "shop_id": int(shop_id) if shop_id.isdecimal() else shop_id,
        "shop_name": f"沙箱店铺 {shop_id}",
        "scope": "SCOPE",
    }
