"""Transitions of an after-sale record. Pure: time is an argument, in whole seconds.

Every function takes a record and returns a Change; it raises PlatformRefused in a state that does not allow it.
"""

from typing import Any

from aftersales.sandbox.douyin.codes import (
    BUYER_WINDOW,
    EVIDENCE_WINDOW,
    MERCHANT_HANDLING,
    MOST_PIECES,
    NO_DEADLINE,
    SHIPPING,
    AfterSaleStatus,
    ArbitrateConclusion,
    ArbitrationStatus,
    MessageTag,
)
from aftersales.sandbox.douyin.model import AfterSaleRecord, Change, LogEntry, SentParcel, SubmittedEvidence, must
from cases.errors import PlatformRefused


def apply(record: AfterSaleRecord) -> Change:
    """Start a new application at its ``applied_at``."""
    entry = LogEntry(time=record.applied_at, role="买家", operator="买家", action="发起售后申请", text=record.reason)
    begun: dict[str, Any] = {
        "deadline": record.applied_at + MERCHANT_HANDLING,
        "updated_at": record.applied_at,
        "log": (entry,),
    }
    return Change(record.model_copy(update=begun), (MessageTag.CREATED,))


def agree(record: AfterSaleRecord, now: int) -> Change:
    """Let the merchant agree (DR-4), after a refusal while the buyer's window runs (DR-21)."""
    after_all = record.status is AfterSaleStatus.REFUSED and record.in_buyers_window
    must(record.status is AfterSaleStatus.AWAITING_MERCHANT or after_all, "同意补寄")
    return Change(_agreed(record, now, "商家", "同意补寄"), (MessageTag.RESHIP_AGREED,))


def refuse(record: AfterSaleRecord, now: int, why: str, urls: tuple[str, ...] = ()) -> Change:
    """Let the merchant refuse (DR-6, DR-7), after an agreement only with evidence of the buyer's consent (DR-13)."""
    agreed = record.awaits_shipment and not record.overdue
    must(record.status is AfterSaleStatus.AWAITING_MERCHANT or agreed, "拒绝补寄")
    if not why.strip():
        raise PlatformRefused("拒绝须填写原因 / a refusal needs a reason")
    if agreed and not urls:
        raise PlatformRefused("同意后拒绝须有买家同意的凭证 / once agreed, refusing needs evidence")
    shown = _shown(record, SubmittedEvidence(time=now, to_arbitration=False, comment=why, urls=urls)) if urls else {}
    if record.never_received:
        return Change(
            record.changed(
                now, "商家", "拒绝补寄", why, status=AfterSaleStatus.REFUSED, **shown, **_arbitration(record)
            ),
            (MessageTag.ARBITRATION_OPENED,),
        )
    window = now + BUYER_WINDOW
    return Change(
        record.changed(now, "商家", "拒绝补寄", why, status=AfterSaleStatus.REFUSED, deadline=window, **shown)
    )


def ship(record: AfterSaleRecord, now: int, company_code: str, tracking_no: str) -> Change:
    """Let the merchant upload the number of the parcel, in time or late (DR-5, DR-17)."""
    must(record.awaits_shipment, "补寄发货")
    parcel = SentParcel(company_code=company_code, tracking_no=tracking_no, logistics_time=now)
    over: dict[str, Any] = {
        "status": AfterSaleStatus.SHIPPED,
        "deadline": NO_DEADLINE,
        "overdue": False,
        "parcel": parcel,
    }
    return Change(record.changed(now, "商家", "补寄发货", tracking_no, **over), (MessageTag.RESHIP_SHIPPED,))


def submit_evidence(record: AfterSaleRecord, now: int, comment: str, urls: tuple[str, ...]) -> Change:
    """Let the merchant submit evidence to the arbitration, any number of times (DR-18)."""
    must(record.in_arbitration, "提交凭证")
    if not 1 <= len(urls) <= MOST_PIECES:
        raise PlatformRefused(f"凭证须为 1 至 {MOST_PIECES} 件 / give 1 to {MOST_PIECES} pieces of evidence")
    shown = _shown(record, SubmittedEvidence(time=now, to_arbitration=True, comment=comment, urls=urls))
    answered: dict[str, Any] = {"arbitration": ArbitrationStatus.IN_PROGRESS, "evidence_deadline": NO_DEADLINE}
    return Change(record.changed(now, "商家", "提交凭证", comment, **answered, **shown), (MessageTag.EVIDENCE_GIVEN,))


def modify(record: AfterSaleRecord, now: int, reason: str, remark: str) -> Change:
    """Let the buyer modify the application, which starts over (DR-15)."""
    must(record.in_buyers_window, "修改申请")
    restarted: dict[str, Any] = {
        "status": AfterSaleStatus.AWAITING_MERCHANT,
        "overdue": False,
        "deadline": now + MERCHANT_HANDLING,
    }
    asked: dict[str, Any] = {"reason": reason, "remark": remark}
    unruled: dict[str, Any] = {"arbitration": ArbitrationStatus.NONE, "conclusion": ArbitrateConclusion.NONE}
    return Change(
        record.changed(now, "买家", "修改售后申请", reason, **restarted, **asked, **unruled), (MessageTag.MODIFIED,)
    )


def ask_platform(record: AfterSaleRecord, now: int) -> Change:
    """Let the buyer call in the platform (DR-7, DR-9)."""
    must(record.in_buyers_window, "申请平台介入")
    opened = record.changed(now, "买家", "申请平台介入", **_arbitration(record))
    return Change(opened, (MessageTag.ARBITRATION_OPENED,))


