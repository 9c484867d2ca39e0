"""Orders as JD has them, and what they say happened."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cases.messages import Report
from cases.models import EARLIEST, LATEST, NAME_LENGTH
from cases.shanghai import SHANGHAI

TIME: Final = "%Y-%m-%d %H:%M:%S"
SENT_STATES: Final = ("WAIT_GOODS_RECEIVE_CONFIRM", "FINISHED_L")
CANCELLED_STATE: Final = "TRADE_CANCELED"
TELLING_STATES: Final = (*SENT_STATES, CANCELLED_STATE)
"""The states of orders from which it follows that something happened."""
# T: known from third-party code alone; the official models have no instant of a shipment as a whole.
_SHIPPED_AT = "outBoundDate"
FIELDS: Final = f"orderId,orderState,waybill,logisticsId,orderEndTime,modified,{_SHIPPED_AT}"
"""The fields of an order that are asked for: none about the buyer."""


@dataclass(frozen=True, slots=True)
class JdOrder:
    """An order: its state in JD's own words, its waybills and companies as JD writes them, and the instants known.

    ``changed_at``: when the state or the waybill last changed, which nothing that the order shows is later than.
    """

    order_id: str
    state: str
    waybill: str = ""
    companies: str = ""
    shipped_at: datetime | None = None
    ended_at: datetime | None = None
    changed_at: datetime | None = None

    @property
    def waybills(self) -> tuple[str, ...]:
        """Its waybills one by one."""
        return waybills(self.waybill)

    @property
    def sent(self) -> bool:
        """Whether all of it has been shipped; a cancelled one was if it says when."""
        return bool(self.waybills) and (self.state in SENT_STATES or (self.cancelled and self.shipped_at is not None))

    @property
    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.state == CANCELLED_STATE


def read_order(row: Any) -> JdOrder | None:
    """Read an order from an answer; None if it does not say which order it is."""
    if not isinstance(row, dict) or not re.fullmatch("[0-9]{1,19}", order_id := _text(row, "orderId")):
        return None
    return JdOrder(
        order_id=order_id,
        state=_text(row, "orderState"),
        waybill=_text(row, "waybill"),
        companies=_text(row, "logisticsId"),
        shipped_at=_instant(row.get(_SHIPPED_AT)),
        ended_at=_instant(row.get("orderEndTime")),
        changed_at=_instant(row.get("modified")),
    )


def waybills(text: str) -> tuple[str, ...]:
    """Return the waybills of a text: JD separates those of a company by commas, and companies by bars."""
    return tuple(waybill for waybill in re.split(r"[,|\s]+", text) if waybill)


def reports(order: JdOrder, *, shipped: str | None, cancelled: str | None) -> list[Report]:
    """Return what an order says happened, by the names that a process's rules have for it.

    Each thing is told under one message id, however often the order changes: a case takes it once.  What has no
    instant of its own happened no later than the order's last change.
    """
    story = []
    if shipped and order.sent:
        story.append(_report(order, shipped, order.shipped_at or order.changed_at, _form(order)))
    if cancelled and order.cancelled:
        story.append(_report(order, cancelled, order.ended_at or order.changed_at, None))
    return story


def _report(order: JdOrder, rule: str, at: datetime | None, form: Mapping[str, str] | None) -> Report:
    said = {"message_id": f"order/{order.order_id}/{rule}", "rule": rule, "form": form, "occurred_at": at}
    return Report.model_validate(said)


def _form(order: JdOrder) -> dict[str, str] | None:
    """Return the form of a shipment; None if the order does not say all of it, or has too many parcels for one."""
    form = {"carrier": order.companies, "tracking_no": order.waybill}
    return form if all(0 < len(text) <= NAME_LENGTH and text.isprintable() for text in form.values()) else None


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return str(value).strip() if isinstance(value, str | int) else ""


def _instant(value: Any) -> datetime | None:
    """Read an instant, Shanghai time or milliseconds; None if there is none, which JD writes as the year 1 or 1970."""
    text = str(value or "").strip()
    try:
        if text.isascii() and text.isdigit():
            at = datetime.fromtimestamp(int(text) / 1000, UTC)
        else:
            at = datetime.strptime(text, TIME).replace(tzinfo=SHANGHAI)
    except (ValueError, OverflowError, OSError):
        return None
    # Compared as it stands: the year 1 in Shanghai does not exist in UTC.
    return at if EARLIEST.year < at.year < LATEST.year else None
