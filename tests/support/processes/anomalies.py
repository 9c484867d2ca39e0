"""Facts of shipping-anomaly warnings on 1688."""

from datetime import datetime
from typing import Any

CALL = {"kind": "call_record", "url": "https://example.com/call.png"}
REPORT = {"reason": "联系不上买家", "evidence": [CALL]}


def anomaly_facts(own_id: str, warned: datetime, **changes: Any) -> dict[str, Any]:
    """Return the facts of a warning of a lost parcel with goods of 200 CNY."""
    return {
        "shop_id": "S1",
        "anomaly_id": own_id,
        "order_id": "O1",
        "kind": "lost",
        "warned_at": warned.isoformat(),
        "tracking_no": "YT1",
        "goods_amount": "200.00",
        **changes,
    }
