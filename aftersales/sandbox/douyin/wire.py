"""After-sale records in the form of Douyin's methods and messages."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from aftersales.sandbox.douyin.codes import AFTER_SALE_TYPE, NO_DEADLINE, AfterSaleStatus, MessageTag
from aftersales.sandbox.douyin.model import AfterSaleRecord
from cases.shanghai import SHANGHAI

_REFUNDED_MARK: Final = 3
"""T: refund_status of a refund that succeeded."""
_ROLES: Final = {"买家": 1, "商家": 2, "客服": 3, "平台": 4}
"""Who did what is in the log."""
_SENT_ORDER: Final = 3
"""order_status of an order that was shipped."""


def detail(record: AfterSaleRecord, *, logged: bool = True) -> dict[str, Any]:
    """Return the data of ``afterSale.Detail``; ``logged``: with the log of what was done."""
    info = {
        "after_sale_id": int(record.after_sale_id),
        "after_sale_status": int(record.status),
        "after_sale_type": AFTER_SALE_TYPE,
        "apply_time": record.applied_at,
        "update_time": record.updated_at,
        "reason": record.reason,
        "reason_code": record.reason_code,
        "reason_remark": record.remark,
        "status_deadline": record.deadline,
        "refund_status": _REFUNDED_MARK if record.status is AfterSaleStatus.REFUNDED else 0,
    }
    return {
        "process_info": {
            "after_sale_info": info,
            "arbitrate_info": {
                "arbitrate_id": record.arbitration_id,
                "arbitrate_status": int(record.arbitration),
                "arbitrate_conclusion": int(record.conclusion),
                "is_required_evidence": record.evidence_deadline != NO_DEADLINE,
                "arbitrate_status_deadline": str(record.evidence_deadline),
                "arbitrate_evidence": {
                    "images": [url for piece in record.evidence if piece.to_arbitration for url in piece.urls],
                    "describe": ";".join(piece.comment for piece in record.evidence if piece.to_arbitration),
                },
            },
            "logistics_info": {"resend": _resend(record)},
            "record_logs_list": [
                {"operator": entry.operator, "time": _text(entry.time), "text": entry.text, "action": entry.action}
                | {"role": _ROLES[entry.role]}
                for entry in reversed(record.log)
            ]
            if logged
            else None,
        },
        "order_info": {
            "shop_order_id": int(record.order_id),
            "sku_order_infos": [
                {
                    "sku_order_id": int(record.sku_order_id),
                    "product_id": int(record.product_id),
                    "pay_amount": record.amount,
                    "order_status": _SENT_ORDER,
                }
            ],
        },
    }


def row(record: AfterSaleRecord) -> dict[str, Any]:
    """Return an item of ``afterSale.List``, where ids are texts."""
    return {
        "aftersale_info": {
            "aftersale_id": record.after_sale_id,
            "aftersale_type": AFTER_SALE_TYPE,
            "aftersale_status": int(record.status),
            "arbitrate_status": int(record.arbitration),
            "apply_time": record.applied_at,
            "update_time": record.updated_at,
            "status_deadline": record.deadline,
        },
        "order_info": {"shop_order_id": record.order_id},
    }


def message(record: AfterSaleRecord, tag: str, *, as_text: bool) -> str:
    """Return the data of a pushed message, with the fields that messages of its tag have.

    ``as_text``: ``update_time`` as RFC 3339 text instead of a number.
    """
    status = "after_sale_status" if tag == MessageTag.RESHIP_AGREED else "aftersale_status"
    fields: dict[str, Any] = {
        "aftersale_id": int(record.after_sale_id),
        "aftersale_type": AFTER_SALE_TYPE,
        status: int(record.status),
        "p_id": int(record.order_id),
        "s_id": int(record.sku_order_id),
        "shop_id": int(record.shop_id) if record.shop_id.isdecimal() else record.shop_id,
    }
    if tag in _ARBITRATION_TAGS:
        fields |= {"arbitrate_id": record.arbitration_id, "arbitrate_status": int(record.arbitration)}
        if tag == MessageTag.ARBITRATION_RULED:
            fields["arbitrate_conclusion"] = int(record.conclusion)
    elif tag == MessageTag.DEADLINE_CHANGED:
        fields["status_deadline"] = record.deadline
    else:
        fields["reason_code"] = record.reason_code
        fields["update_time"] = _rfc3339(record.updated_at) if as_text else record.updated_at
    if tag in _OF_MONEY:
        fields |= {"refund_amount": 0, "refund_post_amount": 0, "refund_voucher_num": 0}
        fields[_OF_MONEY[tag]] = record.updated_at
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


_ARBITRATION_TAGS: Final = frozenset(str(number) for number in range(212, 219))
_OF_MONEY: Final = {
    MessageTag.CREATED: "apply_time",
    MessageTag.REFUNDED: "success_time",
    MessageTag.CLOSED: "close_time",
    MessageTag.MODIFIED: "modify_time",
}
"""The tags whose messages have amounts, and the name of the instant that they have besides."""


def _resend(record: AfterSaleRecord) -> dict[str, Any]:
    parcel = record.parcel
    return {
        "tracking_no": parcel.tracking_no if parcel else "",
        "company_name": parcel.company_name if parcel else "",
        "company_code": parcel.company_code if parcel else "",
        "logistics_time": parcel.logistics_time if parcel else 0,
    }


def _text(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _rfc3339(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).astimezone(SHANGHAI).isoformat()
