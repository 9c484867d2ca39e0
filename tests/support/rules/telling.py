"""Facts of a case and the ways of telling it of them, for tests of G-11: a fact counts when it happened."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from cases.messages import ExpiryOutcome, Opening
from cases.shanghai import shanghai_day
from tests.support.processes.abnormal_orders import FILED, REJECTED, abnormal_facts
from tests.support.processes.advance_reports import advance_facts
from tests.support.processes.anomalies import REPORT, anomaly_facts
from tests.support.processes.claims import CHAT, claim_facts
from tests.support.processes.delays import delay_facts
from tests.support.processes.interceptions import LOST, NEAR, interception_facts
from tests.support.processes.jd_shipments import watch_facts
from tests.support.processes.shipments import shipment_facts
from tests.support.processes.shortages import shortage_facts
from tests.support.processes.splits import split_facts
from tests.support.rules import machines
from tests.support.temporal.life import facts
from workflows.engine.case_workflow import take_message
from workflows.engine.machine import CaseMachine
from workflows.engine.process import Process
from workflows.registry import PROCESSES

OPENED = machines.OPENED.astimezone(UTC)
"""In UTC, as in workflows."""


def openings(began: datetime, own_id: str = "A1") -> dict[str, list[dict[str, Any]]]:
    """Return the facts with which cases of every process are opened that begin at an instant."""
    return {
        "douyin_reship": [
            facts(own_id, reason=reason, applied_at=began.isoformat()) for reason in ("never_received", "short_shipped")
        ],
        "claim_1688": [claim_facts(own_id, began)],
        "jd_delay_card": [delay_facts(began, own_id), delay_facts(began, own_id, promised_ship_at="47h", sent_at="0s")],
        "jd_shipment": [
            watch_facts(began, own_id),
            watch_facts(
                began, own_id, kind="presale", promised_last_day=shanghai_day(began + timedelta(days=3)).isoformat()
            ),
        ],
        "jd_presale_shortage": [shortage_facts(began, own_id), shortage_facts(began, own_id, "2d", paid=True)],
        "anxinjian_split": [split_facts(2, own_id), split_facts(2, own_id, O1="3d", O2="6d")],
        "douyin_interception": [
            interception_facts(own_id),
            interception_facts(own_id, refund="succeeded", parcels=[NEAR]),
        ],
        "douyin_shipment": [
            shipment_facts(began, own_id),
            shipment_facts(began, own_id, mode="express", consignee_region="上海市"),
        ],
        "jd_advance_report": [
            advance_facts(began, own_id),
            advance_facts(began, own_id, begins_at="20d", ends_at="25d"),
        ],
        "anomaly_1688": [anomaly_facts(own_id, began), anomaly_facts(own_id, began, kind="stalled")],
        "jd_abnormal_order": [abnormal_facts(began, own_id, kind=kind) for kind in ("unreachable", "malicious")],
    }


OPENINGS = openings(OPENED)
PROOF = {"evidence": [{"kind": "buyer_consent", "url": "https://example.com/1.png"}]}
SHIPMENT = {"carrier": "SF", "tracking_no": "SF1"}
FORMS: dict[str, list[dict[str, Any]]] = {
    "refuse": [{"reason": "已签收"}, {"reason": "缺货", "after_consent": True, **PROOF}],
    "ship": [SHIPMENT],
    "upload_tracking": [SHIPMENT],
    "report_phone_cancel": [PROOF],
    "correct_tracking": [{"carrier": "YTO", "tracking_no": "YT2"}],
    "scan": [
        {"place": "杭州转运中心", "status": "已揽收"},
        {"place": "北京转运中心", "region": "北京市", "status": "运输中"},
    ],
    "judge_false": [{"reason": "无物流更新"}],
    "replace_tracking": [SHIPMENT],
    "urge_carrier": [{"note": "已催促"}],
    "tell_buyer": [{"note": "已告知"}],
    "file_report": [REPORT],
    "worsen": [{"kind": "lost"}, {"kind": "stalled"}],
    "refuse_report": [{"reason": "凭证不清晰"}],
    "modify": [{"reason": "other"}, {"reason": "never_received"}],
    "submit_evidence": [PROOF],
    "add_evidence": [PROOF],
    "appeal": [{"reason": "已发货", **PROOF}],
    "close_trade": [{"refunded": True}],
    "choose": [{"way": "keep_all", "freight_consent": True}, {"way": "keep_single"}],
    "explain_unsigned": [{"why": why} for why in ("refunded_before_shipping", "in_transit", "unknown")],
    "authenticate": [{"verdict": "pass"}, {"verdict": "fail"}],
    "print_waybill": [{"carrier": "YTO", "tracking_no": "YT1"}, {"carrier": "YTO", "tracking_no": "YT2"}],
    "report_blocked": [{"step": "pack"}, {"step": "sign_in"}],
    "choose_parcel": [{"tracking_no": number} for number in ("SF1", "YT2")],
    "out_for_delivery": [{"tracking_no": number} for number in ("SF1", "YT2")],
    "intercept_fails": [{"reason": "已到派送网点"}],
    "lose": [LOST],
    "complain": [PROOF],
    "compensate": [{"amount": "640.00"}],
    "reject_complaint": [{"reason": "外包装完好"}],
    "file": [FILED],
    "reject": [REJECTED],
    "return_item": [SHIPMENT],
    "tell_arrival": [{"arrival_at": (OPENED + timedelta(days=4)).isoformat(), **PROOF}],
    "file_deletion": [PROOF],
    "refuse_deletion": [{"reason": "凭证不清晰"}],
}
OF_THEIR_TIME = ("card_sent", "file_emergency_report", "exempt", "warn")
"""The rules whose forms have instants that depend on when the fact happened."""
SETTLED = timedelta(days=60)
"""By then every clock has run out."""


@dataclass(frozen=True)
class Fact:
    """A message that is told some time after it happened."""

    message: dict[str, Any]
    happened: datetime
    told: datetime


def opened(process: str, record: dict[str, Any]) -> CaseMachine:
    """Return a case that was opened just now."""
    own = PROCESSES[process]
    machine = CaseMachine(own, f"{process}/A1", own.open_case(Opening(facts=record)), now=OPENED)
    machine.advance(OPENED)
    return machine


def restarted(machine: CaseMachine, record: dict[str, Any]) -> CaseMachine:
    """Return the case as a new run of its workflow resumes it."""
    case = machine.process.open_case(Opening(facts=record))
    return CaseMachine.resume(machine.process, machine.case_id, case, machine.carried())


def until(machine: CaseMachine, now: datetime) -> None:
    """Let time pass, instant by instant, and settle each."""
    nearest = machine.next_instant(machine.state.latest)
    while nearest is not None and nearest < now:
        settle(machine, nearest)
        nearest = machine.next_instant(nearest)
    settle(machine, now)


def settle(machine: CaseMachine, now: datetime) -> None:
    """Let time pass until an instant; the platform has no record of what any clock of its own led to."""
    machine.advance(now)
    while machine.state.unresolved:
        machine.resolve_expiry(machine.state.unresolved[0].serial, ExpiryOutcome(), now)
        machine.advance(now)


def told_rules(process: Process) -> list[str]:
    """Return the rules that a platform tells of: not those that are forbidden, nor the clocks that we run."""
    return [
        name
        for name, rule in process.rules.items()
        if not rule.forbidden and (rule.clock is None or rule.clock.resolved_by_platform)
    ]


def possible_facts(machine: CaseMachine) -> list[tuple[str | None, str]]:
    """Return what may happen next that a platform tells of: the order and the rule of each."""
    rules = told_rules(machine.process)
    return [
        (view.order, name)
        for view in machine.chart_views()
        for name in rules
        if name in view.chart.rules and view.transitions(name)
    ]


def tell(machine: CaseMachine, fact: Fact) -> None:
    take_message(machine, fact.message, fact.told)


def provenance(machine: CaseMachine) -> dict[str, Any]:
    """Return everything that must not depend on when a case was told of its facts."""
    state = machine.state
    return {
        "case": machine.case.model_dump(mode="json"),
        "snapshots": {order: state.snapshot_of(order) for order in state.parts},
        "timeline": [(entry.at, entry.order, entry.rule, entry.left, entry.reached) for entry in state.timeline],
        "ledger": sorted((entry.key, entry.at, entry.amount) for entry in state.ledger),
        "reversed": {entry.key for entry in state.reversed} & {entry.key for entry in state.ledger},
        "effects": sorted(effect.key for effect in state.effects if effect.entry is None),
    }


def told_in_time(process: str, record: dict[str, Any], told: Iterable[Fact]) -> CaseMachine:
    """Return the case as it is if it is told of every fact when that happens."""
    machine = opened(process, record)
    for fact in sorted(told, key=lambda fact: fact.happened):
        until(machine, fact.happened)
        tell(machine, Fact(fact.message, fact.happened, fact.happened))
    until(machine, OPENED + SETTLED)
    return machine


GAPS = st.one_of(
    st.sampled_from([1, 20, 59, 60, 61, 3600, 24 * 3600, 48 * 3600 - 1, 48 * 3600, 48 * 3600 + 1, 72 * 3600]),
    st.integers(min_value=1, max_value=4 * 24 * 3600),
)
DELAYS = st.one_of(st.sampled_from([0, 0, 1, 3600, 48 * 3600]), st.integers(min_value=0, max_value=12 * 24 * 3600))


@st.composite
def told_facts(draw: st.DrawFn, process: str) -> tuple[dict[str, Any], list[Fact]]:
    """Draw an opening, and facts with distinct instants in the order in which they are told."""
    record = draw(st.sampled_from(OPENINGS[process]))
    guide, now, drawn = opened(process, record), OPENED, list[Fact]()
    rules = told_rules(guide.process)
    for number in range(draw(st.integers(min_value=2, max_value=9))):
        now += timedelta(seconds=draw(GAPS))
        until(guide, now)
        message: dict[str, Any] = {"message_id": f"m{number}", "occurred_at": now.isoformat()}
        possible = possible_facts(guide) or [(None, name) for name in rules]
        if draw(st.integers(min_value=0, max_value=9)) < 2:
            possible = [(order, name) for order in guide.state.parts for name in rules]
        order, rule = draw(st.sampled_from(possible))
        if draw(st.integers(min_value=0, max_value=9)) == 0:
            message["deadline"] = (now + timedelta(seconds=draw(GAPS))).isoformat()
            message["rule"] = draw(st.sampled_from([rule, None]))
        else:
            message["rule"] = rule
        message["order"] = order
        if message["rule"] and (rule in FORMS or rule in OF_THEIR_TIME):
            message["form"] = _form(draw, rule, now)
        fact = Fact(message, now, now + timedelta(seconds=draw(DELAYS)))
        drawn.append(fact)
        tell(guide, Fact(message, now, now))
    return record, sorted(draw(st.permutations(drawn)), key=lambda fact: fact.told)


def _form(draw: st.DrawFn, rule: str, now: datetime) -> dict[str, Any]:
    match rule:
        case "card_sent":
            return {"sent_at": (now - timedelta(seconds=draw(st.sampled_from([0, 3600])))).isoformat()}
        case "file_emergency_report":
            agreed = now + timedelta(seconds=draw(GAPS))
            return {"agreed_ship_at": agreed.isoformat(), "evidence": [CHAT]}
        case "warn":
            return {"until": (now + timedelta(seconds=draw(GAPS))).isoformat()}
        case "exempt":
            until = {"until": (now + timedelta(seconds=draw(GAPS))).isoformat()} if draw(st.booleans()) else {}
            return {"by": draw(st.sampled_from(["card", "phone_cancel"])), **until}
    return draw(st.sampled_from(FORMS[rule]))
