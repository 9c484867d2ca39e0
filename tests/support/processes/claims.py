"""Facts of claims on 1688."""

from datetime import datetime
from typing import Any

CHAT = {"kind": "chat_screenshot", "url": "https://example.com/chat.png"}
APPEAL = {"reason": "已按时发货", "evidence": [CHAT]}


def claim_facts(own_id: str, opened: datetime, **changes: Any) -> dict[str, Any]:
    """Return the facts of a claim opened at an instant about one violating sub-order of 200 CNY."""
    return {
        "shop_id": "S1",
        "claim_id": own_id,
        "order_id": "O1",
        "violation": "late_shipment",
        "opened_by": "platform",
        "opened_at": opened.isoformat(),
        "sub_orders": [{"sub_order_id": "SO1", "goods_amount": "200.00", "violating": True}],
        **changes,
    }
