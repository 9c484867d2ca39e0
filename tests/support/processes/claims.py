"""Claims on 1688 as tests need them: their facts."""

from datetime import datetime
from typing import Any

CHAT = {"kind": "chat_screenshot", "url": "https://example.com/chat.png"}
APPEAL = {"reason": "已按时发货", "evidence": [CHAT]}


def claim_facts(own_id: str, opened: datetime, **given: Any) -> dict[str, Any]:
    """The facts of a claim that was opened at an instant on one violating sub-order of 200 CNY."""
    return {
        "shop_id": "S1",
        "claim_id": own_id,
        "order_id": "O1",
        "violation": "late_shipment",
        "opened_by": "platform",
        "opened_at": opened.isoformat(),
        "sub_orders": [{"sub_order_id": "SO1", "goods_amount": "200.00", "violating": True}],
        **given,
    }
