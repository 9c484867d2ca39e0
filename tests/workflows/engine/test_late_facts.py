"""A fact counts when it happened (G-11): what is told late takes its place, and what that undoes is taken back."""

from datetime import timedelta

import pytest

from cases import editions
from cases.errors import BadForm, Refused
from cases.messages import EffectOutcome, ExpiryOutcome
from tests.support.processes.delays import CHAT, Delay
from tests.support.processes.splits import ITEM, ITEM_WAY, KEEP_ALL, Split
from tests.support.rules.machines import REFUSAL, SHIPMENT, after, claim, fired, machine, report, settle, where
from workflows.engine import inputs
from workflows.engine.course import DECIDED, TOO_OLD
from workflows.engine.machine import CaseMachine
from workflows.engine.sender import InputSender
from workflows.engine.view import view

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def ignored(of: CaseMachine) -> list[str]:
    return [message.why for message in of.state.ignored]


def resumed(of: CaseMachine) -> CaseMachine:
    """Return the case as a new run resumes it."""
    return CaseMachine.resume(of.process, of.case_id, of._origin, of.carried())


def test_jd_5_a_parcel_shipped_in_time_is_on_time_although_it_was_told_after_the_promised_time() -> None:
    card = Delay(promised_ship_at="48h", sent_at="0s")
    card.until("48h")
    assert card.machine.case.promise_missed

    card.report("49h", rule="ship", form=SHIPMENT, occurred_at=after("47h").isoformat())

    assert (card.state, card.booked, card.fired[-1]) == ("shipped_on_time", [], ("ship", after("47h")))
    assert not card.machine.case.promise_missed
    assert [entry.rule for entry in card.machine.state.taken_back] == ["expire", "miss_promise"]


def test_jd_5_a_parcel_that_we_shipped_in_time_is_on_time_although_it_is_said_afterwards() -> None:
    card = Delay(promised_ship_at="48h", sent_at="0s")
    card.until("49h")

    card.machine.submit("ship", {**SHIPMENT, "occurred_at": after("47h").isoformat()}, after("49h"), key="u1")

    assert (card.state, card.fired[-1]) == ("shipped_on_time", ("ship", after("47h")))


def test_ax_9_a_receipt_confirmed_on_day_29_and_told_on_day_30_is_no_loss() -> None:
    split = Split(1)
    split.walk("1h", ITEM, *ITEM_WAY[:-1])
    split.until("30d")
    assert (split.state, [entry[0] for entry in split.booked]) == ("settled_with_loss", ["AX-9"])

    split.report("30d", rule="confirm_receipt", order=ITEM, occurred_at="29d")

    assert (split.state, split.where(ITEM), split.booked) == ("settled", "confirmed", [])
    assert [(entry.clause, entry.status) for entry in split.machine.state.reversed] == [("AX-9", "reversed")]
    assert [entry.rule for entry in split.machine.state.taken_back] == ["auto_refund", "settle_item"]


def test_cl_9_a_ruling_told_a_minute_after_48_h_leaves_nothing_on_the_books() -> None:
    case = claim()
    settle(case, "48h")
    assert (where(case), [str(entry.amount) for entry in case.state.ledger]) == (["established"], ["10.00"])

    report(case, "48h1m", rule="overturn")

    assert (where(case), case.state.ledger) == (["dismissed"], [])
    assert [(str(entry.amount), entry.status) for entry in case.state.reversed] == [("10.00", "reversed")]
    shown = view(case, after("49h"))
    assert [entry.status for entry in shown.ledger] == ["reversed"]
    assert [entry.rule for entry in shown.taken_back] == ["platform_decides"]


def test_an_entry_that_was_taken_back_is_in_force_again_when_its_reason_is() -> None:
    case = claim()
    settle(case, "48h")
    report(case, "50h", rule="overturn", occurred_at="49h")
    assert case.state.ledger == []

    report(case, "51h", rule="uphold", occurred_at="48h30m")

    assert (where(case), [str(entry.amount) for entry in case.state.ledger]) == (["established"], ["10.00"])
    assert case.state.reversed == []


def test_an_entry_in_force_again_after_another_end_of_the_clock_is_no_longer_reversed() -> None:
    case = claim()
    settle(case, "48h")
    report(case, "49h", deadline="60h", occurred_at="1h")
    assert [entry.status for entry in case.state.reversed] == ["reversed"]

    settle(case, "60h")

    assert ([entry.at for entry in case.state.ledger], case.state.reversed) == ([after("60h")], [])


def test_ax_1_an_older_reason_told_late_does_not_overwrite_the_newer_one() -> None:
    split = Split().choose("0s", KEEP_ALL)
    split.report("1h", rule="explain_unsigned", order="O2", occurred_at="1h", form={"why": "in_transit"})

    split.report("5h", rule="explain_unsigned", order="O2", occurred_at="30m", form={"why": "unknown"})

    assert (split.where("O2"), split.machine.case.unsigned["O2"]) == ("awaiting_sign_in", "in_transit")


