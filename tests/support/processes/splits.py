"""Anxinjian items as tests need them: facts, the ways of their orders, and a case without Temporal.

Common starting points are computed once; every test works on a copy.
"""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from cases.errors import Refused
from cases.messages import ExpiryOutcome, Opening
from statecharts.chart import Snapshot
from tests.support.rules import machines
from tests.support.rules.machines import PromptMachine, after
from workflows.engine import decisions
from workflows.engine.case_workflow import take_message
from workflows.engine.machine import CaseMachine
from workflows.registry import PROCESSES

OPENED = machines.OPENED.astimezone(UTC)
"""In UTC, as in workflows."""
SPLIT = PROCESSES["anxinjian_split"]
SECOND = timedelta(seconds=1)
ITEM = "O1"
"""The order that carries the item."""
KEEP_ALL = {"way": "keep_all", "freight_consent": True}
KEEP_SINGLE = {"way": "keep_single"}
ITEM_WAY = (
    "sign_in",
    "record",
    "authenticate",
    "pack",
    "print_waybill",
    "pick_up",
    "deliver",
    "confirm_receipt",
)
"""The rules by which the order with the item is brought to its end."""
WAIVED_WAY = ("sign_in", "record", "waive", *ITEM_WAY[3:])
"""The rules by which an order is brought to its end that needs no authentication."""
ONLINE_STATES = ("signed_in", "recorded", "authenticated", "waived", "packed")
BEFORE = "2026-11-26"
"""The last edition before AX-11 and AX-12, and before a choice could be changed."""
OPEN_STATES = (
    "awaiting_sign_in",
    "unverified",
    *ONLINE_STATES,
    "blocked",
    "waybill_printed",
    "picked_up",
    "delivered",
)
"""The states in which the platform's clock of automatic receipt runs."""
ENDS = ("confirmed", "cancelled", "returned", "refunded")


def order_ids(many: int) -> tuple[str, ...]:
    """Return the orders of an item; the first carries it."""
    return tuple(f"O{number}" for number in range(1, many + 1))


def split_facts(many: int = 2, own_id: str = "I1", **receipts: str | None) -> dict[str, Any]:
    """Return the facts of an item with ``many`` orders; automatic receipt is after 30 days unless set by order."""
    offsets = dict.fromkeys(order_ids(many), "30d") | receipts
    return {
        "provider_id": "P1",
        "merchant_id": "M1",
        "item_id": own_id,
        "authentication_fee": "30.00",
        "freight_fee": "12.00",
        "sub_orders": [
            {
                "order_id": order,
                "carries_item": order == ITEM,
                "auto_receipt_at": None if offset is None else after(offset).isoformat(),
            }
            for order, offset in offsets.items()
        ],
    }


def form_of(rule: str, order: str) -> dict[str, Any]:
    """Return a form for a rule about an order; every order has a waybill of its own."""
    return {
        "authenticate": {"verdict": "pass"},
        "print_waybill": {"carrier": "YTO", "tracking_no": f"YT-{order}"},
        "report_blocked": {"step": "pack"},
        "explain_unsigned": {"why": "unknown"},
        "return_item": {"carrier": "YTO", "tracking_no": f"RT-{order}"},
    }.get(rule, {})


def opened(
    many: int = 2, policy: dict[str, Any] | None = None, edition: str | None = None, **receipts: str | None
) -> CaseMachine:
    """Return an item of ``many`` orders that was opened just now, or was opened with an ``edition`` of the figures."""
    case = SPLIT.open_case(Opening(facts=split_facts(many, **receipts), policy=policy or {}), edition)
    machine = PromptMachine(SPLIT, "anxinjian_split/I1", case, now=OPENED)
    machine.advance(OPENED)
    return machine


@cache
def _opened_once(
    many: int, policy: str, edition: str | None, receipts: tuple[tuple[str, str | None], ...]
) -> CaseMachine:
    return opened(many, json.loads(policy), edition, **dict(receipts))


