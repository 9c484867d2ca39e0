"""A decision counts once the platform has taken it (G-10), and is kept with who took it (G-13)."""

from datetime import timedelta
from typing import Any

import pytest

from cases import editions
from cases.errors import BadForm, Refused
from cases.messages import ConsoleTask, EffectOutcome, ExpiryOutcome
from tests.support.processes.delays import CHAT, Delay
from tests.support.processes.shipments import OTHER_PARCEL, PARCEL
from tests.support.processes.shipments import Watch as Shipment
from tests.support.processes.splits import opened
from tests.support.rules.machines import REFUSAL, SHIPMENT, after, fired, machine, report, where
from workflows.engine import decisions
from workflows.engine.machine import CaseMachine
from workflows.engine.sender import InputSender
from workflows.engine.state import Decision, Notification
from workflows.engine.view import summary, view

TASK = ConsoleTask(page="后台", instruction="点同意")
WANG, LI = InputSender(name="王芳", way="command"), InputSender(name="李强", way="desk")


def submit(of: CaseMachine, offset: str, rule: str = "agree", form: Any = None, key: str = "u1") -> Decision:
    return of.submit(rule, form, after(offset), key=key, sender=WANG)


def resumed(of: CaseMachine) -> CaseMachine:
    """Return the case as a new run resumes it."""
    return CaseMachine.resume(of.process, of.case_id, of._origin, of.carried())


def notified(of: CaseMachine, offset: str) -> list[Notification]:
    """Notify operators of what is new, as a running case does; return these notifications."""
    of.end_notifications()
    serials = of.unnotified()
    of.notify(serials, after(offset))
    return of.state.notifications[len(of.state.notifications) - len(serials) :]


def decision_of(of: CaseMachine, key: str = "u1") -> Decision:
    decision = of.state.decision(key)
    assert decision is not None
    return decision


def test_g_10_until_the_platform_has_taken_it_the_state_and_its_clock_stay() -> None:
    case = machine()
    decision = submit(case, "1h")
    assert (where(case), fired(case), decision.status) == (["awaiting_merchant"], [], "pending")
    assert [deadline.due for deadline in case.deadlines()] == [after("48h")]
    assert summary(case, decision).decision == "being_submitted"

    case.take(decision.serial, EffectOutcome(said="已同意"), after("2h"))

    assert [(entry.rule, entry.at, entry.actor) for entry in case.state.timeline] == [("agree", after("2h"), "王芳")]
    assert (decision.status, decision.said) == ("done", "已同意")


def test_g_10_what_the_platform_had_taken_before_counts_from_when_it_was_given() -> None:
    case = machine()
    case.take(submit(case, "1h").serial, EffectOutcome(already=True), after("5h"))
    assert case.state.timeline[-1].at == after("1h")


@pytest.mark.parametrize("rule", ["agree", "refuse", "mark_out_of_stock"])
def test_g_10_another_decision_of_the_same_state_is_refused_with_that_reason(rule: str) -> None:
    case = machine()
    submit(case, "1h")
    assert [choice.rule for choice in decisions.allowed(case)] == ["withdraw"]
    with pytest.raises(Refused, match=r"「同意补寄 \(agree\)」提交中.*has not taken it yet"):
        case.submit(rule, REFUSAL if rule == "refuse" else None, after("2h"), key="u2")


def test_evidence_that_is_at_no_web_address_is_refused_and_one_that_was_taken_earlier_still_counts() -> None:
    piece = {"kind": "chat_screenshot", "url": "file:///home/1.png"}
    case, form = machine(), {**REFUSAL, "evidence": [piece]}
    with pytest.raises(BadForm, match=r"refuse: evidence\.0\.url: .* http or https address"):
        case.check("refuse", form, after("1h"))
    case.check("refuse", {**REFUSAL, "evidence": [{**piece, "url": "https://e.example/1.png"}]}, after("1h"))

    assert submit(case, "1h", "refuse", form).status == "pending"  # as a replay does, which checks nothing first
    assert resumed(case).state.decision("u1") is not None