def test_g_11_a_clock_that_the_platforms_record_has_decided_is_not_reopened() -> None:
    case = machine()
    settle(case, "48h", ExpiryOutcome(rule="auto_agree"))
    before = case.state.timeline[:]

    report(case, "50h", rule="withdraw", occurred_at="47h", message_id="m1")

    assert (where(case), case.state.timeline) == (["awaiting_shipment"], before)
    assert ignored(case) == [f"{DECIDED}: auto_agree"]
    assert case.state.inputs == []


def test_g_11_a_clock_without_a_record_is_reopened() -> None:
    case = machine()
    settle(case, "48h")

    report(case, "50h", rule="withdraw", occurred_at="47h")

    assert (fired(case), where(case)) == (["withdraw"], ["withdrawn"])


def test_g_11_a_case_cannot_go_back_beyond_its_checkpoint_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "INPUTS_KEPT", 2)
    case = machine("short_shipped")
    for offset, rule, form in (("1h", "refuse", REFUSAL), ("2h", "modify", {"reason": "other"}), ("3h", "agree", {})):
        report(case, offset, rule=rule, form=form, occurred_at=offset)
    assert case.state.checkpoint
    frontier = case.state.checkpoint.course.frontier
    assert frontier == after("2h")

    report(case, "4h", rule="withdraw", occurred_at="1h59m59s")
    assert (where(case), ignored(case)) == (["awaiting_shipment"], [TOO_OLD])

    report(case, "5h", rule="withdraw", occurred_at="2h30m")
    assert where(case) == ["withdrawn"]


def test_g_11_what_a_person_did_before_the_checkpoint_is_refused_with_that_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inputs, "INPUTS_KEPT", 0)
    case = machine("short_shipped")
    report(case, "3h", rule="refuse", form=REFUSAL, occurred_at="3h")

    with pytest.raises(Refused, match="无法追溯"):
        case.submit("agree", {"occurred_at": after("1h").isoformat()}, after("4h"), key="u1")


def test_g_11_a_message_that_waits_is_not_lost_at_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "INPUTS_KEPT", 1)
    case = machine()
    report(case, "2h", rule="ship", form=SHIPMENT, occurred_at="90m")
    report(case, "3h", rule="mark_out_of_stock", occurred_at="2h")
    assert case.state.checkpoint
    case.advance(after("48h"))
    report(case, "49h", rule="ship", form=SHIPMENT, occurred_at="48h30m")
    report(case, "50h", rule="sign", occurred_at="49h")
    assert len(case.state.held) == 2
    case = resumed(case)

    case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(), after("50h"))

    assert fired(case) == ["mark_out_of_stock", "auto_agree", "ship", "sign"]


def test_g_11_what_was_done_since_the_checkpoint_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "INPUTS_KEPT", 1)
    case = machine("short_shipped")
    report(case, "1h", rule="mark_out_of_stock", occurred_at="1h")
    report(case, "2h", rule="refuse", form=REFUSAL, occurred_at="2h")
    report(case, "3h", rule="modify", form={"reason": "other"}, occurred_at="3h")
    assert case.state.checkpoint
    case.complete_effect(case.state.pending[0].serial, EffectOutcome(), after("3h"))

    report(case, "5h", rule="agree", occurred_at="4h")
    report(case, "6h", rule="withdraw", occurred_at="3h30m")

    assert where(case) == ["withdrawn"]
    assert [(effect.effect, effect.status) for effect in case.state.effects] == [("contact_buyer", "done")]


def test_g_11_an_effect_that_was_performed_for_what_did_not_happen_is_shown() -> None:
    case = machine()
    report(case, "5h", rule="mark_out_of_stock", occurred_at="5h")
    (effect,) = case.state.pending
    case.complete_effect(effect.serial, EffectOutcome(), after("5h"))

    report(case, "6h", rule="withdraw", occurred_at="4h")

    assert case.state.effects == []
    (shown,) = view(case, after("6h")).effects
    assert (shown.effect, shown.status, "已撤回" in (shown.why or "")) == ("contact_buyer", "done", True)


def test_g_11_what_was_not_needed_only_because_of_what_is_taken_back_is_needed_again() -> None:
    split = Split(1, O1="3d")
    split.walk("1h", ITEM, "sign_in", "record", "report_blocked")
    split.until("3d")
    assert (split.where(ITEM), split.machine.state.pending) == ("refunded", [])

    split.report("3d", order=ITEM, deadline="9d", occurred_at="2d")

    assert (split.where(ITEM), split.pending) == ("blocked", [("report_to_operations", ITEM)])


@pytest.mark.parametrize(("since", "finished"), [(7 * DAY - SECOND, False), (7 * DAY, True), (7 * DAY + SECOND, True)])
def test_g_11_a_case_that_our_own_clock_ended_can_be_put_right_for_7_days(since: timedelta, *, finished: bool) -> None:
    card = Delay(sent_at="0s").act("1h", "decline")
    card.until("73h")
    assert card.state == "not_exempt"
    ended = after("73h")

    assert card.machine.finished(ended + since) is finished
    assert card.machine.next_instant(ended) == ended + 7 * DAY


