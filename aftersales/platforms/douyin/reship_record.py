"""What a reship's record on Douyin means for its case: pure, one record in, facts, reports or an answer out."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aftersales.platforms.douyin.records import RESHIP, AfterSale, Status
from cases.douyin_reship import Reason
from cases.errors import NotSettledYet, PlatformRefused
from cases.messages import ExpiryOutcome, ExpiryQuery

SKEW = timedelta(minutes=1)
"""How far the platform's clock and ours may lie apart."""
Rules = tuple[str, ...]
AGREED: Rules = ("agree", "auto_agree", "rule_reship")
REFUSAL: Rules = ("refuse",)
"""What a case may not know of that went before the dispute: a refusal is in no message of its own (DR-7)."""
DISPUTE: Rules = ("request_intervention", "refuse")
DISMISSAL: Rules = ("rule_dismiss", "withdraw", "lapse")
DEADLINE_ONLY: Rules = ("deadline",)
TOLD_BY: Mapping[int, tuple[Rules, ...]] = {
    Status.AWAITING_MERCHANT: (("modify",),),
    Status.AWAITING_SHIPMENT: (AGREED,),
    Status.SHIPPED: (AGREED, ("ship",)),
    Status.RECEIVED: (AGREED, ("ship",), ("sign",)),
    Status.REFUNDED: (("miss_shipment", "rule_refund"),),
    Status.REFUSED: (("refuse",),),
    Status.CLOSED: (("withdraw", "rule_dismiss", "lapse"),),
}
"""What must have happened for a status, in order: each time one of several rules, the likeliest first."""
OPEN = (Status.AWAITING_MERCHANT, Status.AWAITING_SHIPMENT, Status.REFUSED)
"""Where a clock of the platform runs."""
ON_ITS_WAY = (Status.AWAITING_SHIPMENT, Status.SHIPPED, Status.RECEIVED)
"""Where the merchant is to ship, or has shipped."""

LED_FROM: Mapping[str, Mapping[int, str]] = {
    "awaiting_merchant": {8: "auto_agree", 13: "auto_agree", 14: "auto_agree", 12: "auto_agree"}
    | {27: "refuse", 28: "withdraw"},
    "awaiting_shipment": {13: "ship", 14: "ship", 12: "miss_shipment", 6: "miss_shipment"}
    | {27: "refuse", 28: "withdraw"},
    "refused": {6: "modify", 8: "modify", 13: "modify", 14: "modify", 12: "request_intervention", 28: "lapse"},
    "overdue": {13: "ship", 14: "ship", 6: "modify", 12: "request_intervention", 28: "lapse"},
}
"""Which rule, from a state, was the first on the way to a status: by the clock of the state where the clock leads."""
REACHED_BY: Mapping[str, int] = {
    "auto_agree": 8,
    "refuse": 27,
    "ship": 13,
    "miss_shipment": 12,
    "modify": 6,
    "withdraw": 28,
    "lapse": 28,
}
"""The status to which a rule leads at once: the record then changed when the rule happened."""
WAITING: Mapping[str, int] = {"awaiting_merchant": 6, "awaiting_shipment": 8, "refused": 27, "overdue": 8}


def facts(shop_id: str, record: AfterSale) -> dict[str, Any]:
    """Give the facts that a case is opened with; raises PlatformRefused for an after-sale that is no reship."""
    if record.kind != RESHIP:
        raise PlatformRefused(f"不是补寄售后单 / is no reship (type {record.kind}): {record.after_sale_id}")
    return {
        "shop_id": shop_id,
        "after_sale_id": record.after_sale_id,
        "order_id": record.order_id,
        "reason": record.reason.value,
        "order_amount": f"{record.paid:.2f}",
        "applied_at": record.applied_at.isoformat(),
        "description": record.description,
    }


def reports(record: AfterSale) -> list[dict[str, Any]]:
    """Tell what a record says as reports, in the order in which it must have happened.

    What came before the last change has the instant of the next thing known: it happened no later than that.
    """
    steps = _steps(record)
    told = []
    for at, rules in enumerate(steps, 1):
        last = at == len(steps)
        report: dict[str, Any] = {"message_id": f"detail/{record.after_sale_id}/{record.update_time}/{rules[0]}"}
        if rules != DEADLINE_ONLY:
            report |= {"rule": rules[0], "otherwise": list(rules[1:])}
        if form := _form(rules[0], record):
            report["form"] = form
        # A shipment has an instant of its own.
        report["occurred_at"] = (record.updated_at if last and rules[0] != "ship" else _no_later(record)).isoformat()
        if deadline := _open_deadline(record):
            report["deadline"] = deadline.isoformat()
        told.append({**report, "look": True})
    return told