def test_g_10_of_another_order_it_is_not_refused() -> None:
    case = opened(2)
    one = case.submit("explain_unsigned", {"order": "O1", "why": "in_transit"}, after("1h"), key="u1")
    one.status = "console_task"
    case.check("explain_unsigned", {"order": "O2", "why": "in_transit"}, after("1h"))
    with pytest.raises(Refused, match="提交中"):
        case.check("explain_unsigned", {"order": "O1", "why": "in_transit"}, after("1h"))


def test_g_10_a_refusal_of_the_platform_drops_it_and_nothing_has_moved() -> None:
    case = machine()
    decision = submit(case, "1h")
    case.refuse(decision.serial, "PlatformRefused: 已关闭", after("2h"), tell=False)
    assert (where(case), decision.status, decision.why, case.unnotified()) == (
        ["awaiting_merchant"],
        "refused",
        "PlatformRefused: 已关闭",
        [],
    )
    case.check("refuse", REFUSAL, after("3h"), key="u2")


def test_g_10_the_end_of_the_states_clock_drops_it_and_operators_are_told() -> None:
    case = machine()
    decision = submit(case, "47h")
    case.advance(after("48h"))
    assert decision.being_submitted  # the platform is asked first
    case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(rule="withdraw"), after("49h"))
    decision = decision_of(case)
    assert (decision.status, "买家" in (decision.why or "") or "撤销" in (decision.why or "")) == ("dropped", True)
    assert case.unnotified() == [decision.serial]


def test_g_10_a_fact_told_late_that_moves_the_entry_of_the_state_does_not_drop_it() -> None:
    case = machine()
    case.advance(after("48h"))
    case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(), after("48h"))
    submit(case, "60h", "ship", SHIPMENT)

    report(case, "61h", rule="agree", occurred_at="47h")

    assert (fired(case), decision_of(case).status) == (["agree"], "pending")


def test_g_10_what_was_done_by_hand_before_the_drop_counts_and_the_drop_is_taken_back() -> None:
    case = machine()
    decision = submit(case, "1h")
    case.take(decision.serial, EffectOutcome(console_task=TASK), after("1h"))
    report(case, "10h", rule="refuse", form=REFUSAL, occurred_at="9h")
    assert (decision_of(case).status, where(case)) == ("dropped", ["arbitration"])

    done = {"serial": decision.serial, "occurred_at": after("8h").isoformat()}
    case.done_by_hand(done, after("12h"), sender=LI)

    decision = decision_of(case)
    assert [(entry.rule, entry.at) for entry in case.state.timeline] == [("agree", after("8h"))]
    assert (decision.status, decision.actor, decision.handled_by) == ("done", "王芳", "李强")
    assert case.unnotified() == []


def test_g_10_what_was_done_by_hand_after_the_drop_does_not_count() -> None:
    case = machine()
    decision = submit(case, "1h")
    case.take(decision.serial, EffectOutcome(console_task=TASK), after("1h"))
    report(case, "10h", rule="refuse", form=REFUSAL, occurred_at="9h")
    for occurred in ("9h30m", "30m"):
        with pytest.raises(Refused):
            case.done_by_hand({"serial": decision.serial, "occurred_at": after(occurred).isoformat()}, after("12h"))
    assert decision_of(case).status == "dropped"


def test_g_11_what_was_done_by_hand_is_refused_where_the_platforms_record_has_decided() -> None:
    case = machine()
    decision = submit(case, "1h")
    case.take(decision.serial, EffectOutcome(console_task=TASK), after("1h"))
    case.advance(after("48h"))
    case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(rule="withdraw"), after("49h"))

    with pytest.raises(Refused, match="已裁定"):
        case.check_step({"occurred_at": after("40h").isoformat()}, after("50h"), retry=False)

    assert (where(case), decision_of(case).status) == (["withdrawn"], "dropped")


