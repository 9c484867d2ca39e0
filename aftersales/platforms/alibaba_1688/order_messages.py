"""1688's messages about orders and their parcels, as the sellers get them.

The trade messages have a seller's view.  Of the parcels' messages only the buyer's view is documented: whether a seller
who has authorised us gets them is not known.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from aftersales.platforms.alibaba_1688.client import Alibaba1688Client
from aftersales.platforms.inbound import InboundMessage, decimal_id, short_text
from aftersales.platforms.instants import platform_instant
from aftersales.platforms.push import MOST_MESSAGES, PushedMessage

SITE_1688: Final = "alibaba_1688"

# T: an order was closed, by the buyer, the seller or 1688 itself; also after a refund.
ORDER_CLOSED: Final = ("ORDER_ORDER_BUYER_CLOSE", "ORDER_ORDER_SELLER_CLOSE", "ORDER_ORDER_BOPS_CLOSE")
# T: a parcel has reached a node of its way for the first time; its tracking number was changed.
PARCEL_MOVED: Final = "LOGISTICS_BUYER_VIEW_TRACE"
PARCEL_RENUMBERED: Final = "LOGISTICS_MAIL_NO_CHANGE"

PARCELS: Final[Mapping[str, str]] = {PARCEL_MOVED: "OrderLogisticsTracingModel", PARCEL_RENUMBERED: "MailNoChangeModel"}
"""The member that describes the parcel."""
_ORDERS: Final = "orderLogsItems"
USER, BORN = "userInfo", "gmtBorn"
"""What is added to the content of every message: the user that has authorised us, and when it was sent."""


def parcel(tag: str, data: Any) -> Mapping[str, Any]:
    """Return the parcel that a message is about, empty if there is none."""
    model = data.get(PARCELS.get(tag, "")) if isinstance(data, dict) else None
    return model if isinstance(model, dict) else {}


def orders(tag: str, data: Any) -> list[Any]:
    """Return the ids of the orders in a parcel, each once."""
    items = parcel(tag, data).get(_ORDERS)
    named = [item.get("orderId") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return list(dict.fromkeys(order for order in named if short_text(order)))


def for_each_order(message: PushedMessage) -> list[PushedMessage | InboundMessage]:
    """Return a message about a parcel with several orders as one for each of them; one with too many is unreadable.

    Only the first keeps the whole of what came: as many copies would fill the disk.
    """
    named = orders(message.tag, message.data)
    if len(named) <= 1:
        return [message]
    if len(named) > MOST_MESSAGES:
        reason = f"最多 {MOST_MESSAGES} 个订单 / at most {MOST_MESSAGES} orders, got {len(named)}"
        return [InboundMessage.unreadable(SITE_1688, message.body, reason, message.message_id, message.tag)]
    member = PARCELS[message.tag]
    return [
        replace(
            message,
            message_id=f"{message.message_id}/{order}",
            data={**message.data, member: {**message.data[member], _ORDERS: [{"orderId": order}]}},
            body=_part_of(message, order) if later else message.body,
        )
        for later, order in enumerate(named)
    ]


def _part_of(message: PushedMessage, order: Any) -> bytes:
    return json.dumps({"msgId": message.message_id, "orderId": order}).encode()


def order_id(tag: str, data: Mapping[str, Any]) -> str:
    """Return the order that a message is about; raises BadForm."""
    (order,) = orders(tag, data)[:1] or [data.get("orderId")]
    return decimal_id(order, "orderId")


def shop_id(alibaba: Alibaba1688Client, data: Mapping[str, Any]) -> str:
    """Return the shop whose user a message names; raises NoCredentials."""
    return alibaba.access.shop_called(str(data.get(USER))).shop_id


def happened(tag: str, data: Mapping[str, Any]) -> datetime | None:
    """Return when it happened, as exactly as the message says."""
    about = parcel(tag, data)
    return platform_instant(about.get("changeTime"), about.get("eventTime"), data.get("msgSendTime"), data.get(BORN))
