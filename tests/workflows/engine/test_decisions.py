"""Decisions (G-4), and stuck effects that operators resolve (G-7, G-8)."""

from typing import Any

import pytest

from cases.errors import BadForm, CaseError, Refused
from cases.messages import ConsoleTask, EffectOutcome
from cases.models import LONGEST_QUOTE
from statecharts.rules import Party
from tests.support.processes.delays import Delay
from tests.support.rules.machines import CONSENTED, OPENED, REFUSAL, SHIPMENT, after, fired, machine, report, where
from workflows.engine import decisions
from workflows.engine.machine import CaseMachine

TASK = ConsoleTask(page="页", instruction="做")


def refusal(of: CaseMachine, rule: str, form: Any = None, offset: str = "1h") -> str:
    before = of.state.model_dump_json()
    trial = of.fork()
    with pytest.raises(CaseError) as refused:
        trial.decide(rule, form, after(offset))
    assert of.state.model_dump_json() == before
    return str(refused.value)


def test_g_4_a_refusal_names_the_state_and_what_is_allowed() -> None:
    said = refusal(machine(), "ship", SHIPMENT)
    for part in ("补寄发货", "待商家处理 (awaiting_merchant)", "同意补寄 (agree)", "拒绝补寄 (refuse)"):
        assert part in said


def test_g_4_a_closed_case_allows_nothing() -> None:
    case = machine()
    report(case, "1h", rule="withdraw")
    assert "无 (none)" in refusal(case, "agree", offset="2h")


@pytest.mark.parametrize(
    ("form", "named"),
    [
        (None, "reason: 缺少"),
        ({"reason": " "}, "reason: 不能为空"),
        ({"reason": 3}, "reason"),
        ({"reason": "x", "why": "y"}, "why: 没有这个字段"),
        ({"reason": "x", "after_consent": True}, "buyer_consent"),
        ({"reason": "x", "evidence": [{"kind": "photo", "url": "u"}]}, "evidence.0.kind: 不在可选值内"),
        ("x", "须为 JSON 对象"),
        ([], "须为 JSON 对象"),
    ],
)
def test_dr_14_a_wrong_refusal_is_told_which_field_is_wrong(form: Any, named: str) -> None:
    assert named in refusal(machine(), "refuse", form)


def test_dr_13_a_refusal_once_agreed_needs_the_buyers_consent() -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    said = refusal(case, "refuse", CONSENTED, "2h")
    assert "已标记缺货 (out_of_stock)" in said
    assert "never_received" not in said  # guards that concern other cases would be no advice
    case.decide("mark_out_of_stock", None, after("2h"))
    assert "after_consent" in refusal(case, "refuse", REFUSAL, "3h")
    case.decide("refuse", CONSENTED, after("3h"))
    assert where(case) == ["arbitration"]


def test_g_4_a_decision_after_the_clock_is_refused_with_that_reason() -> None:
    said = refusal(machine(), "agree", offset="48h")
    assert "正在向平台核实" in said
    assert after("48h").astimezone().strftime("%M:%S") in said


@pytest.mark.parametrize("offset", ["0s", "47h59m59s"])
def test_dr_4_until_the_last_second_the_merchant_decides(offset: str) -> None:
    case = machine()
    case.decide("agree", None, after(offset))
    assert where(case) == ["awaiting_shipment"]


def test_g_2_nobody_acts_on_a_state_whose_clock_is_being_settled() -> None:
    case = machine()
    case.advance(after("48h"))
    assert decisions.allowed(case) == []
    case.state.expiries[0].why = "unreachable"  # what was seen in the console may then be recorded
    assert decisions.allowed(case) == [decisions.Choice("withdraw")]
    assert "时限已届满" in refusal(case, "agree", offset="49h")


def test_dr_18_evidence_can_be_handed_in_several_times() -> None:
    case = machine()
    case.decide("refuse", REFUSAL, after("1h"))
    for offset in ("2h", "3h"):
        case.decide("submit_evidence", {"evidence": CONSENTED["evidence"]}, after(offset))
    assert fired(case) == ["refuse", "submit_evidence", "submit_evidence"]


def stuck_case() -> CaseMachine:
    """Return a case with a console task and a decision that the platform has not answered."""
    case = machine()
    case.decide("mark_out_of_stock", None, after("1h"))
    decision = case.submit("agree", None, after("2h"), key="u1")
    case.complete_effect(case.state.pending[0].serial, EffectOutcome(console_task=TASK), after("2h"))
    case.fail(decision.serial, "PlatformUnreachable: 超时", after("2h"))
    return case


