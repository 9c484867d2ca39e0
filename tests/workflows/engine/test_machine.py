from datetime import datetime

import pytest

from cases.messages import ConsoleTask, EffectOutcome, ExpiryOutcome
from tests.support.rules.machines import (
    CONSENTED,
    REFUSAL,
    SHIPMENT,
    after,
    booked,
    fired,
    machine,
    pending,
    report,
    settle,
    submitted,
    where,
)
from workflows.engine.machine import CaseMachine

TASK = ConsoleTask(page="页", instruction="做")


def due(of: CaseMachine) -> datetime:
    (deadline,) = of.deadlines()
    return deadline.due


def test_g_2_a_clock_of_the_platform_is_asked_about_and_not_taken_as_run_out() -> None:
    case = machine()
    case.advance(after("47h59m59s"))
    assert not case.state.expiries
    case.advance(after("48h"))
    assert [(expiry.rule, expiry.due) for expiry in case.state.expiries] == [("auto_agree", after("48h"))]
    assert where(case) == ["awaiting_merchant"]
    assert fired(case) == []


def test_g_2_without_a_record_the_policys_event_counts_from_the_deadline() -> None:
    case = machine()
    settle(case, "60h")
    assert where(case) == ["awaiting_shipment"]
    assert case.state.timeline[-1].at == after("48h")
    assert due(case) == after("96h")


def test_g_2_what_really_happened_is_taken_at_its_own_instant_and_not_commanded_again() -> None:
    case = machine()
    settle(case, "49h", ExpiryOutcome(rule="agree", occurred_at=after("40h")))
    assert fired(case) == ["agree"]
    assert due(case) == after("88h")
    assert pending(case) == []


@pytest.mark.parametrize(
    ("reported", "taken"), [("-1h", "0s"), ("72h", "49h")], ids=["before the state was entered", "in the future"]
)
def test_g_2_an_impossible_instant_is_moved_into_the_stay(reported: str, taken: str) -> None:
    case = machine()
    settle(case, "49h", ExpiryOutcome(rule="withdraw", occurred_at=after(reported)))
    assert case.state.timeline[-1].at == after(taken)


@pytest.mark.parametrize(
    "answer",
    [
        ExpiryOutcome(rule="sign"),
        ExpiryOutcome(rule="no_such_rule"),
        ExpiryOutcome(rule="refuse", form={}),
    ],
    ids=["of another state", "unknown", "form missing"],
)
def test_g_2_an_answer_that_does_not_fit_needs_an_operator_and_moves_nothing(answer: ExpiryOutcome) -> None:
    case = machine()
    settle(case, "49h", answer)
    assert where(case) == ["awaiting_merchant"]
    assert case.state.needs_operator
    assert not case.busy


def test_g_2_the_platforms_new_deadline_rearms_the_clock() -> None:
    case = machine()
    settle(case, "49h", ExpiryOutcome(deadline=after("52h")))
    assert not case.state.expiries
    assert case.next_instant(after("49h")) == after("50h")  # the reminder two hours before
    settle(case, "52h")
    assert case.state.timeline[-1].at == after("52h")


def test_g_2_an_answer_to_a_clock_that_a_message_has_settled_meanwhile_changes_nothing() -> None:
    case = machine()
    case.advance(after("48h"))
    serial = case.state.expiries[0].serial
    report(case, "49h", rule="withdraw")
    case.resolve_expiry(serial, ExpiryOutcome(), after("50h"))
    assert fired(case) == ["withdraw"]
    assert not case.state.expiries


def test_g_2_after_a_long_outage_every_clock_runs_out_at_its_own_moment() -> None:
    case = machine("short_shipped")
    for _ in range(3):
        settle(case, "500h")
    assert [entry.at for entry in case.state.timeline] == [after("48h"), after("96h"), after("144h")]
    assert where(case) == ["lapsed"]


def test_dr_19_a_clock_of_our_own_needs_no_settlement() -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    case.decide("ship", SHIPMENT, after("2h"))
    case.advance(after("2h") + (after("10d") - after("0s")))
    assert where(case) == ["completed"]
    assert case.state.timeline[-1].by == "clock"


@pytest.mark.parametrize(
    ("reason", "state"), [("never_received", "refunded"), ("short_shipped", "overdue"), ("other", "overdue")]
)
def test_dr_8_dr_9_the_reason_chooses_what_a_missed_shipment_leads_to(reason: str, state: str) -> None:
    case = machine(reason)
    settle(case, "48h")
    settle(case, "96h")
    assert where(case) == [state]
    assert booked(case) == ["charge_late_penalty", "record_late_violation"]


