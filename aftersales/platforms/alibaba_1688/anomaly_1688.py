"""Shipping-anomaly warnings on 1688: without an interface, but messages tell of their orders and parcels (CL-11).

A parcel that moves on settles a warning that it stalled or was lost; it does not give the buyer his money or a whole
product.  An order with a parcel was paid, so that it is closed only by a refund.
"""

from collections.abc import Mapping
from typing import Any, Final

from aftersales.platforms.adapter import OrderMessageAdapter
from aftersales.platforms.alibaba_1688.client import Alibaba1688Client
from aftersales.platforms.alibaba_1688.order_messages import (
    ORDER_CLOSED,
    PARCEL_MOVED,
    PARCEL_RENUMBERED,
    happened,
    order_id,
    parcel,
    shop_id,
)
from aftersales.platforms.inbound import CaseKey, short_text
from cases.errors import BadForm
from cases.messages import Report

_PROCESS: Final = "anomaly_1688"

# T: what the nodes of a parcel's way mean; that it was sent (CONSIGN) is no movement.
NODES: Final[Mapping[str, str]] = {
    "ACCEPT": "track_moves",
    "TRANSPORT": "track_moves",
    "DELIVERING": "track_moves",
    "AGENT_SIGN": "track_moves",
    "SIGN": "track_moves",
    "FAILED": "worsen",
}
SETTLED_BY_MOVING: Final = ("stalled", "lost")
_PARCEL: Final = "parcel"


class Anomaly1688Adapter(OrderMessageAdapter):
    """The interface of the process ``anomaly_1688``."""

    def __init__(self, alibaba: Alibaba1688Client) -> None:
        self._alibaba = alibaba

    def case_of(self, tag: str, data: Any) -> CaseKey | None:
        """Return the order that a message is about; None if it tells nothing of a warning."""
        if not isinstance(data, dict) or _rule(tag, data) is None:
            return None
        return CaseKey(_PROCESS, shop_id(self._alibaba, data), order_id(tag, data))

    def report_of(self, tag: str, message_id: str, data: Any) -> Report | None:
        """Return what happened, with the parcel that it happened to."""
        form: dict[str, Any] | None = None
        if tag == PARCEL_MOVED:
            form = {_PARCEL: _text(parcel(tag, data), "mailNo")}
        if tag == PARCEL_RENUMBERED:
            about = parcel(tag, data)
            new = {"carrier": _text(about, "newCpCode"), "tracking_no": _text(about, "newMailNo")}
            form = {_PARCEL: _text(about, "oldMailNo"), **new}
        return Report(message_id=message_id, rule=_rule(tag, data), form=form, occurred_at=happened(tag, data))

    async def concerning(self, facts: Mapping[str, Any], report: Report) -> Report | None:
        """Return a report as it is for a warning; None if it is about another parcel, or settles nothing of it."""
        if report.form is None:
            return report
        form = dict(report.form)
        if form.pop(_PARCEL).casefold() != str(facts["tracking_no"]).casefold():
            return None
        if report.rule == "track_moves" and facts["kind"] not in SETTLED_BY_MOVING:
            return None
        return report.model_copy(update={"form": form or None})


def _rule(tag: str, data: Mapping[str, Any]) -> str | None:
    if tag == PARCEL_MOVED:
        return NODES.get(str(parcel(tag, data).get("statusChanged")))
    if tag == PARCEL_RENUMBERED:
        return "replace_tracking"
    return "refund" if tag in ORDER_CLOSED else None


def _text(about: Mapping[str, Any], name: str) -> str:
    text = short_text(about.get(name))
    if text is None:
        raise BadForm(f"{name}: 缺少 / is missing", (name,))
    return text
