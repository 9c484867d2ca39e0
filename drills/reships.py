"""Reships on Douyin, which the sandbox's messages open: what buyer, platform and operators do, and how each ends."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.messages import Opening
from drills.stage import SHOPS
from drills.stories import LATE_FACTS, PlannedDecision, Window, take
from tests.support.rules.telling import until
from workflows.engine.case_workflow import take_message
from workflows.engine.machine import CaseMachine
from workflows.registry import PROCESSES

PROCESS = PROCESSES["douyin_reship"]
CLOCK = timedelta(hours=48)
EVIDENCE_WINDOW = timedelta(hours=24)
BETWEEN_STEPS = timedelta(minutes=2)
"""Between two steps of the calm run: within a minute a report passes for the confirmation of a decision."""
AMOUNT = "99.90"
PIECE = {"kind": "waybill_photo", "url": "https://example.com/{}.png"}
AGREES, REFUSES, SHIPS, PROVES = "同意补寄", "拒绝补寄", "补寄发货", "提交凭证"

BY_OPERATOR = "operator "
Step = tuple[str, dict[str, Any]]
"""What is done; what begins with "operator" is a decision of the case, the rest happens on the platform alone."""


@dataclass(frozen=True)
class Journey:
    """A way through a reship: its steps, the state that it ends in, and the clocks of the platform that run out."""

    reason: str
    steps: tuple[Step, ...]
    state: str
    done: Mapping[str, int]
    """How often the platform must have carried out what, as its own record says."""
    clocks: tuple[str, ...] = ()


def _proof(number: int) -> Step:
    return "operator submit_evidence", {"evidence": [{**PIECE, "url": PIECE["url"].format(number)}]}


_REFUSED: Step = ("operator refuse", {"reason": "商品已正常送达", "evidence": [PIECE]})
_AGREED: Step = ("operator agree", {})
_SHIPPED: Step = ("operator ship", {"carrier": "zhongtong", "tracking_no": "ZT{id}"})
_IN_CONSOLE: Step = ("ship", {"company_code": "zhongtong", "tracking_no": "ZT{id}"})
_WANTED: Step = ("want-evidence", {})

JOURNEYS = (
    Journey("never_received", (), "awaiting_shipment", {}, ("auto_agree",)),
    Journey("short_shipped", (), "awaiting_shipment", {}, ("auto_agree",)),
    Journey("never_received", (), "refunded", {}, ("auto_agree", "miss_shipment")),
    Journey("short_shipped", (), "overdue", {}, ("auto_agree", "miss_shipment")),
    Journey("never_received", (_AGREED, _SHIPPED), "in_transit", {AGREES: 1, SHIPS: 1}),
    Journey("other", (_AGREED, _SHIPPED), "in_transit", {AGREES: 1, SHIPS: 1}),
    Journey(
        "never_received",
        (_REFUSED, _WANTED, _proof(1), _proof(2), ("rule-refund", {})),
        "refunded",
        {REFUSES: 1, PROVES: 2},
    ),
    Journey(
        "never_received", (_REFUSED, _WANTED, _proof(1), ("rule-dismiss", {})), "dismissed", {REFUSES: 1, PROVES: 1}
    ),
    Journey(
        "short_shipped",
        (_REFUSED, ("modify", {"reason": "never_received"}), _AGREED, ("withdraw", {})),
        "withdrawn",
        {REFUSES: 1, AGREES: 1},
    ),
    Journey("never_received", (("agree", {}), _IN_CONSOLE), "in_transit", {AGREES: 1, SHIPS: 1}),
)


@dataclass(frozen=True)
class Reship:
    """A reship: when its buyer applied, and when the drill enters it in the sandbox."""

    own_id: str
    shop_id: str
    journey: Journey
    applied_at: datetime
    enters: datetime

    @property
    def case_id(self) -> str:
        """The id of its workflow."""
        return f"{PROCESS.name}/{self.own_id}"

    @property
    def may_be_reset(self) -> bool:
        """Whether the platform's record shows at the end what was decided, so that it can answer for it again."""
        return all(name != BY_OPERATOR + "refuse" for name, _ in self.journey.steps)

    @property
    def due(self) -> dict[str, datetime]:
        """The clocks that run out, with their instants."""
        return {rule: self.applied_at + CLOCK * (number + 1) for number, rule in enumerate(self.journey.clocks)}

    @property
    def steps(self) -> Iterator[Step]:
        """Its steps, with the numbers of its own parcel."""
        for name, form in self.journey.steps:
            texts = {
                key: value.format(id=self.own_id) if isinstance(value, str) else value for key, value in form.items()
            }
            yield name, texts

    def calm(self, order_id: str, now: datetime) -> CaseMachine:
        """Return its case as it stands now if every step of its journey is told, or taken, when it happens."""
        facts = {
            "shop_id": self.shop_id,
            "after_sale_id": self.own_id,
            "order_id": order_id,
            "reason": self.journey.reason,
            "order_amount": AMOUNT,
            "applied_at": self.applied_at.isoformat(),
        }
        case = PROCESS.open_case(Opening(facts=facts, policy={"late_facts": LATE_FACTS}))
        machine, at = CaseMachine(PROCESS, self.case_id, case, now=self.applied_at), self.applied_at
        machine.advance(at)
        for number, (name, form) in enumerate(self.steps):
            at += BETWEEN_STEPS
            until(machine, at)
            if name.startswith(BY_OPERATOR):
                rule = name.removeprefix(BY_OPERATOR)
                take(machine, PlannedDecision(rule, form or None, at, f"{self.own_id}-{number}"), at)
            else:
                take_message(machine, _message(name, form, at), at)
        until(machine, now)
        return machine

    def wrong(self, record: Mapping[str, Any]) -> list[str]:
        """Return what the platform's record shows that was not done, or done twice."""
        log = Counter(line["action"] for line in record["log"] if line["role"] == "商家")
        wanted = Counter(self.journey.done)
        return [
            f"{what}: {log[what]} times instead of {wanted[what]}" for what in log | wanted if log[what] != wanted[what]
        ]


def _message(name: str, form: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return what the platform reports of what has happened on it."""
    rule = "ask_evidence" if name == "want-evidence" else name.replace("-", "_")
    reported = dict(form)
    if name == "want-evidence":
        reported = {"until": (at + EVIDENCE_WINDOW).isoformat()}
    elif name == "ship":
        reported = {"carrier": form["company_code"], "tracking_no": form["tracking_no"]}
    message: dict[str, Any] = {"message_id": name, "occurred_at": at.isoformat(), "rule": rule}
    return message | ({"form": reported} if reported else {})


def reships(seed: int, many: int, window: Window) -> Iterator[Reship]:
    """Yield reships of all journeys."""
    draw = random.Random(f"{seed}/reships")
    for number in range(many):
        journey = JOURNEYS[number % len(JOURNEYS)]
        enters = window.at(draw.uniform(0, 0.4))
        if journey.clocks:
            due = window.at(draw.uniform(0.45, 0.97))
            applied = due - CLOCK * len(journey.clocks)
        else:
            applied = enters - timedelta(hours=draw.randint(1, 20))
        yield Reship(str(142_000_000_000_000_000 + number), SHOPS[number % 2], journey, applied, enters)
