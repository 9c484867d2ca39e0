"""The meaning of Douyin's messages and records for the cases of reships, without I/O.

A message says that something happened, and no more: which rule that was depends on the state of the case, so a report
names every rule it may mean.  A record says how things are now: what must have happened follows from it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aftersales.platforms.douyin.records import (
    DISPUTED,
    OTHER_REASON,
    REASONS,
    RESHIP,
    TEXT_LIMIT,
    AfterSale,
    Conclusion,
    Status,
    concluded,
)
from aftersales.platforms.inbound import CaseKey, short_text
from aftersales.platforms.wording import sendable_text
from cases.douyin_reship import Reason
from cases.errors import BadForm, NotResolvedYet, PlatformRefused
from cases.messages import ExpiryOutcome, ExpiryQuery, Report
from cases.models import EARLIEST, LATEST, NAME_LENGTH, clipped, read

RESHIP_PROCESS: Final = "douyin_reship"

CREATED, MODIFIED, DEADLINE_CHANGED, EVIDENCE_WANTED, SHIPPED = "200", "208", "209", "213", "226"
ARBITRATION_BEGINS: Final = frozenset({"212", "217"})
"""The buyer asks for arbitration, or the platform steps in."""
ARBITRATION_ENDS: Final = frozenset({"215", "216"})
"""Called off, or decided: the conclusion says which, and for whom (DR-18)."""

RULES_BY_TAG: Final[Mapping[str, tuple[str, ...]]] = {
    "206": ("miss_shipment", "rule_refund"),
    "207": ("withdraw", "rule_dismiss", "lapse"),
    MODIFIED: ("modify",),
    EVIDENCE_WANTED: ("ask_evidence",),
    SHIPPED: ("ship",),
    "227": ("agree", "auto_agree"),  # a ruling has a message of its own: an echo of our consent must not pass for one
}
"""The rules that a message may mean, by its tag; the first that applies counts."""
RULINGS: Final[Mapping[int | None, str]] = {
    Status.AWAITING_SHIPMENT: "rule_reship",
    Status.REFUSED: "rule_reship",
    Status.REFUNDED: "rule_refund",
}
"""The ruling for the buyer, by the status of the after-sale that goes with it: 27 if the merchant has yet to agree."""
OTHER_RULINGS: Final[Mapping[int, str]] = {
    Conclusion.FOR_SELLER: "rule_dismiss",
    Conclusion.REFUND_AT_ONCE: "rule_refund",
}
UNCLEAR: Final = frozenset({"miss_shipment", "withdraw", "request_intervention"})
"""The first rules of messages that say that a case has ended or gone to arbitration, but not how."""
NEED_FORM: Final = frozenset({"modify", "ship", "ask_evidence"})
"""Rules whose form a message may lack."""
WITHOUT_INSTANT: Final = frozenset({None, *RULINGS.values(), *OTHER_RULINGS.values()})
"""What messages without ``update_time`` report: a deadline alone, and rulings."""
ONLY_OPEN: Final = frozenset({CREATED, "214", "218"})
"""Tags that move no case, which only has to be open."""
KNOWN: Final = frozenset({*RULES_BY_TAG, *ARBITRATION_BEGINS, *ARBITRATION_ENDS, *ONLY_OPEN, DEADLINE_CHANGED})

ID_DIGITS: Final = 32
"""Digits."""

MILLISECONDS: Final = 10**11
"""Numbers from this on are milliseconds: as seconds they would be the year 5138."""
CLOCK_SKEW = timedelta(minutes=1)
"""How far the platform's clock and ours may differ."""
Rules = tuple[str, ...]
AGREED: Rules = ("agree", "auto_agree", "rule_reship")
REFUSAL: Rules = ("refuse",)
"""The rules before a dispute that have no message of their own (DR-7), so that a case may not know of them."""
DISPUTE: Rules = ("request_intervention", "refuse")
DISMISSAL: Rules = ("rule_dismiss", "withdraw", "lapse")
LED_TO: Mapping[int, tuple[Rules, ...]] = {
    Status.AWAITING_MERCHANT: (("modify",),),
    Status.AWAITING_SHIPMENT: (AGREED,),
    Status.SHIPPED: (AGREED, ("ship",)),
    Status.RECEIVED: (AGREED, ("ship",), ("sign",)),
    Status.REFUNDED: (("miss_shipment", "rule_refund"),),
    Status.REFUSED: (("refuse",),),
    Status.CLOSED: (("withdraw", "rule_dismiss", "lapse"),),
}
"""The rules that must have fired for a status, in order; of alternatives the likeliest comes first."""
CLOCK_RUNS_IN = (Status.AWAITING_MERCHANT, Status.AWAITING_SHIPMENT, Status.REFUSED)
"""The statuses in which a clock of the platform runs."""
ON_ITS_WAY = (Status.AWAITING_SHIPMENT, Status.SHIPPED, Status.RECEIVED)
"""The statuses in which the merchant is to ship, or has shipped."""

