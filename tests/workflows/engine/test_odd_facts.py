"""Facts that fit badly: unknown, impossible, a second too early, or at odds with what was known before (G-2, G-11)."""

from datetime import timedelta
from typing import Any

import pytest

from cases.messages import ConsoleTask, EffectOutcome, ExpiryOutcome
from tests.support.processes.splits import ITEM, ITEM_WAY, Split
from tests.support.rules.machines import (
    CONSENTED,
    REFUSAL,
    SHIPMENT,
    PromptMachine,
    after,
    fired,
    machine,
    pending,
    report,
    where,
)
from workflows.engine.case_record import fingerprint
from workflows.engine.course import DECIDED, OBSOLETE
from workflows.engine.machine import CaseMachine
from workflows.engine.sender import InputSender
from workflows.engine.view import view

LI = InputSender(name="李强", way="desk")
LARGE = {"kind": "buyer_consent", "url": f"https://example.com/{'a' * 900}", "note": "x" * 500}
"""A piece of evidence; twenty of them are nearly half of what a case carries of its past."""


def assumed() -> PromptMachine:
    """Return a case whose first clock ran out, and of which the platform has no record."""
    case = machine()
    case.advance(after("48h"))
    case.resolve_expiry(case.state.unresolved[0].serial, ExpiryOutcome(), after("48h"))
    return case


def resumed(of: CaseMachine) -> CaseMachine:
    """Return the case as a new run resumes it."""
    return CaseMachine.resume(of.process, of.case_id, of._origin, of.carried())


@pytest.mark.parametrize("rule", ["nonsense", "auto_complete"])
@pytest.mark.parametrize("otherwise", [[], ["withdraw"]])
def test_g_3_a_message_that_no_one_may_send_is_ignored_also_after_an_assumed_end(
    rule: str, otherwise: list[str]
) -> None:
    case = assumed()

    report(case, "49h", rule=rule, otherwise=otherwise, occurred_at="48h30m")

    assert (where(case), fired(case), len(case.state.ignored)) == (["awaiting_shipment"], ["auto_agree"], 1)


def test_g_3_a_report_of_our_own_clock_says_nothing_of_an_assumed_end() -> None:
    split = Split(1, O1="3h")
    split.machine.advance(after("3h"))
    split.machine.resolve_expiry(split.machine.state.unresolved[0].serial, ExpiryOutcome(), after("3h"))

    split.report("4h", rule="verify_overdue", order=ITEM, occurred_at="3h30m")

    assert (split.where(ITEM), len(split.machine.state.ignored)) == ("refunded", 1)


def test_g_11_a_fact_after_which_the_platforms_record_would_be_impossible_is_ignored() -> None:
    split = Split(2)
    for hours, rule in enumerate(ITEM_WAY[:-1], 1):
        split.walk(f"{hours}h", ITEM, rule)
    split.machine.advance(after("30d"))
    expiry = next(expiry for expiry in split.machine.state.unresolved if expiry.order == ITEM)
    split.machine.resolve_expiry(expiry.serial, ExpiryOutcome(rule="confirm_receipt"), after("30d"))

    split.report("31d", rule="report_blocked", order=ITEM, occurred_at="4h30m", form={"step": "pack"})

    assert split.where(ITEM) == "confirmed"
    assert [message.why for message in split.machine.state.ignored] == [f"{DECIDED}: auto_refund"]


@pytest.mark.parametrize("told", [(1, 2, 3, 4, 5), (1, 2, 4, 5, 3), (5, 4, 3, 2, 1)])
def test_g_11_a_form_that_does_not_fit_yet_may_fit_once_an_earlier_fact_is_known(told: tuple[int, ...]) -> None:
    facts: dict[int, dict[str, Any]] = {
        1: {"rule": "agree", "occurred_at": "1h"},
        2: {"rule": "mark_out_of_stock", "occurred_at": "2h"},
        3: {"rule": "refuse", "occurred_at": "3h", "form": CONSENTED},
        4: {"rule": "modify", "occurred_at": "4h", "form": {"reason": "other"}},
        5: {"rule": "refuse", "occurred_at": "5h", "form": REFUSAL},
    }
    case = machine("short_shipped")

    for number in told:
        report(case, "6h", **facts[number])

    assert (fired(case), where(case)) == (["agree", "mark_out_of_stock", "refuse", "modify", "refuse"], ["refused"])
    assert case.state.ignored == []


def test_g_13_a_confirmation_by_a_clock_a_second_behind_leaves_the_decision_with_who_took_it() -> None:
    case = machine()
    decision = case.submit("agree", {}, after("1h"), key="u1", sender=LI)
    case.take(decision.serial, EffectOutcome(said="ok"), after("1h"))

    report(case, "2h", rule="agree", occurred_at="59m59s")

    assert [(entry.rule, entry.at, entry.actor) for entry in case.state.timeline] == [("agree", after("1h"), "李强")]
    assert (case.state.decisions[0].why, case.state.ignored) == (None, [])


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("occurred_at", ["1h", "59m59s", "1h1s"])
def test_g_1_a_deadline_that_comes_with_a_confirmation_counts(occurred_at: str, *, taken: bool) -> None:
    case = machine()
    decision = case.submit("agree", {}, after("1h"), key="u1")
    if taken:
        case.take(decision.serial, EffectOutcome(), after("1h"))

    report(case, "2h", rule="agree", deadline="40h", occurred_at=occurred_at)
    report(case, "3h", rule="mark_out_of_stock", occurred_at="2h30m")  # nothing is worked out again
    report(case, "4h", rule="sign", occurred_at="30m")  # everything is worked out again

    for of in (case, resumed(case)):
        assert (where(of), of.deadlines()[0].due) == (["awaiting_shipment"], after("40h"))