def serials(of: CaseMachine) -> tuple[int, int]:
    """Return the serials of the console task and of the failed submission."""
    return of.state.effects[0].serial, of.state.decisions[-1].serial


def test_g_7_a_stuck_submission_goes_on_under_its_own_number() -> None:
    case = stuck_case()
    task, decision = serials(case)
    case.retry_effect(None)  # a console task is nothing to retry, so it is clear which is meant
    assert [(step.effect, step.serial) for step in case.state.submissions] == [("agree_on_platform", decision)]
    assert (case.state.submissions[0].status, [step.serial for step in case.state.stuck]) == ("pending", [task])


def test_g_7_which_one_is_meant_must_be_said_where_there_are_several() -> None:
    case = stuck_case()
    task, decision = serials(case)
    with pytest.raises(Refused, match=rf"{task}: 联系买家.*{decision}: 在平台同意补寄"):
        case.done_by_hand(None, after("3h"))
    case.done_by_hand({"serial": decision, "note": "在后台点了同意"}, after("3h"))
    assert where(case) == ["awaiting_shipment"]
    assert [(step.status, step.note) for step in case.state.decisions[-1:]] == [("done", "在后台点了同意")]
    assert [(step.serial, step.status) for step in case.state.effects] == [(task, "console_task")]


@pytest.mark.parametrize("which", [{"serial": 9}, {"serial": "2"}, {"number": 2}, 2, [2], {"serial": 1, "note": ""}])
def test_g_7_a_wrong_answer_is_refused(which: Any) -> None:
    case = stuck_case()
    for resolve in (CaseMachine.retry_effect, lambda of, which: of.done_by_hand(which, after("3h"))):
        with pytest.raises((Refused, BadForm)):
            resolve(case, which)


def test_g_7_nothing_stuck_nothing_to_do() -> None:
    with pytest.raises(Refused, match=r"无 \(none\)"):
        machine().retry_effect(None)


def test_g_7_a_settlement_taken_by_hand_ends_as_the_policy_says() -> None:
    case = machine()
    case.advance(after("48h"))
    case.state.expiries[0].why = "unreachable"
    case.done_by_hand(None, after("50h"))
    assert where(case) == ["awaiting_shipment"]
    assert case.state.timeline[-1].at == after("48h")
    assert not case.state.expiries


def test_g_7_a_settlement_can_be_asked_for_again() -> None:
    case = machine()
    case.advance(after("48h"))
    case.state.expiries[0].why = "unreachable"
    case.retry_effect(None)
    assert case.busy


def test_every_rule_of_the_buyer_and_the_platform_can_be_recorded_by_hand() -> None:
    rules = machine().process.chart.rules
    for name, rule in rules.items():
        assert (rule.party in decisions.PEOPLE) is (rule.party is not Party.CLOCK), name


@pytest.mark.parametrize("status", ["pending", "console_task", "needs_operator"])
def test_g_8_what_was_asked_for_until_a_rule_fires_is_done_with_it(status: Any) -> None:
    card = Delay()
    (sending,) = card.machine.state.effects
    sending.status = status
    card.machine.decide("card_sent", {"sent_at": OPENED.isoformat()}, OPENED)

    assert (sending.status, sending.ended) == ("done", OPENED)
    assert card.machine.state.stuck == []


def test_g_8_a_rule_that_was_not_asked_for_leaves_the_step_to_the_operator() -> None:
    card = Delay(promised_ship_at="1h")
    card.machine.advance(card.machine.deadlines()[0].due)

    assert [entry.rule for entry in card.machine.state.timeline] == ["miss_promise"]
    assert [effect.status for effect in card.machine.state.effects if effect.entry is None] == ["pending"]


def test_g_10_while_a_decision_is_being_submitted_only_what_others_do_may_be_recorded() -> None:
    case = machine()
    decision = case.submit("agree", None, after("1h"), key="u1")
    assert decisions.allowed(case) == [decisions.Choice("withdraw")]
    case.refuse(decision.serial, "PlatformRefused: 已关闭", after("1h"), tell=False)
    assert decisions.Choice("agree") in decisions.allowed(case)


def test_g_7_the_reason_of_a_failure_is_kept_clipped() -> None:
    case = machine()
    case.decide("mark_out_of_stock", None, after("1h"))
    case.fail_effect(case.state.pending[0].serial, "x" * 10_000, after("1h"))
    (step,) = case.state.stuck
    assert len(step.why or "") == LONGEST_QUOTE
