"""JD advance reports as tests need them: facts, forms, and a case without Temporal."""

from datetime import datetime, timedelta
from typing import Any, Self

from cases.durations import parse_duration
from tests.support.processes.untimed import UntimedCase
from tests.support.rules.machines import OPENED, after
from workflows.engine.case_workflow import take_message
from workflows.registry import PROCESSES

ADVANCE = PROCESSES["jd_advance_report"]
SECOND = timedelta(seconds=1)
PROOF = {"evidence": [{"kind": "other", "url": "https://example.com/warning.png", "note": "气象预警"}]}
OPEN_STATES = ("drafted", "under_review", "refused", "approved", "in_force")


def advance_facts(opened: datetime, own_id: str = "R1", **changes: str) -> dict[str, Any]:
    """Return the facts of a period from 48 h to 120 h after the opening; instants are written as offsets."""
    offsets = {"begins_at": "48h", "ends_at": "120h", **changes}
    instants = {name: (opened + parse_duration(offset)).isoformat() for name, offset in offsets.items()}
    return {"shop_id": "S1", "report_id": own_id, "cause": "weather", "note": "暴雪,当地快递停收", **instants}


class Advance(UntimedCase):
    """An advance report; offsets count from the opening."""

    def __init__(self, policy: dict[str, Any] | None = None, **changes: str) -> None:
        super().__init__(ADVANCE, "R1", advance_facts(OPENED, **changes), policy)

    def filed(self, offset: str, *, by: timedelta = timedelta(0)) -> Self:
        return self.act(offset, "file", PROOF, by=by)

    def report(self, offset: str, rule: str, *, by: timedelta = timedelta(0), **message: Any) -> Self:
        """Report a rule of the platform; an offset in ``occurred_at`` is written as an instant."""
        instants = {name: after(message[name]).isoformat() for name in ("occurred_at",) if name in message}
        now = after(offset) + by
        self.machine.advance(now)
        take_message(self.machine, {"message_id": f"{rule} {now}", "rule": rule, **message, **instants}, now)
        return self


def advance_in(state: str, **changes: str) -> Advance:
    """Return a report that entered a state within the first 3 h, or when its period began."""
    of = Advance(**changes)
    if state != "drafted":
        of.filed("1h")
    match state:
        case "refused":
            of.report("2h", "refuse", form={"reason": "凭证不清晰"})
        case "approved":
            of.report("2h", "approve")
        case "in_force":
            of.report("2h", "approve").until("48h")
    assert of.state == state
    return of
