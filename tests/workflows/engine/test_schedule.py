"""Reminders (G-5) and default decisions (G-6): when they come, and when they must not."""

import pytest

from cases.errors import BadForm
from cases.messages import EffectOutcome
from tests.support.processes.delays import CHAT, Delay
from tests.support.rules.machines import REFUSAL, SHIPMENT, after, fired, machine, reminded, report, where

AGREE = {"default_decision": "agree"}


def test_g_5_the_operator_is_reminded_twelve_and_two_hours_before() -> None:
    case = machine()
    assert case.next_instant(after("0s")) == after("36h")
    for offset in ("35h59m59s", "36h", "36h1m", "45h", "46h", "47h"):
        case.advance(after(offset))
    assert reminded(case) == [after("36h"), after("46h")]


def test_g_5_the_figure_is_the_policys() -> None:
    case = machine(policy={"reminders_before": ["3h"]})
    case.advance(after("44h59m59s"))
    assert reminded(case) == []
    case.advance(after("45h"))
    assert reminded(case) == [after("45h")]


def test_g_5_never_for_a_state_already_left() -> None:
    case = machine()
    case.decide("agree", None, after("35h"))
    case.advance(after("47h"))
    assert reminded(case) == []
    assert case.next_instant(after("47h")) == after("71h")


def test_g_5_one_after_an_outage_and_not_two() -> None:
    case = machine()
    case.advance(after("47h"))
    assert reminded(case) == [after("47h")]


def test_g_5_a_case_opened_late_is_reminded_of_at_once_and_once() -> None:
    case = machine()
    case.advance(after("37h"))
    assert reminded(case) == [after("37h")]
    case.advance(after("46h"))
    assert reminded(case) == [after("37h"), after("46h")]


def test_g_5_none_once_the_clock_has_run_out() -> None:
    case = machine()
    case.advance(after("49h"))
    assert reminded(case) == []


def test_g_5_none_for_a_deadline_of_the_buyer() -> None:
    case = machine("other")
    case.decide("refuse", REFUSAL, after("1h"))
    assert case.next_instant(after("1h")) == after("49h")


def test_g_5_a_second_stay_in_a_state_is_reminded_of_again() -> None:
    case = machine("other")
    case.advance(after("46h"))
    case.decide("refuse", REFUSAL, after("47h"))
    report(case, "48h", rule="modify", form={"reason": "other"})
    case.advance(after("84h"))
    assert reminded(case) == [after("46h"), after("84h")]


def test_g_5_follows_the_platforms_own_deadline() -> None:
    case = machine()
    case.advance(after("36h"))
    report(case, "37h", deadline="72h")
    assert case.next_instant(after("37h")) == after("60h")


def test_g_6_without_a_default_nothing_is_decided() -> None:
    case = machine()
    case.advance(after("47h59m"))
    assert fired(case) == []


def test_g_6_the_default_is_taken_half_an_hour_ahead() -> None:
    case = machine(policy=AGREE)
    case.advance(after("47h29m59s"))
    assert fired(case) == []
    assert case.next_instant(after("47h29m59s")) == after("47h30m")
    case.advance(after("47h30m"))
    (decision,) = case.state.submissions
    assert (decision.rule, decision.by, decision.at, decision.effect) == (
        "agree",
        "default",
        after("47h30m"),
        "agree_on_platform",
    )
    case.take(decision.serial, EffectOutcome(), after("47h31m"))
    assert [(entry.rule, entry.by, entry.way, entry.at) for entry in case.state.timeline] == [
        ("agree", "default", "default", after("47h31m"))
    ]


def test_g_6_not_when_an_operator_has_decided() -> None:
    case = machine("other", policy={"default_decision": "refuse", "default_form": REFUSAL})
    case.decide("agree", None, after("47h"))
    case.advance(after("94h"))
    assert fired(case) == ["agree"]


def test_g_6_a_person_who_decides_in_the_same_step_goes_before_the_default() -> None:
    case = machine(policy=AGREE)
    case.decide("refuse", REFUSAL, after("47h40m"))
    case.advance(after("47h40m"))
    assert fired(case) == ["refuse"]


