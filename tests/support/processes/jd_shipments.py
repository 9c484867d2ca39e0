"""JD shipment watches as tests need them: facts, forms, and a case without Temporal."""

from datetime import datetime, timedelta
from typing import Any, Self

from tests.support.processes.untimed import UntimedCase
from tests.support.rules.machines import OPENED, after
from workflows.engine.case_workflow import take_message
from workflows.registry import PROCESSES

WATCH = PROCESSES["jd_shipment"]
SECOND = timedelta(seconds=1)
PARCEL = {"carrier": "JDL", "tracking_no": "JD1"}
PROOF = {"evidence": [{"kind": "call_record", "url": "https://example.com/call.mp3"}]}


def watch_facts(ordered: datetime, own_id: str = "O1", **changes: Any) -> dict[str, Any]:
    """Return the facts of an order of goods in stock."""
    return {"shop_id": "S1", "order_id": own_id, "ordered_at": ordered.isoformat(), "kind": "stock", **changes}


class Watch(UntimedCase):
    """An order to ship, placed on Monday 2026-01-05 at 09:00 in Shanghai; offsets count from it, also in forms."""

    def __init__(self, policy: dict[str, Any] | None = None, **changes: Any) -> None:
        super().__init__(WATCH, "O1", watch_facts(OPENED, **changes), policy)

    @property
    def late_at(self) -> list[datetime]:
        """The instants of the late orders in force."""
        return [entry.at for entry in self.machine.state.ledger]

    @property
    def ignored(self) -> list[str]:
        return [message.why for message in self.machine.state.ignored]

    def uploaded(self, offset: str) -> Self:
        return self.act(offset, "upload_tracking", PARCEL)

    def told(self, offset: str, rule: str, occurred: str | None = None, **form: Any) -> Self:
        """Let the platform report a rule at an offset, which happened then or earlier."""
        self.until(offset)
        message: dict[str, Any] = {"rule": rule, "occurred_at": after(occurred or offset).isoformat()}
        take_message(self.machine, message | ({"form": form} if form else {}), after(offset))
        return self

    def exempted(self, offset: str, by: str = "card", until: str | None = None, **form: Any) -> Self:
        agreed = {"until": after(until).isoformat()} if until else {}
        return self.told(offset, "exempt", by=by, **agreed, **form)


def watch_in(state: str, **changes: Any) -> Watch:
    """Return a watch that entered an open state at once or after 1 h."""
    watch = Watch(**changes)
    if state == "awaiting_pickup":
        watch.uploaded("1h")
    assert watch.state == state
    return watch