def test_g_10_what_the_platform_took_after_the_drop_keeps_the_reason_and_the_instant_of_the_drop() -> None:
    case = machine()
    decision = submit(case, "1h")
    report(case, "10h", rule="refuse", form=REFUSAL, occurred_at="9h")
    dropped = decision_of(case).ended

    case.take(decision.serial, EffectOutcome(), after("11h"))

    assert (where(case), decision_of(case).status, decision_of(case).ended) == (["arbitration"], "dropped", dropped)
    assert case.unnotified() == [decision.serial]


def test_g_10_a_message_that_confirms_it_before_the_call_is_answered_takes_it() -> None:
    case = machine()
    decision = submit(case, "1h")

    report(case, "1h", rule="agree", occurred_at="1h", message_id="m1")

    assert (decision_of(case).status, case.unnotified(), case.state.ignored) == ("done", [], [])
    assert [(entry.rule, entry.actor) for entry in case.state.timeline] == [("agree", "王芳")]
    case.take(decision.serial, EffectOutcome(), after("2h"))
    assert fired(case) == ["agree"]


def test_g_6_the_default_decision_is_submitted_once_a_stay() -> None:
    case = machine("other", {"default_decision": "refuse", "default_form": REFUSAL})
    case.advance(after("47h30m"))
    (decision,) = case.state.submissions
    assert (decision.by, decision.way, decision.actor) == ("default", "default", None)
    case.refuse(decision.serial, "已关闭", after("47h31m"), tell=True)
    case = resumed(case)
    case.advance(after("47h40m"))
    assert case.state.submissions == []

    report(case, "47h50m", rule="refuse", form=REFUSAL, occurred_at="47h45m")
    report(case, "47h55m", rule="modify", form={"reason": "other"}, occurred_at="47h50m")
    case.advance(after("95h30m"))

    assert [decision.rule for decision in case.state.submissions] == ["refuse"]


def test_g_7_a_submission_without_an_answer_is_retried_and_names_who_did() -> None:
    case = machine()
    decision = submit(case, "1h")
    case.fail(decision.serial, "PlatformUnreachable: 超时", after("2h"))
    assert (case.state.needs_operator, case.busy) == (True, False)

    case.retry_effect(None, sender=LI)

    assert (decision.status, case.busy) == ("pending", True)
    case.take(decision.serial, EffectOutcome(), after("3h"))
    shown = next(step for step in view(case, after("3h")).effects if step.serial == decision.serial)
    assert (fired(case), shown.status) == (["agree"], "done")
    assert (case.state.timeline[-1].actor, getattr(shown, "handled_by", None)) == ("王芳", "李强")


def test_g_13_a_task_that_was_done_by_hand_names_who_did_it() -> None:
    case = machine()
    case.decide("mark_out_of_stock", None, after("1h"))
    case.complete_effect(case.state.pending[0].serial, EffectOutcome(console_task=TASK), after("1h"))
    case.done_by_hand(None, after("2h"), sender=LI)
    (step,) = view(resumed(case), after("3h")).effects
    assert (step.status, getattr(step, "handled_by", None), getattr(step, "handled_way", None)) == (
        "done",
        "李强",
        "desk",
    )


@pytest.mark.parametrize("again", [lambda case: case, resumed], ids=["same run", "new run"])
def test_the_same_update_is_not_run_twice(again: Any) -> None:
    case = machine()
    decision = submit(case, "1h")
    case = again(case)
    case.check("agree", None, after("2h"), key="u1")
    assert submit(case, "2h").serial == decision.serial
    case.take(decision.serial, EffectOutcome(), after("3h"))
    case = again(case)
    case.check("agree", None, after("4h"), key="u1")
    assert submit(case, "4h").status == "done"
    assert (len(case.state.decisions), fired(case)) == (1, ["agree"])