class Split:
    """A split item; offsets count from the opening, also those in messages."""

    def __init__(
        self, many: int = 2, policy: dict[str, Any] | None = None, edition: str | None = None, **receipts: str | None
    ) -> None:
        self.machine = _opened_once(many, json.dumps(policy), edition, tuple(receipts.items())).fork()

    @property
    def state(self) -> str:
        """The state of the item."""
        (state,) = self.machine.chart_view().states
        return state

    def where(self, order: str) -> str:
        """Return the state of an order."""
        (state,) = self.machine.chart_view(order).states
        return state

    def snapshot(self, order: str) -> Snapshot:
        return self.machine.state.orders[order]

    def fired(self, order: str | None = None) -> list[tuple[str, datetime]]:
        return [(entry.rule, entry.at) for entry in self.machine.state.timeline if entry.order == order]

    @property
    def clauses(self) -> dict[str, str]:
        """The clause of every rule that fired."""
        return {entry.rule: entry.clause for entry in self.machine.state.timeline}

    @property
    def pending(self) -> list[tuple[str, str | None]]:
        return [(effect.effect, effect.order) for effect in self.machine.state.pending]

    @property
    def booked(self) -> list[tuple[str, str | None, str | None]]:
        return [
            (entry.clause, entry.order, None if entry.amount is None else str(entry.amount))
            for entry in self.machine.state.ledger
        ]

    @property
    def clocks(self) -> dict[tuple[str, str | None], datetime]:
        return {(deadline.rule, deadline.order): deadline.due for deadline in self.machine.deadlines()}

    @property
    def allowed(self) -> list[decisions.Choice]:
        """What people may do now."""
        return decisions.allowed(self.machine, self.machine.state.latest)

    @property
    def reminded(self) -> list[tuple[str, str | None, datetime]]:
        return [(reminder.rule, reminder.order, reminder.at) for reminder in self.machine.state.reminders]

    @property
    def ignored(self) -> list[str]:
        return [message.why for message in self.machine.state.ignored]

    def until(self, offset: str, *, by: timedelta = timedelta(0), **answer: Any) -> "Split":
        """Let time pass, instant by instant; clocks of the platform are settled as the policy says or by ``answer``."""
        end = after(offset) + by
        now = self.machine.next_instant(self.machine.state.latest)
        while now is not None and now < end:
            self._settled(now, answer)
            now = self.machine.next_instant(now)
        return self._settled(end, answer)

    def _settled(self, now: datetime, answer: dict[str, Any]) -> "Split":
        self.machine.advance(now)
        while waiting := [expiry for expiry in self.machine.state.expiries if expiry.why is None]:
            self.machine.resolve_expiry(waiting[0].serial, ExpiryOutcome(**answer), now)
            self.machine.advance(now)
        return self

    def act(self, offset: str, rule: str, order: str | None = None, form: dict[str, Any] | None = None) -> "Split":
        """Do what somebody decided; an order has a form that fits unless another is given."""
        self.until(offset)
        fields = (form_of(rule, order) if form is None else form) | {"order": order} if order else form
        self.machine.decide(rule, fields, after(offset))
        self.machine.advance(after(offset))
        return self

    def choose(self, offset: str, way: dict[str, Any]) -> "Split":
        return self.act(offset, "choose", form=way)

    def walk(self, offset: str, order: str, *rules: str) -> "Split":
        """Do several things with an order, one after the other."""
        for rule in rules:
            self.act(offset, rule, order)
        return self

    def report(self, offset: str, **message: Any) -> "Split":
        instants = {name: after(message[name]).isoformat() for name in ("occurred_at", "deadline") if name in message}
        take_message(self.machine, {**message, **instants}, after(offset))
        return self

    def refusal(self, offset: str, rule: str, order: str | None = None, form: dict[str, Any] | None = None) -> str:
        """Return why an action is refused; the refusal changes nothing."""
        self.until(offset)
        before = self.machine.case, self.machine.state.model_dump_json()
        with pytest.raises(Refused) as refused:
            self.act(offset, rule, order, form)
        assert (self.machine.case, self.machine.state.model_dump_json()) == before
        return str(refused.value)


def order_in(state: str, order: str | None = None, offset: str = "1h") -> tuple[Split, str]:
    """Return an item of two orders, all kept, one of which is in a state; ``order`` says which."""
    order = order or ("O2" if state == "waived" else ITEM)
    split = Split()
    split.machine = _brought_once(state, order, offset).fork()
    assert split.where(order) == state
    return split, order


@cache
def _brought_once(state: str, order: str, offset: str) -> CaseMachine:
    way = ITEM_WAY if order == ITEM else WAIVED_WAY
    judged = "authenticated" if order == ITEM else "waived"
    reached = ("", "signed_in", "recorded", judged, "packed", "waybill_printed", "picked_up", "delivered", "confirmed")
    split = Split().choose(offset, KEEP_ALL)
    match state:
        case "awaiting_sign_in":
            pass
        case "unverified":
            split.act(offset, "explain_unsigned", order)
        case "blocked":
            split.walk(offset, order, "sign_in", "record", "report_blocked")
        case "cancelled":
            split.act(offset, "explain_unsigned", order, {"why": "refunded_before_shipping"})
        case "refunded":
            split.until("30d")
        case "failed" | "returned":
            split.walk(offset, order, "sign_in", "record")
            split.act(offset, "authenticate", order, {"verdict": "fail"})
            split.walk(offset, order, *(["return_item"] if state == "returned" else []))
        case _:
            split.walk(offset, order, *way[: reached.index(state)])
    return split.machine
