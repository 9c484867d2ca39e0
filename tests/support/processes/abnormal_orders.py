"""Abnormal orders on JD as tests need them: facts, forms, and a case without Temporal."""

from datetime import datetime, timedelta
from typing import Any

from cases.durations import parse_duration
from cases.messages import Opening
from tests.support.machines import OPENED, PromptMachine, submitted
from workflows.engine.case_workflow import take_message
from workflows.registry import PROCESSES

ABNORMAL = PROCESSES["jd_abnormal_order"]
SECOND = timedelta(seconds=1)
CALL = {"kind": "call_record", "url": "https://example.com/call.mp3"}
FILED = {"reason": "收件人电话空号", "evidence": [CALL]}
REJECTED = {"reason": "凭证不清晰"}
SHIPMENT = {"carrier": "JDL", "tracking_no": "JD1"}
OPEN_STATES = ("unfiled", "filed", "rejected")


def after(offset: str) -> datetime:
    """Return an instant, counted from the order."""
    return OPENED + parse_duration(offset)


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


class AbnormalOrder:
    """An abnormal order; offsets count from the order."""

    def __init__(self, policy: dict[str, Any] | None = None, **changes: Any) -> None:
        case = ABNORMAL.open_case(Opening(facts=abnormal_facts(OPENED, **changes), policy=policy or {}))
        self.machine = PromptMachine(ABNORMAL, "jd_abnormal_order/O1", case, now=OPENED)
        self.machine.advance(OPENED)

    @property
    def state(self) -> str:
        (state,) = self.machine.state.snapshot.entered
        return state

    @property
    def fired(self) -> list[tuple[str, datetime]]:
        return [(entry.rule, entry.at) for entry in self.machine.state.timeline]

    @property
    def clauses(self) -> dict[str, str]:
        """The clause of every rule that fired."""
        return {entry.rule: entry.clause for entry in self.machine.state.timeline}

    @property
    def submitted(self) -> list[str]:
        return submitted(self.machine)

    @property
    def clocks(self) -> dict[str, datetime]:
        return {deadline.rule: deadline.due for deadline in self.machine.deadlines()}

    def until(self, offset: str, *, by: timedelta = timedelta(0)) -> "AbnormalOrder":
        self.machine.advance(after(offset) + by)
        return self

    def act(self, offset: str, rule: str, form: dict[str, Any] | None = None) -> "AbnormalOrder":
        self.until(offset)
        self.machine.decide(rule, form, after(offset))
        return self

    def report(self, offset: str, rule: str, form: dict[str, Any] | None = None, **message: Any) -> "AbnormalOrder":
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