FIRST_RULE: Mapping[str, Mapping[int, str]] = {
    "awaiting_merchant": {8: "auto_agree", 13: "auto_agree", 14: "auto_agree", 12: "auto_agree"}
    | {27: "refuse", 28: "withdraw"},
    "awaiting_shipment": {13: "ship", 14: "ship", 12: "miss_shipment", 6: "miss_shipment"}
    | {27: "refuse", 28: "withdraw"},
    "refused": {6: "modify", 8: "modify", 13: "modify", 14: "modify", 12: "request_intervention", 28: "lapse"},
    "overdue": {13: "ship", 14: "ship", 6: "modify", 12: "request_intervention", 28: "lapse"},
}
"""The first rule on the way from a state to a status: the state's own clock if it leads there."""
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
WAITING_STATUS: Mapping[str, int] = {"awaiting_merchant": 6, "awaiting_shipment": 8, "refused": 27, "overdue": 8}


def case_of(tag: str, data: Any) -> CaseKey | None:
    """Return the case that a message is about; None if it is not about a reship, or its tag is unknown.

    Raises BadForm if it is about a reship but does not say which.
    """
    if tag not in KNOWN or not isinstance(data, dict) or str(data.get("aftersale_type")) != str(RESHIP):
        return None
    return CaseKey(RESHIP_PROCESS, _id(data, "shop_id"), _id(data, "aftersale_id"))


def report_of(tag: str, message_id: str, data: Mapping[str, Any]) -> Report | None:
    """Return what a message reports to its case; None if the case only has to be open.

    Raises BadForm if the message says that a deadline changed but not to which instant.
    """
    happened = instant(data.get("update_time"))
    report: dict[str, Any] = {"message_id": message_id, "occurred_at": happened.isoformat() if happened else None}
    if tag == DEADLINE_CHANGED:
        deadline = instant(data.get("status_deadline"))
        if deadline is None:
            raise BadForm("status_deadline: 不是时间 / not an instant", ("status_deadline",))
        report["deadline"] = deadline.isoformat()
    else:
        rules = _rules_of_message(tag, data)
        if not rules:
            return None
        report |= {"rule": rules[0], "otherwise": list(rules[1:]), "form": _form_of_message(tag, data)}
    return _report(report)


def needs_record(report: Report) -> bool:
    """Return whether only the platform's record says what a message means.

    A message that an after-sale is closed, refunded or in arbitration does not say how it came to that; one that a
    parcel was sent, an application modified or evidence asked for need not say which, why, or until when; one about a
    deadline or a ruling does not say since when, so that an old one could pass for news.
    """
    undated = report.occurred_at is None and report.rule in WITHOUT_INSTANT
    return report.rule in UNCLEAR or undated or (report.rule in NEED_FORM and not report.form)