def test_g_6_not_when_the_clock_has_already_run_out() -> None:
    case = machine(policy=AGREE)
    case.advance(after("48h"))
    assert fired(case) == []
    assert [expiry.rule for expiry in case.state.expiries] == ["auto_agree"]


def test_g_6_a_default_whose_form_this_line_does_not_take_leaves_it_to_people() -> None:
    case = machine(policy={"default_decision": "refuse", "default_form": REFUSAL})
    case.decide("agree", None, after("1h"))
    case.decide("mark_out_of_stock", None, after("2h"))  # refusing now needs the buyer's consent (DR-13)
    case.advance(after("48h50m"))
    assert fired(case) == ["agree", "mark_out_of_stock"]
    assert where(case) == ["awaiting_shipment"]
    case.decide("ship", SHIPMENT, after("48h55m"))


def test_g_6_a_default_that_does_not_fit_when_it_is_due_is_told_to_people_once_and_stops_nothing() -> None:
    form = {"agreed_ship_at": after("50h").isoformat(), "evidence": [CHAT]}
    policy = {"default_decision": "file_emergency_report", "default_form": form}
    delay = Delay(policy, sent_at="0s").act("1h", "decline")

    for offset in ("72h30m", "72h45m"):
        delay.until(offset)

    (decision,) = [decision for decision in delay.machine.state.decisions if decision.by == "default"]
    assert (decision.status, decision.at, decision.telling) == ("refused", after("72h30m"), True)
    assert "须晚于现在" in (decision.why or "")
    assert delay.until("73h").state == "not_exempt"


def test_g_6_every_state_it_fits_has_its_own_default() -> None:
    case = machine(policy={"default_decision": "ship", "default_form": SHIPMENT})
    case.decide("agree", None, after("1h"))
    case.advance(after("48h30m"))
    (decision,) = case.state.submissions
    case.take(decision.serial, EffectOutcome(), after("48h30m"))
    assert where(case) == ["in_transit"]


@pytest.mark.parametrize("decision", ["no_such_rule", "withdraw", "auto_agree", "mark_out_of_stock"])
def test_g_6_a_default_that_is_no_decision_of_the_merchant_is_refused_at_opening(decision: str) -> None:
    with pytest.raises(BadForm, match=r"policy\.default_decision"):
        machine(policy={"default_decision": decision})


def test_g_6_a_default_with_a_wrong_form_is_refused_at_opening() -> None:
    with pytest.raises(BadForm, match=r"policy\.default_form: reason"):
        machine(policy={"default_decision": "refuse"})


def test_g_5_a_state_entered_again_is_reminded_of_from_the_beginning() -> None:
    case = machine("other")
    report(case, "1h", deadline="60h")
    case.advance(after("58h"))
    case.decide("refuse", REFUSAL, after("58h"))
    report(case, "59h", rule="modify", form={"reason": "other"})
    report(case, "59h", deadline="70h")
    case.advance(after("59h"))
    assert reminded(case) == [after("58h"), after("59h")]  # 12 h before 70 h is over, but was before this stay


def test_g_6_a_default_decision_that_was_not_taken_is_not_given_again_in_the_same_stay() -> None:
    case = machine(policy=AGREE)
    case.advance(after("47h30m"))
    (decision,) = case.state.submissions
    case.advance(after("47h31m"))
    assert case.state.submissions == [decision]
    case.refuse(decision.serial, "PlatformRefused: 已关闭", after("47h32m"), tell=True)
    case.advance(after("47h33m"))
    assert [(decision.rule, decision.status) for decision in case.state.decisions] == [("agree", "refused")]


def test_g_6_no_default_while_a_person_has_one_being_submitted() -> None:
    case = machine(policy=AGREE)
    given = case.submit("refuse", REFUSAL, after("47h"), key="u1")
    case.advance(after("47h30m"))
    assert case.state.decisions == [given]
    case.advance(after("47h59m"))
    assert case.state.decisions == [given]