def test_g_11_a_case_that_a_fact_ended_is_finished_at_once() -> None:
    case = machine()
    report(case, "1h", rule="withdraw")
    assert case.finished(after("1h"))
    recorded = machine()
    settle(recorded, "48h", ExpiryOutcome(rule="withdraw"))
    assert recorded.finished(after("48h"))


def test_g_11_what_was_done_earlier_is_refused_where_it_was_not_possible_and_where_it_is_yet_to_come() -> None:
    case = machine()
    report(case, "10h", rule="agree", occurred_at="10h")
    with pytest.raises(Refused, match="was not possible then"):
        case.submit("ship", {**SHIPMENT, "occurred_at": after("9h").isoformat()}, after("12h"), key="u1")
    with pytest.raises(BadForm, match="must not be later than now"):
        case.submit("ship", {**SHIPMENT, "occurred_at": after("13h").isoformat()}, after("12h"), key="u1")
    assert case.state.decisions == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_g_12_the_deadline_counts_that_was_set_last_in_whatever_order_they_are_told(order: tuple[int, int]) -> None:
    told = [{"deadline": "60h", "occurred_at": "2h"}, {"deadline": "20h", "occurred_at": "3h"}]
    case = machine()
    for which in order:
        report(case, "5h", **told[which])
    assert [deadline.due for deadline in case.deadlines()] == [after("20h")]


def test_g_12_a_held_deadline_does_not_overwrite_a_newer_one() -> None:
    case = machine("other")
    case.decide("agree", None, after("1h"))
    case.advance(after("49h"))
    report(case, "51h", deadline="99h", occurred_at="51h")
    report(case, "52h", deadline="97h", occurred_at="50h")
    assert len(case.state.held) == 2
    case.resolve_expiry(case.state.expiries[0].serial, ExpiryOutcome(), after("53h"))
    assert (where(case), [deadline.due for deadline in case.deadlines()]) == (["overdue"], [after("99h")])


def test_g_12_a_look_at_the_record_restores_a_deadline_whose_message_was_lost() -> None:
    case = machine()
    report(case, "3h", deadline="60h", occurred_at="2h", look=True, message_id="detail/1")
    assert [deadline.due for deadline in case.deadlines()] == [after("60h")]
    report(case, "4h", deadline="50h", occurred_at="1h")
    assert [deadline.due for deadline in case.deadlines()] == [after("60h")]


def test_g_11_a_report_of_our_own_clock_is_ignored_with_the_reason() -> None:
    card = Delay(sent_at="0s").act("1h", "decline").report("3h", rule="give_up", message_id="m1")
    assert card.state == "declined"
    (message,) = card.machine.state.ignored
    assert "our own clock" in message.why


@pytest.mark.parametrize("order", ["decision first", "message first"])
def test_g_3_a_message_that_confirms_our_decision_is_no_ignored_one(order: str) -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    if order == "message first":
        case.decide("ship", SHIPMENT, after("2h"))
    report(case, "3h", rule="agree", occurred_at="1h", message_id="m1")
    assert case.state.ignored == []
    assert [given.kind for given in case.state.inputs] == ["decision"] * len(case.state.decisions)


@pytest.mark.parametrize(("edition", "filed"), [(editions.NEWEST, 2), ("2026-11-30", 1)])
def test_g_11_a_report_filed_again_counts_once_the_recall_between_them_is_known(edition: str, filed: int) -> None:
    card = Delay(edition=edition, sent_at="0s").act("1h", "decline").filed("2h")
    again = {"agreed_ship_at": after("21d").isoformat(), "evidence": [CHAT]}
    card.report("5h", rule="file_emergency_report", form=again, message_id="m1", occurred_at=after("4h").isoformat())
    assert (card.rules[2:], card.machine.state.ignored) == (["file_emergency_report"], [])

    card.machine = resumed(card.machine)
    card.report("6h", rule="recall_report", message_id="m2", occurred_at=after("3h").isoformat())

    assert card.rules[2:] == ["file_emergency_report", "recall_report", "file_emergency_report"][: filed + 1]
    assert card.machine.state.ignored == []


def test_g_11_what_seems_to_repeat_a_decision_stays_so_while_other_facts_become_known() -> None:
    case = machine()
    case.decide("agree", None, after("1h"))
    report(case, "3h", rule="agree", occurred_at="2h", message_id="m1")
    for late in ("40m", "30m"):
        report(case, "4h", deadline="50h", occurred_at=late)
    assert (fired(case), case.state.ignored) == (["agree"], [])


def test_g_13_the_timeline_names_who_reported_and_how_also_in_a_new_run() -> None:
    case = machine()
    sender = InputSender(name="王芳", way="command")
    case.submit("agree", None, after("1h"), key="u1", sender=sender)
    case.take(case.state.submissions[0].serial, EffectOutcome(said="已同意"), after("1h"))
    again = resumed(resumed(case))
    report(again, "3h", rule="mark_out_of_stock", occurred_at="30m")
    entry = again.state.timeline[-1]
    assert (entry.rule, entry.actor, entry.way) == ("agree", "王芳", "command")
    (decision,) = view(again, after("3h")).decisions
    assert (decision.actor, decision.way, decision.said) == ("王芳", "command", "已同意")