def test_dr_10_the_coupon_is_entered_once_an_order_however_often_shipping_is_missed() -> None:
    case = machine("other")
    settle(case, "48h")
    settle(case, "96h")
    report(case, "97h", rule="modify", form={"reason": "other"})
    settle(case, "145h")
    settle(case, "193h")
    assert fired(case) == ["auto_agree", "miss_shipment", "modify", "auto_agree", "miss_shipment"]
    assert [(entry.clause, str(entry.amount)) for entry in case.state.ledger] == [("DR-10", "3.00"), ("DR-11", "None")]
    assert booked(case) == ["charge_late_penalty", "record_late_violation"]


def test_dr_10_a_shop_that_reported_the_miss_first_still_books_it() -> None:
    case = machine()
    settle(case, "48h")
    report(case, "95h", rule="miss_shipment")
    assert booked(case) == ["charge_late_penalty", "record_late_violation"]


@pytest.mark.parametrize(("rule", "form"), [("agree", None), ("refuse", REFUSAL)])
def test_g_3_a_decision_is_submitted_only_where_the_platform_did_not_itself_report_it(
    rule: str, form: dict[str, object] | None
) -> None:
    decided, reported = machine(), machine()
    decided.decide(rule, form, after("1h"))
    report(reported, "1h", rule=rule, **({"form": form} if form else {}))
    assert where(decided) == where(reported)
    assert submitted(decided) == [f"{rule}_on_platform"]
    assert (submitted(reported), pending(reported)) == ([], [])


def test_dr_13_a_console_task_is_owed_although_the_platform_reported_the_rule() -> None:
    case = machine()
    report(case, "1h", rule="mark_out_of_stock")
    assert pending(case) == ["contact_buyer"]


def test_dr_13_a_refusal_after_agreement_goes_the_reasons_way() -> None:
    case = machine("short_shipped")
    case.decide("agree", None, after("1h"))
    case.decide("mark_out_of_stock", None, after("2h"))
    assert due(case) == after("49h")  # the clock does not stop meanwhile
    case.decide("refuse", CONSENTED, after("3h"))
    assert where(case) == ["refused"]


def test_dr_15_a_modified_application_starts_anew_under_its_new_reason() -> None:
    case = machine("short_shipped")
    case.decide("refuse", REFUSAL, after("1h"))
    report(case, "5h", rule="modify", form={"reason": "never_received"})
    assert due(case) == after("53h")
    case.decide("refuse", REFUSAL, after("6h"))
    assert where(case) == ["arbitration"]


def test_a_fork_leaves_the_case_alone() -> None:
    case = machine()
    before = case.state.model_dump_json()
    trial = case.fork()
    trial.decide("agree", None, after("1h"))
    trial.advance(after("400h"))
    assert case.state.model_dump_json() == before


def test_g_10_a_decision_keeps_its_form_until_the_platform_has_taken_it() -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    given = case.submit("ship", SHIPMENT, after("2h"), key="u1")
    assert [decision.form for decision in case.state.decisions] == [None, SHIPMENT]
    case.take(given.serial, EffectOutcome(), after("2h"))
    first, second = case.state.decisions
    assert (first.form, second.form) == (None, None)
    assert first.serial < second.serial == given.serial
    assert case.state.timeline[-1].form == SHIPMENT


def test_an_ended_case_withdraws_the_steps_that_wait_and_is_finished() -> None:
    case = machine()
    case.decide("mark_out_of_stock", None, after("1h"))
    case.complete_effect(case.state.pending[0].serial, EffectOutcome(console_task=TASK), after("1h"))
    assert case.state.waits_for_operator
    case.decide("withdraw", None, after("2h"))
    assert case.closed
    assert (case.state.effects, case.state.waiting) == ([], {})
    assert case.finished(after("2h"))
    assert case.next_instant(after("2h")) is None


def test_g_2_a_deadline_that_is_already_over_makes_the_case_ask_again() -> None:
    case = machine()
    settle(case, "49h", ExpiryOutcome(deadline=after("48h")))
    assert where(case) == ["awaiting_merchant"]
    assert [(expiry.asked, expiry.why) for expiry in case.state.expiries] == [(1, None)]
    assert case.busy