def instant(value: Any) -> datetime | None:
    """Return an instant as the platform writes it, RFC 3339 text, seconds or milliseconds; None if it is none."""
    try:
        if isinstance(value, str) and not value.isdecimal():
            at = datetime.fromisoformat(value)
        elif isinstance(value, str | int | float):
            number = int(value)
            at = datetime.fromtimestamp(number / 1000 if number >= MILLISECONDS else number, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    if at.tzinfo is None:
        return None
    try:
        return at.astimezone(UTC) if EARLIEST <= at < LATEST else None
    except OverflowError:
        return None


def _report(fields: Mapping[str, Any]) -> Report:
    return read(Report, {name: value for name, value in fields.items() if value}, "report")


def _rules_of_message(tag: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    arbitration = _number(data, "arbitrate_status")
    if tag in ARBITRATION_BEGINS:
        return DISPUTE if arbitration in (None, *DISPUTED) else ()
    if tag in ARBITRATION_ENDS:
        # What closes or refunds the after-sale next (207, 206) does not say that it was ruled, nor how.
        rule = _ruling(concluded(_number(data, "arbitrate_conclusion"), arbitration), _number(data, "aftersale_status"))
        return (rule,) if rule else ()
    return RULES_BY_TAG.get(tag, ())


def _ruling(conclusion: int, status: int | None) -> str | None:
    if conclusion == Conclusion.FOR_BUYER:
        return RULINGS.get(status)
    return OTHER_RULINGS.get(conclusion)


def _form_of_message(tag: str, data: Mapping[str, Any]) -> dict[str, str] | None:
    if tag == MODIFIED and (reason := _text(data, "reason")):
        return {"reason": REASONS.get(reason, OTHER_REASON), "description": _text(data, "reason_remark")}
    if tag == SHIPPED:
        carrier, number = _text(data, "company_code") or _text(data, "company_name"), _text(data, "tracking_no")
        return _shipped(carrier, number) if carrier and number else None
    if tag == EVIDENCE_WANTED and (until := instant(data.get("arbitrate_status_deadline"))):
        return {"until": until.isoformat()}
    return None


def _number(data: Mapping[str, Any], name: str) -> int | None:
    """Return a code, which may be written as text."""
    value = short_text(data.get(name))
    return int(value) if value and value.isascii() and value.isdigit() else None


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        return ""
    return sendable_text(value)[:TEXT_LIMIT]


def _id(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**ID_DIGITS
    text = str(value) if whole else value
    if not isinstance(text, str) or not (text.isascii() and text.isdigit() and len(text) <= ID_DIGITS):
        raise BadForm(f"{name}: 不是平台的编号 / not an id of the platform", (name,))
    return text


def facts(shop_id: str, record: AfterSale) -> dict[str, Any]:
    """Return the facts that a case is opened with.

    Raises PlatformRefused for another kind of after-sale, and for a record without its order: neither the order nor
    what was paid for it may be guessed.
    """
    if record.kind != RESHIP:
        raise PlatformRefused(f"不是补寄售后单 / not a reship (type {record.kind}): {record.after_sale_id}")
    if record.order_id is None or record.paid is None:
        raise PlatformRefused(
            f"抖店没有返回订单信息(order_info) / Douyin left out the order: {record.after_sale_id}: "
            "请为应用申请订单字段的权限,或用文件开案 / apply for permission to read its fields, or open it from a file"
        )
    return {
        "shop_id": shop_id,
        "after_sale_id": record.after_sale_id,
        "order_id": record.order_id,
        "reason": record.reason,
        "order_amount": f"{record.paid:.2f}",
        "applied_at": record.applied_at.isoformat(),
        "description": record.description,
    }


def reports(record: AfterSale) -> list[Report]:
    """Return what must have happened for a record to be as it is, in order, and then the deadline of its clock.

    What came before the last change gets the next known instant: it happened no later than that.  The deadline was set
    by the last change or before it; a case that knows all that happened takes it too, if its message was lost (G-12).
    """
    steps = _steps(record)
    deadline = _deadline(record)
    story = []
    for at, rules in enumerate(steps, 1):
        last = at == len(steps)
        report: dict[str, Any] = {"message_id": f"{_seen(record)}/{rules[0]}"}
        report |= {"rule": rules[0], "otherwise": list(rules[1:])}
        if form := _form(rules[0], record):
            report["form"] = form
        # A shipment has an instant of its own.
        report["occurred_at"] = (record.updated_at if last and rules[0] != "ship" else _no_later(record)).isoformat()
        # With the rule itself as well: its state must not run on a clock of our own until the next report.
        story.append(_report({**report, **deadline, "look": True}))
    if until := record.evidence_until:
        # Under one id however often the record changes: a case is told each instant once.
        report = {"message_id": f"detail/{record.after_sale_id}/ask_evidence/{until.isoformat()}"}
        report |= {"rule": "ask_evidence", "form": {"until": until.isoformat()}, "look": True}
        story.append(_report({**report, "occurred_at": record.updated_at.isoformat()}))
    if deadline:
        report = {"message_id": f"{_seen(record)}/deadline/{deadline['deadline']}", **deadline, "look": True}
        story.append(_report({**report, "occurred_at": record.updated_at.isoformat()}))
    return story


def _seen(record: AfterSale) -> str:
    """Return the beginning of the message ids of what a record says: each of its changes is reported once."""
    return f"detail/{record.after_sale_id}/{record.update_time}"


def _deadline(record: AfterSale) -> dict[str, Any]:
    """Return the deadline of a record's clock, with the states whose clock it is; empty if none runs."""
    deadline = _open_deadline(record)
    states = [state for state, status in WAITING_STATUS.items() if status == standing(record)]
    return {"deadline": deadline.isoformat(), "states": states} if deadline else {}


def _steps(record: AfterSale) -> tuple[Rules, ...]:
    steps = LED_TO.get(standing(record), ())
    if record.disputed:
        # To a case in arbitration, what led to the status before the dispute may mean a ruling: only 27 cannot.
        return (*(steps if record.status == Status.REFUSED else ()), DISPUTE)
    if record.status == Status.CLOSED and record.dismissed:
        return REFUSAL, DISPUTE, DISMISSAL
    if record.status == Status.REFUNDED and record.arbitrated:
        return REFUSAL, DISPUTE, *steps
    if record.status == Status.AWAITING_MERCHANT and record.updated_at == record.applied_at:
        return ()  # as it was applied for: nothing has happened yet
    return steps


def standing(record: AfterSale) -> int:
    """Return the status by which a record stands: 27 after a ruling for the buyer means that the merchant ships."""
    ruled = record.status == Status.REFUSED and record.conclusion == Conclusion.FOR_BUYER
    return Status.AWAITING_SHIPMENT if ruled else record.status


def _no_later(record: AfterSale) -> datetime:
    shipped = record.parcel.shipped_at if record.parcel else None
    return min(shipped, record.updated_at) if shipped else record.updated_at


def expiry_outcome(question: ExpiryQuery, record: AfterSale | None, now: datetime) -> ExpiryOutcome:
    """Return what a clock of the platform led to, by the record as it is now.

    Raises NotResolvedYet while the platform waits although its own deadline is over, and PlatformRefused for a status
    that is not known to follow from the state.
    """
    if record is None:
        return ExpiryOutcome()
    rule, status = _missed(question, record, now) or _disputed(question, record), standing(record)
    if rule is None and status == WAITING_STATUS.get(question.state):
        if record.deadline and record.deadline > max(question.due, now):
            return ExpiryOutcome(deadline=record.deadline, occurred_at=record.updated_at)
        raise NotResolvedYet(f"平台尚未处理 / the platform has not decided yet: {record.after_sale_id}")
    rule = rule or FIRST_RULE.get(question.state, {}).get(status)
    if rule is None:
        step = f"{question.state} -> {record.status}"
        raise PlatformRefused(f"平台状态无法对应,请人工核实 / the platform's status has an unknown meaning: {step}")
    return ExpiryOutcome(
        rule=rule,
        form=_form(rule, record),
        occurred_at=_happened(rule, record),
        deadline=_next_deadline(rule, record),
    )


def _missed(question: ExpiryQuery, record: AfterSale, now: datetime) -> str | None:
    """Return the rule for status 8 (overdue), which stays during the buyer's window.  From third-party code only."""
    if (question.state, standing(record)) != ("awaiting_shipment", Status.AWAITING_SHIPMENT) or record.disputed:
        return None
    if record.reason == Reason.NEVER_RECEIVED or record.deadline is None:
        return None
    # A deadline is put off before it is over; the buyer's window begins when it is over.
    put_off = record.deadline > max(question.due, now) and record.updated_at < question.due - CLOCK_SKEW
    return None if put_off else "miss_shipment"


def _disputed(question: ExpiryQuery, record: AfterSale) -> str | None:
    unsettled = record.disputed or record.dismissed
    if question.state == "awaiting_merchant":
        return "refuse" if record.arbitrated else None
    if question.state == "awaiting_shipment":
        refused = standing(record) == Status.REFUSED or (record.dismissed and record.reason == Reason.NEVER_RECEIVED)
        return ("refuse" if refused else "miss_shipment") if unsettled else None
    # Shipping after an arbitration: the platform has ruled so.
    ruled = question.state == "refused" and record.arbitrated and standing(record) in ON_ITS_WAY
    return "request_intervention" if unsettled or ruled else None


def _happened(rule: str, record: AfterSale) -> datetime | None:
    if rule == "ship" and record.parcel and record.parcel.shipped_at:
        return record.parcel.shipped_at
    if rule == "miss_shipment" and record.reason != Reason.NEVER_RECEIVED:
        return None  # refunded by a ruling, later
    return record.updated_at if REACHED_BY.get(rule) == standing(record) else None


def _next_deadline(rule: str, record: AfterSale) -> datetime | None:
    missed = rule == "miss_shipment" and standing(record) == Status.AWAITING_SHIPMENT
    return _open_deadline(record) if missed or REACHED_BY.get(rule) == standing(record) else None


def _open_deadline(record: AfterSale) -> datetime | None:
    return record.deadline if record.status in CLOCK_RUNS_IN and not record.disputed else None


def _form(rule: str, record: AfterSale) -> dict[str, Any] | None:
    if rule == "modify":
        return {"reason": record.reason, "description": record.description}
    return _shipment(record) if rule == "ship" else None


def _shipment(record: AfterSale) -> dict[str, Any] | None:
    parcel = record.parcel
    if parcel is None or not (parcel.carrier or parcel.carrier_name):
        return None
    return _shipped(parcel.carrier or parcel.carrier_name, parcel.tracking_no)


def _shipped(carrier: str, tracking_no: str) -> dict[str, str]:
    return {"carrier": clipped(carrier, NAME_LENGTH), "tracking_no": clipped(tracking_no, NAME_LENGTH)}
