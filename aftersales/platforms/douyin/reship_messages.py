"""What Douyin's messages about reships mean to their cases.

A message says that something happened, and no more: which rule that was depends on where the case stands, so that a
report names every rule it may mean.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aftersales.platforms.douyin.records import REASONS, Arbitration, Status
from cases.douyin_reship import Reason
from cases.errors import BadForm
from cases.models import EARLIEST, LATEST

PROCESS: Final = "douyin_reship"
RESHIP: Final = 7
"""The ``aftersale_type`` of a reship."""

CREATED, MODIFIED, DEADLINE_CHANGED, SHIPPED = "200", "208", "209", "226"
ARBITRATION_BEGINS: Final = frozenset({"212", "217"})
"""The buyer asks for arbitration; the platform's own people step in.  (Which of 212-218 is which: third-party code.)"""
ARBITRATION_ENDS: Final = frozenset({"215", "216"})
"""One says that it was called off, the other how it ended: what its ``arbitrate_status`` says counts."""

RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "206": ("miss_shipment", "rule_refund"),
    "207": ("withdraw", "rule_dismiss", "lapse"),
    MODIFIED: ("modify",),
    SHIPPED: ("ship",),
    "227": ("agree", "auto_agree"),  # a ruling has a message of its own: an echo of our consent must not pass for one
}
"""The rules that a message may mean, by its tag; the first that applies counts."""
RULINGS: Final[Mapping[int | None, str]] = {
    Status.AWAITING_SHIPMENT: "rule_reship",
    Status.REFUNDED: "rule_refund",
}
"""What the platform ruled for the buyer, by where the after-sale stands then."""
UNCLEAR: Final = frozenset({"miss_shipment", "withdraw", "request_intervention"})
"""What messages are first taken for that a case has ended, or gone to arbitration, without saying how."""
TOLD_BY_FORM: Final = frozenset({"modify", "ship"})
INTERVENTION: Final = ("request_intervention", "refuse")
ONLY_OPEN: Final = frozenset({CREATED, "213", "214", "218"})
"""Tags that move no case: it only has to be open (213: the platform wants evidence)."""
KNOWN: Final = frozenset({*RULES, *ARBITRATION_BEGINS, *ARBITRATION_ENDS, *ONLY_OPEN, DEADLINE_CHANGED})

LONGEST_TEXT: Final = 2000
LONGEST_ID: Final = 32
"""Digits."""


def case_of(tag: str, data: Any) -> tuple[str, str] | None:
    """The shop and the after-sale id that a message is about; None: it is about no reship, or of an unknown tag.

    Raises BadForm where it is about a reship but does not say which.
    """
    if tag not in KNOWN or not isinstance(data, dict) or str(data.get("aftersale_type")) != str(RESHIP):
        return None
    return _id(data, "shop_id"), _id(data, "aftersale_id")


def report_of(tag: str, message_id: str, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a case is told of a message (a ``cases.messages.Report``), or None: it only has to be open.

    Raises BadForm for a changed deadline that is none.
    """
    happened = instant(data.get("update_time"))
    report: dict[str, Any] = {"message_id": message_id, "occurred_at": happened.isoformat() if happened else None}
    if tag == DEADLINE_CHANGED:
        deadline = instant(data.get("status_deadline"))
        if deadline is None:
            raise BadForm("status_deadline: 不是时间 / is no instant", ("status_deadline",))
        report["deadline"] = deadline.isoformat()
    else:
        rules = _rules(tag, data)
        if not rules:
            return None
        report |= {"rule": rules[0], "otherwise": list(rules[1:]), "form": _form(tag, data)}
    return {name: value for name, value in report.items() if value}


def needs_record(report: Mapping[str, Any]) -> bool:
    """Whether only the platform's record tells what a message means.

    A message that an after-sale is closed, refunded or in arbitration does not say how it came to that; one that a
    parcel was sent or an application modified need not say which, or why.
    """
    rule = report.get("rule")
    return rule in UNCLEAR or (rule in TOLD_BY_FORM and not report.get("form"))


def instant(given: Any) -> datetime | None:
    """Read an instant as the platform writes it: RFC 3339 text, or seconds; None where it is neither."""
    try:
        if isinstance(given, str) and not given.isdecimal():
            read = datetime.fromisoformat(given)
        elif isinstance(given, str | int | float):
            read = datetime.fromtimestamp(int(given), UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    if read.tzinfo is None:
        return None
    try:
        return read.astimezone(UTC) if EARLIEST <= read < LATEST else None
    except OverflowError:
        return None


def _rules(tag: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    arbitration = _number(data, "arbitrate_status")
    if tag in ARBITRATION_BEGINS:
        return INTERVENTION if arbitration in (None, Arbitration.RUNNING) else ()
    if tag in ARBITRATION_ENDS:
        # What closes or refunds the after-sale next (207, 206) does not say that it was ruled, nor how.
        if arbitration == Arbitration.FOR_SELLER:
            return ("rule_dismiss",)
        rule = RULINGS.get(_number(data, "aftersale_status")) if arbitration == Arbitration.FOR_BUYER else None
        return (rule,) if rule else ()
    return RULES.get(tag, ())


def _form(tag: str, data: Mapping[str, Any]) -> dict[str, str] | None:
    if tag == MODIFIED and (reason := _text(data, "reason")):
        return {"reason": REASONS.get(reason, Reason.OTHER).value, "description": _text(data, "reason_remark")}
    if tag == SHIPPED:
        carrier, number = _text(data, "company_code") or _text(data, "company_name"), _text(data, "tracking_no")
        return {"carrier": carrier, "tracking_no": number} if carrier and number else None
    return None


def _number(data: Mapping[str, Any], name: str) -> int | None:
    given = data.get(name)
    return given if isinstance(given, int) else None


def _text(data: Mapping[str, Any], name: str) -> str:
    given = data.get(name)
    if not isinstance(given, str):
        return ""
    return given.encode("utf-8", "replace").decode().strip()[:LONGEST_TEXT]  # a lone surrogate cannot be handed over


def _id(data: Mapping[str, Any], name: str) -> str:
    given = data.get(name)
    whole = isinstance(given, int) and not isinstance(given, bool) and 0 < given < 10**LONGEST_ID
    text = str(given) if whole else given
    if not isinstance(text, str) or not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
        raise BadForm(f"{name}: 不是平台的编号 / is no id of the platform", (name,))
    return text
