"""The view, the details of the Web UI and the search attributes; none shows buyers' data."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cases.messages import ConsoleTask, EffectOutcome, ExpiryOutcome, Opening
from tests.support.processes.interceptions import interception_facts
from tests.support.processes.splits import split_facts
from tests.support.rules.machines import CONSENTED, OPENED, REFUSAL, SHIPMENT, PromptMachine, after, machine, report
from workflows.engine.case_workflow import update_description
from workflows.engine.details import current_details, static_details, static_summary
from workflows.engine.machine import CaseMachine
from workflows.engine.search_attributes import KEYS, ORDERS, attributes, opening_attributes
from workflows.engine.view import CaseView, summary, view
from workflows.registry import PROCESSES

PERSONAL = "王小明 13800000000 北京市朝阳区"
DETAILS_BYTES = 2000


def shown(of: CaseMachine, offset: str) -> dict[str, Any]:
    """Return the answer of the query as JSON."""
    seen: dict[str, Any] = view(of, after(offset)).model_dump(mode="json")
    return seen


def named(of: CaseMachine) -> dict[str, object]:
    return {key.name: value for key, value in attributes(of).items()}


TASK = ConsoleTask(page="抖店后台 > 售后", instruction="联系买家")


def eventful(why: str = "平台无应答" * 100, task: ConsoleTask = TASK) -> CaseMachine:
    """Return a case with a bit of everything, stuck in several places."""
    case = machine("other", description=PERSONAL)
    case.decide("mark_out_of_stock", None, after("1h"))
    case.decide("agree", None, after("2h"))
    case.decide("refuse", {**CONSENTED, "reason": PERSONAL}, after("3h"))
    report(case, "4h", rule="modify", form={"reason": "other", "description": PERSONAL})
    case.decide("refuse", REFUSAL, after("5h"))
    report(case, "6h", rule="request_intervention")
    for offset in range(7, 30):
        case.decide("submit_evidence", {"evidence": CONSENTED["evidence"]}, after(f"{offset}h"))
    evidence = {"evidence": CONSENTED["evidence"]}
    decision = case.submit("submit_evidence", evidence, after("30h"), key="u1")
    case.fail(decision.serial, f"PlatformUnreachable: {why}", after("30h"))
    case.complete_effect(case.state.pending[0].serial, EffectOutcome(console_task=task), after("30h"))
    return case


def test_the_view_says_where_why_by_when_and_what_next() -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    seen = shown(case, "2h")
    assert (seen["status"], seen["state"], seen["state_labels"]) == ("open", ["awaiting_shipment"], ["待补寄发货"])
    (deadline,) = seen["deadlines"]
    assert datetime.fromisoformat(deadline["due"]) == after("49h")
    assert (deadline["rule"], deadline["label"], deadline["of"]) == ("miss_shipment", "超时未发货", "merchant")
    assert [(action["rule"], action["record"]) for action in seen["actions"]] == [
        ("mark_out_of_stock", False),
        ("ship", False),
        ("withdraw", True),
    ]
    assert seen["timeline"][0]["label"] == "同意补寄"
    assert seen["policy"]["shipping"]["source"]


def test_the_view_says_where_a_clock_leads_to_and_what_that_enters_in_the_ledger() -> None:
    case = machine()
    (running,) = shown(case, "0s")["deadlines"]
    assert (running["rule"], running["leads_to"], running["costs"]) == ("auto_agree", "待补寄发货", [])
    case.decide("agree", None, after("1h"))
    (running,) = shown(case, "2h")["deadlines"]
    assert running["leads_to"] == "已退款"
    assert [(cost["clause"], cost["amount"]) for cost in running["costs"]] == [("DR-10", "3.00"), ("DR-11", None)]
    assert all(cost["note"] for cost in running["costs"])


def test_the_view_gives_each_action_the_form_of_its_present_line() -> None:
    case = machine()
    fields = {action["rule"]: action["fields"] for action in shown(case, "0s")["actions"]}
    assert fields["refuse"] == "字段 / fields: reason, evidence?, after_consent?"
    schemas = {action["rule"]: action["form"] for action in shown(case, "0s")["actions"]}
    assert schemas["refuse"]["required"] == ["reason"]


def test_the_view_is_plain_json() -> None:
    seen = view(eventful(), after("40h"))
    assert CaseView.model_validate_json(json.dumps(seen.model_dump(mode="json"))) == seen


def test_details_are_short_and_hold_nothing_of_the_buyer() -> None:
    case = eventful()
    shown = current_details(case)
    assert len(shown.encode()) < DETAILS_BYTES
    for part in PERSONAL.split():
        assert part not in shown
        assert part not in static_summary(case)


def test_details_name_the_state_the_deadline_and_what_may_be_done() -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    shown = current_details(case)
    for part in ("待补寄发货", "01-07 10:00", "超时未发货", "`ship`", "01-05 10:00 同意补寄 (DR-4)"):
        assert part in shown


def test_details_say_what_waits_for_a_person_and_how_to_answer() -> None:
    shown = current_details(eventful())
    waiting = eventful().state.waiting
    assert len(waiting) == 2
    for part in ("抖店后台 > 售后", "`done_by_hand`", "`retry_effect`", *(f"serial {serial}" for serial in waiting)):
        assert part in shown


FORGED = "![x](http://evil.cn/1.png)\n# 已同意\n\n**无需处理** <img src=x> www.evil.cn"


def test_in_the_details_the_words_of_others_are_text() -> None:
    case = eventful(FORGED, ConsoleTask(page=FORGED, instruction=FORGED))
    case.notify(case.unnotified(), after("31h"))
    case.mark_undelivered(case.state.notifications[-1], FORGED)
    shown = current_details(case)

    text = r"\!\[x\](http:\/\/evil.cn/1.png) # 已同意 \*\*无需处理\*\* \<img src=x> www\.evil.cn"
    for part in (f"PlatformUnreachable: {text}", f"{text} — {text}", f"通知未送达:{text}"):
        assert part in shown
    assert "![" not in shown
    assert "<img" not in shown.replace(r"\<img", "")
    assert not any(line.startswith("# ") for line in shown.splitlines())


def test_in_summary_and_static_details_ids_are_text() -> None:
    facts = interception_facts("a`b", shop_id="![x](y)", order_id="**O1**")
    process = PROCESSES["douyin_interception"]
    case = CaseMachine(process, "douyin_interception/a`b", process.open_case(Opening(facts=facts)), now=OPENED)
    shown = static_summary(case) + static_details(case)

    assert "![" not in shown
    assert "**O1" not in shown
    assert "- 案件 `douyin_interception/a'b`" in shown


def test_details_say_that_the_platform_is_being_asked() -> None:
    case = machine()
    case.advance(after("48h"))
    assert "正在向平台核实" in current_details(case)


def test_g_6_details_say_that_and_when_the_shops_decision_goes_before_the_clock() -> None:
    case = machine(policy={"default_decision": "agree"})
    assert "- 🤖 **01-07 08:30** 仍无人处理则按商家设定自动同意补寄 (G-6)" in current_details(case)
    (running,) = shown(case, "0s")["deadlines"]
    assert (running["decision"], running["decided_at"]) == ("agree", after("47h30m").astimezone(UTC).isoformat())
    case.decide("agree", {}, after("1h"))
    assert "🤖" not in current_details(case)
    assert "🤖" not in current_details(machine())


def test_attributes_follow_the_case() -> None:
    case = machine()
    assert named(case) == {
        "CaseProcess": "douyin_reship",
        "CaseShop": "S1",
        "CaseOrder": "O1",
        "CaseOrders": ["O1"],
        "CaseState": "待商家处理",
        "CaseDeadline": after("48h"),
        "CaseWaitsFor": "商家",
        "CaseNeedsOperator": False,
        "CaseAtStake": 100.0,
    }
    case.decide("refuse", REFUSAL, after("1h"))
    assert (named(case)["CaseState"], named(case)["CaseDeadline"], named(case)["CaseWaitsFor"]) == (
        "平台仲裁中",
        None,
        "平台",
    )
    report(case, "2h", rule="rule_refund")
    assert (named(case)["CaseState"], named(case)["CaseWaitsFor"]) == ("已退款", None)


@pytest.mark.parametrize(("edition", "party"), [("2026-11-26", "平台"), ("2026-11-27", "商家")])
def test_a_case_without_a_deadline_waits_for_whoever_can_lead_it_on(edition: str, party: str) -> None:
    interception = PROCESSES["douyin_interception"]
    case = interception.open_case(Opening(facts=interception_facts())).as_opened_with(edition)
    machine = CaseMachine(interception, "douyin_interception/A1", case, now=OPENED)
    machine.advance(OPENED)

    assert named(machine)["CaseWaitsFor"] == party


@pytest.mark.parametrize("status", ["console_task", "needs_operator"])
def test_attributes_say_that_a_person_is_needed(status: str) -> None:
    case = machine()
    case.decide("mark_out_of_stock", None, after("1h"))
    case.state.effects[0].status = status  # type: ignore[assignment]
    assert named(case)["CaseNeedsOperator"] is True


def test_every_attribute_has_a_key_and_only_values_are_set_at_the_start() -> None:
    case = machine()
    case.decide("refuse", REFUSAL, after("1h"))
    values = {pair.key.name: pair.value for pair in opening_attributes(case)}
    assert set(values) == {key.name for key in KEYS} - {"CaseDeadline"}
    assert values["CaseOrders"] == ["O1"]
    assert {*attributes(case), ORDERS} == set(KEYS)


def test_a_case_about_several_orders_is_found_by_each() -> None:
    process = PROCESSES["anxinjian_split"]
    case = PromptMachine(
        process, "anxinjian_split/I1", process.open_case(Opening(facts=split_facts(3))), now=after("0s")
    )
    values = {pair.key.name: pair.value for pair in opening_attributes(case)}
    assert (values["CaseOrder"], values["CaseOrders"]) == ("O1", ["O1", "O2", "O3"])


def test_an_update_is_described_by_label_clauses_and_fields() -> None:
    process = machine().process
    rules = process.chart.rules
    assert update_description(process, rules["ship"]) == "补寄发货 (DR-5, DR-17) · {carrier, tracking_no}"
    assert update_description(process, rules["agree"]) == "同意补寄 (DR-4, DR-21)"
    assert update_description(process, rules["modify"]) == "登记:买家修改申请 (DR-15) · {reason, description?}"


def test_a_closed_case_stands_in_its_final_state_alone() -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    case.decide("ship", SHIPMENT, after("2h"))
    report(case, "3h", rule="sign")
    answer = {"status": "closed", "state": ["completed"], "label": "补寄完成", "deadline": None}
    assert summary(case).model_dump(mode="json") == answer
    assert (view(case, after("4h")).actions, view(case, after("4h")).deadlines) == ([], [])


def test_g_10_the_view_shows_a_decision_as_a_step_only_while_it_may_still_count() -> None:
    case = machine()
    decision = case.submit("agree", None, after("1h"), key="u1")
    seen = view(case, after("1h"))
    assert [(step.effect, step.status) for step in seen.effects] == [("agree_on_platform", "pending")]
    assert [(one.rule, one.status, one.why) for one in seen.decisions] == [("agree", "being_submitted", None)]
    assert seen.busy
    case.refuse(decision.serial, "PlatformRefused: 已关闭", after("2h"), tell=False)
    seen = view(case, after("2h"))
    assert (seen.effects, seen.busy) == ([], False)
    assert [(one.status, one.why, one.at) for one in seen.decisions] == [
        ("refused", "PlatformRefused: 已关闭", after("2h"))
    ]


def test_g_13_what_others_did_is_no_decision_of_the_shops_although_a_person_recorded_it() -> None:
    case = machine()
    case.decide("withdraw", None, after("1h"))
    seen = view(case, after("1h"))
    assert [entry.rule for entry in seen.timeline] == ["withdraw"]
    assert seen.decisions == []


def test_g_11_the_view_keeps_what_was_taken_back_beside_what_is_in_force() -> None:
    case = machine()
    for offset in ("48h", "96h"):
        case.advance(after(offset))
        case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(), after(offset))
    assert [entry.status for entry in view(case, after("96h")).ledger] == ["expected", "expected"]
    report(case, "97h", rule="withdraw", occurred_at="50h")
    seen = view(case, after("97h"))
    assert seen.state == ["withdrawn"]
    assert [(entry.clause, entry.status) for entry in seen.ledger] == [("DR-10", "reversed"), ("DR-11", "reversed")]
    assert [entry.rule for entry in seen.taken_back] == ["miss_shipment"]