@pytest.mark.parametrize(("occurred_at", "counts"), [("59m", True), ("58m59s", False)])
def test_g_1_a_deadline_of_a_named_state_counts_from_a_clock_a_little_behind(occurred_at: str, *, counts: bool) -> None:
    case = machine()
    case.decide("agree", {}, after("1h"))

    report(case, "2h", deadline="40h", states=["awaiting_shipment"], occurred_at=occurred_at)

    assert case.deadlines()[0].due == after("40h" if counts else "49h")


def test_g_7_what_resolved_an_expiry_that_the_platform_did_not_answer_still_does_after_a_late_fact() -> None:
    case = machine()
    case.advance(after("48h"))
    case.fail_expiry(case.state.unresolved[0].serial, "no answer")
    report(case, "50h", rule="withdraw", occurred_at="49h")
    assert where(case) == ["withdrawn"]

    report(case, "51h", rule="mark_out_of_stock", occurred_at="1h")

    for of in (case, resumed(case)):
        assert (fired(of), where(of)) == (["mark_out_of_stock", "withdraw"], ["withdrawn"])


def test_g_7_a_message_held_for_the_platforms_answer_applies_once_there_will_be_none() -> None:
    case = machine()
    case.advance(after("48h"))
    report(case, "50h", rule="withdraw", occurred_at="49h")
    assert len(case.state.held) == 1

    case.fail_expiry(case.state.unresolved[0].serial, "no answer")

    assert (where(case), case.state.held) == (["withdrawn"], [])


def test_g_7_an_expiry_that_is_asked_about_again_holds_messages_again() -> None:
    case = machine()
    case.advance(after("48h"))
    case.fail_expiry(case.state.unresolved[0].serial, "no answer")
    case.retry_effect(None)

    report(case, "50h", rule="withdraw", occurred_at="49h")
    report(case, "51h", rule="mark_out_of_stock", occurred_at="1h")

    assert (where(case), len(case.state.held), len(case.state.unresolved)) == (["awaiting_merchant"], 1, 1)


def test_g_11_an_effect_on_its_way_when_its_reason_is_taken_back_is_shown_if_it_succeeds() -> None:
    case = machine()
    report(case, "5h", rule="mark_out_of_stock", occurred_at="5h")
    (effect,) = case.state.pending
    report(case, "6h", rule="withdraw", occurred_at="4h")
    assert (pending(case), view(case, after("6h")).effects) == ([], [])

    case.complete_effect(effect.serial, EffectOutcome(), after("6h"))

    (shown,) = view(case, after("6h")).effects
    assert (shown.effect, shown.status, shown.why) == ("contact_buyer", "done", OBSOLETE)


def test_g_11_a_decision_held_for_the_platforms_answer_says_why_it_does_not_count() -> None:
    case = machine()
    decision = case.submit("agree", {}, after("47h"), key="u1")
    case.take(decision.serial, EffectOutcome(), after("49h"))
    report(case, "48h", rule="withdraw", occurred_at="48h")

    case.fail_expiry(case.state.unresolved[0].serial, "no answer")

    assert (where(case), case.state.decisions[0].status) == (["withdrawn"], "done")
    assert "withdrawn" in (case.state.decisions[0].why or "")


def test_g_11_an_entry_whose_instant_a_late_fact_moves_is_recorded_anew() -> None:
    case = machine("short_shipped")
    for offset in ("48h", "96h"):
        case.advance(after(offset))
        case.resolve_expiry(case.state.unresolved[0].serial, ExpiryOutcome(), after(offset))
    before = [(entry.clause, entry.at) for entry in case.state.ledger], fingerprint(case)
    case.mark_recorded(before[1], after("96h"))

    report(case, "97h", rule="agree", occurred_at="1h")
    case.resolve_expiry(case.state.unresolved[0].serial, ExpiryOutcome(), after("97h"))

    assert [(entry.clause, entry.at) for entry in case.state.ledger] == [
        (clause, after("49h")) for clause, _ in before[0]
    ]
    assert fingerprint(case) != case.state.recorded


def test_a_new_run_keeps_its_timeline_although_the_forms_are_large() -> None:
    case = machine()
    case.decide("refuse", REFUSAL, after("1h"))
    for hours in range(2, 6):
        case.decide("submit_evidence", {"evidence": [LARGE] * 20}, after(f"{hours}h"))

    again = resumed(case)

    assert fired(again) == fired(case)
    assert [bool(entry.form) for entry in again.state.timeline] == [False, False, False, True, True]


def test_g_8_a_decision_that_becomes_a_task_after_the_case_has_ended_is_dropped() -> None:
    case = machine("short_shipped")
    report(case, "2h", rule="withdraw", occurred_at="2h")
    case = machine("short_shipped")
    case.advance(after("48h"))
    case.resolve_expiry(case.state.unresolved[0].serial, ExpiryOutcome(rule="auto_agree"), after("48h"))
    early = case.submit("ship", SHIPMENT, after("60h"), key="u1", sender=LI)
    assert early.being_submitted
    early.stay = {}  # as of one that was possible only earlier
    report(case, "61h", rule="withdraw", occurred_at="61h")

    case.take(early.serial, EffectOutcome(console_task=ConsoleTask(page="p", instruction="i")), after("62h"))

    assert (case.closed, case.state.waiting) == (True, {})


def test_g_10_a_decision_given_before_the_case_began_is_one_of_its_first_state() -> None:
    case = machine()

    decision = case.submit(
        "agree", {}, after("10s"), key="u1", sender=LI.model_copy(update={"at": after("0s") - timedelta(seconds=3)})
    )

    assert decision.stay == {"awaiting_merchant": after("0s")}