def withdraw(record: AfterSaleRecord, now: int) -> Change:
    """Let the buyer withdraw before shipping (DR-12)."""
    open_ = (AfterSaleStatus.AWAITING_MERCHANT, AfterSaleStatus.AWAITING_SHIPMENT, AfterSaleStatus.REFUSED)
    must(record.status in open_, "撤销申请")
    if record.in_arbitration:
        called_off = _ruled(_closed(record, now, "买家", "撤销申请"), ArbitrateConclusion.NONE)
        return Change(called_off, (MessageTag.ARBITRATION_CANCELLED, MessageTag.CLOSED))
    return Change(_closed(record, now, "买家", "撤销申请"), (MessageTag.CLOSED,))


def sign(record: AfterSaleRecord, now: int) -> Change:
    """Let the buyer sign for the parcel."""
    must(record.status is AfterSaleStatus.SHIPPED, "签收")
    return Change(record.changed(now, "买家", "确认收货", status=AfterSaleStatus.RECEIVED))


def want_evidence(record: AfterSaleRecord, now: int, until: int | None = None) -> Change:
    """Let the platform ask the merchant for evidence, to be handed in by an instant."""
    must(record.in_arbitration, "要求举证")
    deadline = now + EVIDENCE_WINDOW if until is None else until
    if deadline <= now:
        raise PlatformRefused("举证截止时间须在将来 / the deadline must be in the future")
    wanted: dict[str, Any] = {"arbitration": ArbitrationStatus.EVIDENCE_WANTED, "evidence_deadline": deadline}
    return Change(record.changed(now, "客服", "待商家举证", **wanted), (MessageTag.EVIDENCE_WANTED,))


def rule_reship(record: AfterSaleRecord, now: int) -> Change:
    """Let the platform rule that the merchant ships, within a fresh 48 h (DR-18)."""
    must(record.in_arbitration, "裁定补寄")
    ruled = _ruled(_agreed(record, now, "客服", "裁定补寄"), ArbitrateConclusion.FOR_BUYER)
    return Change(ruled, (MessageTag.ARBITRATION_RULED, MessageTag.DEADLINE_CHANGED))


def rule_refund(record: AfterSaleRecord, now: int) -> Change:
    """Let the platform rule a refund (DR-18)."""
    must(record.in_arbitration, "裁定退款")
    ruled = _ruled(_refunded(record, now, "客服", "裁定退款"), ArbitrateConclusion.REFUND_AT_ONCE)
    return Change(ruled, (MessageTag.ARBITRATION_RULED, MessageTag.REFUNDED))


def rule_dismiss(record: AfterSaleRecord, now: int) -> Change:
    """Let the platform dismiss the application (DR-18)."""
    must(record.in_arbitration, "裁定驳回")
    ruled = _ruled(_closed(record, now, "客服", "裁定驳回"), ArbitrateConclusion.FOR_SELLER)
    return Change(ruled, (MessageTag.ARBITRATION_RULED, MessageTag.CLOSED))


def set_deadline(record: AfterSaleRecord, now: int, deadline: int) -> Change:
    """Let the platform move the running clock to a later ``deadline``."""
    must(record.deadline != NO_DEADLINE, "变更截止时间")
    if deadline <= now:
        raise PlatformRefused("截止时间须在将来 / the deadline must be in the future")
    return Change(record.changed(now, "平台", "售后时效变更", deadline=deadline), (MessageTag.DEADLINE_CHANGED,))


def elapse(record: AfterSaleRecord) -> Change:
    """Fire the record's clock at its own instant (DR-4, DR-8, DR-9, DR-16)."""
    now = record.deadline
    must(now != NO_DEADLINE, "超时")
    if record.status is AfterSaleStatus.AWAITING_MERCHANT:
        return Change(_agreed(record, now, "平台", "超时自动同意"), (MessageTag.RESHIP_AGREED,))
    if record.in_buyers_window:
        return Change(_closed(record, now, "平台", "买家逾期未处理,售后关闭"), (MessageTag.CLOSED,))
    if record.never_received:
        return Change(_refunded(record, now, "平台", "超时未发货,自动退款"), (MessageTag.REFUNDED,))
    missed = record.changed(now, "平台", "超时未发货", overdue=True, deadline=now + BUYER_WINDOW)
    return Change(missed, (MessageTag.DEADLINE_CHANGED,))


def _agreed(record: AfterSaleRecord, now: int, role: str, action: str) -> AfterSaleRecord:
    begun: dict[str, Any] = {"status": AfterSaleStatus.AWAITING_SHIPMENT, "overdue": False, "deadline": now + SHIPPING}
    return record.changed(now, role, action, **begun)


def _refunded(record: AfterSaleRecord, now: int, role: str, action: str) -> AfterSaleRecord:
    return record.changed(now, role, action, status=AfterSaleStatus.REFUNDED, overdue=False, deadline=NO_DEADLINE)


def _closed(record: AfterSaleRecord, now: int, role: str, action: str) -> AfterSaleRecord:
    return record.changed(now, role, action, status=AfterSaleStatus.CLOSED, overdue=False, deadline=NO_DEADLINE)


def _ruled(record: AfterSaleRecord, conclusion: ArbitrateConclusion) -> AfterSaleRecord:
    ended: dict[str, Any] = {"arbitration": ArbitrationStatus.ENDED, "conclusion": conclusion}
    return record.model_copy(update={**ended, "evidence_deadline": NO_DEADLINE})


def _arbitration(record: AfterSaleRecord) -> dict[str, Any]:
    own = record.arbitration_id or f"{record.after_sale_id}_001"
    return {
        "arbitration": ArbitrationStatus.IN_PROGRESS,
        "arbitration_id": own,
        "conclusion": ArbitrateConclusion.NONE,
        "deadline": NO_DEADLINE,
    }


def _shown(record: AfterSaleRecord, piece: SubmittedEvidence) -> dict[str, Any]:
    return {"evidence": (*record.evidence, piece)}
