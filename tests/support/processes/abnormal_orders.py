"""Abnormal orders on JD as tests need them: facts, forms, and a case without Temporal."""

from datetime import datetime, timedelta
from typing import Any, Self

from tests.support.processes.untimed import UntimedCase
from tests.support.rules.machines import OPENED, after
from workflows.engine.case_workflow import take_message
from workflows.registry import PROCESSES

ABNORMAL = PROCESSES["jd_abnormal_order"]
SECOND = timedelta(seconds=1)
CALL = {"kind": "call_record", "url": "https://example.com/call.mp3"}
FILED = {"reason": "收件人电话空号", "evidence": [CALL]}
REJECTED = {"reason": "凭证不清晰"}
SHIPMENT = {"carrier": "JDL", "tracking_no": "JD1"}
OPEN_STATES = ("unfiled", "filed", "rejected")


def abnormal_facts(ordered: datetime, own_id: str = "O1", **changes: Any) -> dict[str, Any]:
    """Return the facts of an order that was placed at an instant and whose buyer cannot be reached."""
    return {
        "shop_id": "S1",
        "order_id": own_id,
        "ordered_at": ordered.isoformat(),
        "kind": "unreachable",
        "shipped": False,
        **changes,
    }


class AbnormalOrder(UntimedCase):
    """An abnormal order; offsets count from the order."""

    def __init__(self, policy: dict[str, Any] | None = None, **changes: Any) -> None:
        super().__init__(ABNORMAL, "O1", abnormal_facts(OPENED, **changes), policy)

    def report(self, offset: str, rule: str, form: dict[str, Any] | None = None, **message: Any) -> Self:
        take_message(self.machine, {"rule": rule, "form": form, **message}, after(offset))
        return self


def abnormal_in(state: str, **changes: Any) -> AbnormalOrder:
    """Return an order that entered a state one hour after it was placed."""
    order = AbnormalOrder(**changes)
    if state in ("filed", "rejected"):
        order.act("1h", "file", FILED)
    if state == "rejected":
        order.report("1h", "reject", REJECTED)
    assert order.state == state
    return order