def _steps(record: AfterSale) -> tuple[Rules, ...]:
    told = TOLD_BY.get(record.status, ())
    if record.disputed:
        # What led to the status before the dispute may mean a ruling to a case that is in arbitration: only 27 is told.
        return (*(told if record.status == Status.REFUSED else ()), DISPUTE)
    if record.status == Status.CLOSED and record.dismissed:
        return REFUSAL, DISPUTE, DISMISSAL
    if record.status == Status.REFUNDED and record.arbitrated:
        return REFUSAL, DISPUTE, *told
    if record.status == Status.AWAITING_MERCHANT and record.updated_at == record.applied_at:
        # As it was applied for: nothing has happened yet.
        return (DEADLINE_ONLY,) if record.deadline else ()
    return told


def _no_later(record: AfterSale) -> datetime:
    shipped = record.parcel.shipped_at if record.parcel else None
    return min(shipped, record.updated_at) if shipped else record.updated_at


def settlement(question: ExpiryQuery, record: AfterSale | None, now: datetime) -> ExpiryOutcome:
    """Say what a clock of the platform led to, by the record as it is now.

    Raises NotSettledYet while the platform waits although its own deadline is over, and PlatformRefused for a status
    of which we do not know how it comes from the state.
    """
    if record is None:
        return ExpiryOutcome()
    rule = _missed(question, record, now) or _disputed(question, record)
    if rule is None and record.status == WAITING.get(question.state):
        if record.deadline and record.deadline > max(question.due, now):
            return ExpiryOutcome(deadline=record.deadline)
        raise NotSettledYet(f"平台尚未处理 / the platform has not decided yet: {record.after_sale_id}")
    rule = rule or LED_FROM.get(question.state, {}).get(record.status)
    if rule is None:
        told = f"{question.state} -> {record.status}"
        raise PlatformRefused(f"平台状态无法对应,请人工核实 / what the platform's status means is unknown: {told}")
    return ExpiryOutcome(
        rule=rule,
        form=_form(rule, record),
        occurred_at=_happened(rule, record),
        deadline=_next_deadline(rule, record),
    )


def _missed(question: ExpiryQuery, record: AfterSale, now: datetime) -> str | None:
    """Whether 8 means overdue: the platform keeps 8 while the buyer's window runs.  From third-party code only."""
    if (question.state, record.status) != ("awaiting_shipment", Status.AWAITING_SHIPMENT) or record.disputed:
        return None
    if record.reason is Reason.NEVER_RECEIVED or record.deadline is None:
        return None
    # A deadline that was put off was so before it was over; the buyer's window begins when it is over.
    put_off = record.deadline > max(question.due, now) and record.updated_at < question.due - SKEW
    return None if put_off else "miss_shipment"


def _disputed(question: ExpiryQuery, record: AfterSale) -> str | None:
    unsettled = record.disputed or record.dismissed
    if question.state == "awaiting_merchant":
        return "refuse" if record.arbitrated else None
    if question.state == "awaiting_shipment":
        refused = record.status == Status.REFUSED or (record.dismissed and record.reason is Reason.NEVER_RECEIVED)
        return ("refuse" if refused else "miss_shipment") if unsettled else None
    # Shipping after an arbitration: the platform has ruled so.
    ruled = question.state == "refused" and record.arbitrated and record.status in ON_ITS_WAY
    return "request_intervention" if unsettled or ruled else None


def _happened(rule: str, record: AfterSale) -> datetime | None:
    if rule == "ship" and record.parcel and record.parcel.shipped_at:
        return record.parcel.shipped_at
    if rule == "miss_shipment" and record.reason is not Reason.NEVER_RECEIVED:
        return None  # refunded by a ruling, later
    return record.updated_at if REACHED_BY.get(rule) == record.status else None


def _next_deadline(rule: str, record: AfterSale) -> datetime | None:
    missed = rule == "miss_shipment" and record.status == Status.AWAITING_SHIPMENT
    return _open_deadline(record) if missed or REACHED_BY.get(rule) == record.status else None


def _open_deadline(record: AfterSale) -> datetime | None:
    return record.deadline if record.status in OPEN and not record.disputed else None


def _form(rule: str, record: AfterSale) -> dict[str, Any] | None:
    if rule == "modify":
        return {"reason": record.reason.value, "description": record.description}
    return _shipment(record) if rule == "ship" else None


def _shipment(record: AfterSale) -> dict[str, Any] | None:
    parcel = record.parcel
    if parcel is None or not (parcel.carrier or parcel.carrier_name):
        return None
    return {"carrier": parcel.carrier or parcel.carrier_name, "tracking_no": parcel.tracking_no}