def test_g_10_a_decision_given_before_the_present_stay_counts_from_its_beginning() -> None:
    case = machine("other")
    report(case, "1h", rule="refuse", form=REFUSAL, occurred_at="1h")
    report(case, "5h", rule="modify", form={"reason": "other"}, occurred_at="5h")
    given = InputSender(way="command", at=after("3h"))

    decision = case.submit("mark_out_of_stock", None, after("6h"), key="u1", sender=given)

    assert [(entry.rule, entry.at) for entry in case.state.timeline[-1:]] == [("mark_out_of_stock", after("5h"))]
    assert (decision.status, decision.why) == ("done", None)


@pytest.mark.parametrize("already", [True, False])
def test_g_10_one_that_was_possible_only_when_it_was_given_is_submitted_and_counts_from_then(*, already: bool) -> None:
    case = machine()
    case.advance(after("48h"))
    case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(), after("48h"))

    decision = case.submit("agree", None, after("50h"), key="u1", sender=InputSender(way="desk", at=after("47h")))
    case.advance(after("50h"))

    assert (decision.effect, decision_of(case).status, fired(case)) == ("agree_on_platform", "pending", ["auto_agree"])
    case.take(decision.serial, EffectOutcome(already=already), after("50h"))
    assert [(entry.rule, entry.at) for entry in case.state.timeline] == [("agree", after("47h"))]


def test_g_10_one_that_was_possible_only_when_it_was_given_and_is_refused_moves_nothing() -> None:
    case = machine()
    case.advance(after("48h"))
    decision = case.submit("refuse", REFUSAL, after("50h"), key="u1", sender=InputSender(way="desk", at=after("47h")))
    assert len(case.state.expiries) == 1  # the platform is still asked what its clock led to
    case.refuse(decision.serial, "已自动同意", after("50h"), tell=True)
    assert (where(case), decision_of(case).status) == (["awaiting_merchant"], "refused")


def test_g_10_one_given_earlier_waits_for_those_that_were_given_before_it() -> None:
    case = machine()
    case.advance(after("100h"))
    first, second = (InputSender(way="desk", at=after(offset)) for offset in ("1h", "2h"))
    agreed = case.submit("agree", None, after("100h"), key="u1", sender=first)
    case.check("ship", SHIPMENT, after("100h"), key="u2", sender=second)
    assert case.must_wait(after("100h"), second)
    assert not case.must_wait(after("100h"), InputSender(way="desk"))

    case.take(agreed.serial, EffectOutcome(already=True), after("100h"))

    assert not case.must_wait(after("100h"), second)
    shipped = case.submit("ship", SHIPMENT, after("100h"), key="u2", sender=second)
    case.take(shipped.serial, EffectOutcome(already=True), after("100h"))
    assert [(entry.rule, entry.at) for entry in case.state.timeline][:2] == [
        ("agree", after("1h")),
        ("ship", after("2h")),
    ]


def test_g_10_one_given_in_an_earlier_state_counts_there_although_it_is_possible_now_too() -> None:
    card = Delay(sent_at="0s", proposed_ship_at="3h").act("1h", "accept").until("3h")
    assert card.state == "late"
    given = InputSender(way="command", at=after("2h"))
    decision = card.machine.submit("ship", SHIPMENT, after("4h"), key="u1", sender=given)
    assert card.state == "late"

    card.machine.take(decision.serial, EffectOutcome(already=True), after("4h"))

    assert (card.state, card.fired[-1]) == ("shipped_on_time", ("ship", after("2h")))


def test_g_10_a_decision_that_the_platform_takes_after_its_time_was_over_counts_if_it_was_given_in_time() -> None:
    case = machine("other")
    case.decide("agree", None, after("1h"))
    case.decide("ship", SHIPMENT, after("2h"))
    correction = {"carrier": "SF", "tracking_no": "SF2"}

    decision = submit(case, "25h59m59s", "correct_tracking", correction)
    case.advance(after("26h1m"))
    case.take(decision.serial, EffectOutcome(), after("26h1m"))

    assert (fired(case)[-1], decision_of(case).why) == ("correct_tracking", None)
    report(case, "27h", rule="mark_out_of_stock", occurred_at="1h30m", message_id="m1")  # it is worked out again
    assert fired(resumed(case))[-1] == "correct_tracking"
    with pytest.raises(Refused, match="已截止"):
        submit(case, "28h", "correct_tracking", correction, key="u2")


