"""The meaning of Douyin's messages, orders and tracks for shipment watches, without I/O."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aftersales.platforms.douyin.order_records import (
    REFUND_SUCCEEDED,
    Order,
    OrderMessage,
    OrderParcel,
    gives_money_back,
)
from aftersales.platforms.douyin.track_reading import ParcelProgress, Station
from aftersales.platforms.inbound import CaseKey
from cases.errors import BadForm
from cases.messages import Report
from cases.models import NAME_LENGTH, clipped, read

SHIPMENT_PROCESS: Final = "douyin_shipment"
ORDER_SHIPPED, ORDER_COMPLETED, NUMBER_CHANGED, ORDER_CANCELLED, SHIP_BY_CHANGED = "102", "103", "104", "106", "126"
"""The tags of messages about orders."""
RULES_BY_ORDER_TAG: Final[Mapping[str, tuple[str, ...]]] = {
    ORDER_SHIPPED: ("upload_tracking",),
    ORDER_COMPLETED: ("sign",),
    NUMBER_CHANGED: ("correct_tracking", "upload_tracking"),  # the message of the shipment may have been lost
    ORDER_CANCELLED: ("refund", "close_unshipped"),
    SHIP_BY_CHANGED: ("change_promise",),
    REFUND_SUCCEEDED: ("refund",),
}
"""The rules that a message may mean, by its tag; the first that applies counts."""
NUMBER_LENGTH: Final = 100
"""Characters of a tracking number that make part of a message id."""


def case_of(tag: str, data: Any) -> CaseKey | None:
    """Return the watch of the order that a message is about; None if it is about none.  Raises BadForm."""
    if tag not in RULES_BY_ORDER_TAG or not isinstance(data, dict):
        return None
    if tag == REFUND_SUCCEEDED and not gives_money_back(data):
        return None
    message = _message(data)
    return CaseKey(SHIPMENT_PROCESS, message.shop_id, message.order_id)


def report_of(tag: str, message_id: str, data: Any) -> Report:
    """Return what a message reports; raises BadForm if an instant has changed and it does not say to which."""
    message, (rule, *otherwise) = _message(data), RULES_BY_ORDER_TAG[tag]
    form: dict[str, str] | None = None
    if tag in (ORDER_SHIPPED, NUMBER_CHANGED):
        form = _shipment(message.carrier, message.tracking_no)
    if tag == SHIP_BY_CHANGED:
        if message.ship_by is None:
            raise BadForm("exp_delivery_time: 不是时间 / not an instant", ("exp_delivery_time",))
        form = {"promised_ship_at": message.ship_by.isoformat()}
    at = message.complete_time or message.success_time or message.update_time
    return _report(message_id, rule, at, form, otherwise=tuple(otherwise))


def needs_record(report: Report) -> bool:
    """Return whether only the order's record says what a message means.

    One that money went back does not say whether it was all of it; one that a parcel was sent may not say which.
    """
    return report.rule == "refund" or (report.rule in ("upload_tracking", "correct_tracking") and not report.form)


def reports(order: Order, way: Sequence[Station]) -> list[Report]:
    """Return what an order's record and the track of its first parcel say happened, in order.

    Their message ids are the same whenever they are read.
    """
    parcel = next(iter(order.parcels), None)
    return [*(_shipped(order, parcel, way) if parcel else _promised(order)), *_ended(order)]


def _promised(order: Order) -> Iterator[Report]:
    if order.ship_by:
        form = {"promised_ship_at": order.ship_by.isoformat()}
        # With the record's own instant: one that was put off may be put back.
        own_id = f"order/{order.order_id}/{order.updated_at.isoformat()}/ship_by/{order.ship_by.isoformat()}"
        yield _report(own_id, "change_promise", order.updated_at, form, look=True)


def _shipped(order: Order, parcel: OrderParcel, way: Sequence[Station]) -> Iterator[Report]:
    number = clipped(parcel.tracking_no, NUMBER_LENGTH)
    if form := _shipment(parcel.carrier or parcel.carrier_name, parcel.tracking_no):
        own_id = f"order/{order.order_id}/shipped/{number}"
        yield _report(own_id, "upload_tracking", parcel.shipped_at or order.updated_at, form, look=True)
    for station in way:
        yield _report(f"track/{number}/{station.key}", "scan", station.at, _scan(station), look=True)
    received = next((station for station in way if station.progress is ParcelProgress.SIGNED), None)
    # The receipt of one of several parcels is not that of the order.
    if received and len(order.parcels) == 1:
        yield _report(f"track/{number}/{received.key}/signed", "sign", received.at, look=True)


def _ended(order: Order) -> Iterator[Report]:
    if order.completed:
        own_id = f"order/{order.order_id}/completed"
        yield _report(own_id, "sign", order.finished_at or order.updated_at, look=True)
    if order.refunded:
        yield _report(f"order/{order.order_id}/refunded", "refund", order.updated_at, look=True)
    elif order.closed:
        own_id, unshipped = f"order/{order.order_id}/closed", ("close_unshipped",)
        yield _report(own_id, "refund", order.updated_at, otherwise=unshipped, look=True)


def _message(data: Any) -> OrderMessage:
    return read(OrderMessage, data, "data")


def _shipment(carrier: str, tracking_no: str) -> dict[str, str] | None:
    if not (carrier and tracking_no):
        return None
    return {"carrier": clipped(carrier, NAME_LENGTH), "tracking_no": clipped(tracking_no, NAME_LENGTH)}


def _scan(station: Station) -> dict[str, str] | None:
    """Return a station as the case takes it; without its place nothing but the instant is known.

    Of the carrier's own words nothing is kept: they name couriers and buyers.
    """
    if not station.place:
        return None
    form = {"place": clipped(station.place, NAME_LENGTH), "status": station.progress.value}
    return form | ({"region": station.region} if station.region else {})


def _report(
    message_id: str,
    rule: str,
    at: datetime | None,
    form: Mapping[str, str] | None = None,
    *,
    otherwise: tuple[str, ...] = (),
    look: bool = False,
) -> Report:
    return Report(
        message_id=message_id,
        rule=rule,
        otherwise=otherwise,
        form=None if form is None else dict(form),
        occurred_at=at,
        look=look,
    )
