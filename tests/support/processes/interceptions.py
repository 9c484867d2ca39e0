"""Interceptions as tests need them: facts, forms, and a case without Temporal."""

from datetime import timedelta
from typing import Any, Self

from tests.support.processes.untimed import UntimedCase
from tests.support.rules.machines import after
from workflows.engine.case_workflow import take_message
from workflows.registry import PROCESSES

INTERCEPTION = PROCESSES["douyin_interception"]
NEAR = {"tracking_no": "SF1", "carrier": "SF", "goods_amount": "80.00", "fee": "8.00", "out_for_delivery": False}
FAR = {"tracking_no": "YT2", "carrier": "YTO", "goods_amount": "1500.00", "out_for_delivery": False}
PHOTO = {"kind": "waybill_photo", "url": "https://example.com/parcel.png"}
COMPLAINT = {"evidence": [PHOTO]}
LOST = {"kind": "lost", "actual_loss": "1500.00"}
OPEN_STATES = (
    "awaiting_agreement",
    "choosing",
    "awaiting_confirmation",
    "intercepting",
    "returning",
    "damaged_or_lost",
    "complaint",
)


def interception_facts(own_id: str = "A1", **changes: Any) -> dict[str, Any]:
    """Return the facts of a refund that was applied for, in a shop with the agreement, and of two parcels."""
    return {
        "shop_id": "S1",
        "after_sale_id": own_id,
        "order_id": "O1",
        "refund": "applied",
        "agreement_signed": True,
        "parcels": [NEAR, FAR],
        **changes,
    }


class Interception(UntimedCase):
    """An interception; offsets count from the opening."""

    def __init__(self, policy: dict[str, Any] | None = None, **changes: Any) -> None:
        super().__init__(INTERCEPTION, "A1", interception_facts(**changes), policy)

    @property
    def ignored(self) -> list[str]:
        return [message.why for message in self.machine.state.ignored]

    @property
    def taken_back(self) -> list[tuple[str | None, bool]]:
        """The amounts that were taken back in the ledger, and whether they were income."""
        entries = (*self.machine.state.reversed, *self.machine.state.undone)
        return [(None if entry.amount is None else str(entry.amount), entry.income) for entry in entries]

    @property
    def ledger(self) -> list[tuple[str | None, bool]]:
        """The amounts in force in the ledger, and whether they are income."""
        entries = self.machine.state.ledger
        return [(None if entry.amount is None else str(entry.amount), entry.income) for entry in entries]

    def act(self, offset: str, rule: str, form: dict[str, Any] | None = None, *, by: timedelta = timedelta(0)) -> Self:
        return super().act(offset, rule, form, by=by).until(offset, by=by)

    def report(self, offset: str, rule: str, form: dict[str, Any] | None = None, **message: Any) -> Self:
        take_message(self.machine, {"rule": rule, "form": form, **message}, after(offset))
        return self


def interception_in(state: str, parcel: str = "SF1", **changes: Any) -> Interception:
    """Return an interception of a parcel that is in a state."""
    stopped = Interception(**({"agreement_signed": False} if state == "awaiting_agreement" else {}) | changes)
    way: tuple[tuple[str, dict[str, Any] | None], ...] = (
        ("choose_parcel", {"tracking_no": parcel}),
        ("confirm", None),
        ("intercept_succeeds", None),
        ("lose", LOST),
        ("complain", COMPLAINT),
    )
    for rule, form in way:
        if stopped.state == state:
            break
        stopped.act("1h", rule, form)
    assert stopped.state == state
    return stopped