def test_g_10_a_console_task_confirmed_after_the_time_of_its_decision_was_over_counts() -> None:
    watch = Shipment().act("1h", "upload_tracking", PARCEL)
    decision = watch.machine.submit("correct_tracking", OTHER_PARCEL, after("24h"), key="u1")
    watch.machine.take(decision.serial, EffectOutcome(console_task=TASK), after("24h"))
    watch.until("26h").machine.done_by_hand(None, after("26h"))

    assert fired(watch.machine)[-1] == "correct_tracking"


@pytest.mark.parametrize(
    ("told", "edition", "times"),
    [
        (OTHER_PARCEL, editions.NEWEST, 1),
        (None, editions.NEWEST, 1),
        ({**OTHER_PARCEL, "tracking_no": "SF5555555555"}, editions.NEWEST, 2),
        (OTHER_PARCEL, "2026-11-30", 2),
    ],
)
def test_g_10_a_message_that_confirms_a_correction_is_not_another_one(
    told: dict[str, str] | None, edition: str, times: int
) -> None:
    watch = Shipment(edition=edition).act("1h", "upload_tracking", PARCEL)
    watch.machine.submit("correct_tracking", OTHER_PARCEL, after("2h"), key="u1")

    watch.report("3h", "correct_tracking", told)

    for of in (watch.machine, resumed(watch.machine)):
        assert fired(of) == ["upload_tracking", *["correct_tracking"] * times]
        assert decision_of(of).status == "done"


def test_g_10_a_report_on_a_time_that_was_still_to_come_when_it_was_filed_counts() -> None:
    card = Delay(sent_at="0s").act("1h", "decline").machine
    form = {"agreed_ship_at": after("5h").isoformat(), "evidence": [CHAT]}
    decision = card.submit("file_emergency_report", form, after("2h"), key="u1")
    card.take(decision.serial, EffectOutcome(console_task=TASK), after("2h"))

    card.done_by_hand(None, after("6h"))

    assert where(card) == ["emergency_review"]


def test_a_closed_case_drops_what_is_being_submitted_and_withdraws_its_steps() -> None:
    case = machine()
    case.decide("mark_out_of_stock", None, after("1h"))
    case.complete_effect(case.state.pending[0].serial, EffectOutcome(console_task=TASK), after("1h"))
    submit(case, "2h")
    report(case, "3h", rule="withdraw", occurred_at="3h")
    assert (case.closed, case.state.effects, case.state.waiting, case.state.submissions) == (True, [], {}, [])
    assert decision_of(case).status == "dropped"
    assert case.finished(after("3h") + timedelta(0))


def test_g_10_operators_who_were_told_that_it_waits_are_told_of_its_drop_too() -> None:
    case = machine()
    decision = submit(case, "1h")
    case.fail(decision.serial, "no answer", after("2h"))
    told = notified(case, "2h")
    case.mark_delivered(told[0])
    assert notified(case, "3h") == []

    case.advance(after("48h"))
    case.resolve_expiry(case.state.unresolved[0].serial, ExpiryOutcome(), after("48h"))

    (drop,) = notified(case, "48h")
    case.mark_delivered(drop)
    assert (told[0].over, drop.serial, notified(case, "49h")) == (True, decision.serial, [])
    assert decision_of(case).telling is False


def test_g_10_a_late_delivery_that_it_waits_does_not_count_as_that_of_its_drop() -> None:
    case = machine()
    decision = submit(case, "1h")
    case.fail(decision.serial, "no answer", after("2h"))
    (waits,) = notified(case, "2h")
    case.advance(after("48h"))
    case.resolve_expiry(case.state.unresolved[0].serial, ExpiryOutcome(), after("48h"))

    case.mark_delivered(waits)

    assert [sent.ending for sent in notified(case, "48h")] == [True]
