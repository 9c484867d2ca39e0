"""The delay card's rule book, clause by clause and to the second."""

from datetime import datetime

import pytest

from cases.errors import BadForm, Refused
from cases.messages import ConsoleTask, EffectOutcome
from statecharts.jd_delay_card import JdDelayCard
from statecharts.rules import Effect, Party
from tests.support.processes.delays import (
    BEFORE_AMENDMENT,
    CHAT,
    OPEN_STATES,
    REFUSAL,
    SECOND,
    SHIPMENT,
    Delay,
    after,
    card_in,
)
from workflows.engine import decisions

UNAPPROVED = [state for state in OPEN_STATES if state not in ("approved", "late")]
RESTING = ["declined", "expired", "report_refused"]
UNREPORTED = [state for state in OPEN_STATES if state != "emergency_review"]
LATE_ORDER = ("JD-14", None)
LATE_SHIPMENT = ("JD-5", None)


def later(state: str) -> str:
    """Return an offset at which a card that has entered a state is still in it."""
    return "49h" if state == "expired" else "3h"


def begun(card: Delay) -> str:
    """Return when the state was entered, as an offset."""
    hours = (card.machine.state.snapshot.entered[card.state] - after("0s")).total_seconds() / 3600
    return f"{hours:.0f}h"


def effects_of(card: Delay, rule: str) -> tuple[Effect, ...]:
    """Return the effects of a rule if it fired now."""
    chart = JdDelayCard(card.machine.case, after("3h"), card.machine.state.snapshot)
    return chart.step(rule, after("3h")).effects


def test_jd_1_a_card_that_was_not_sent_is_to_be_sent_once() -> None:
    card = Delay()

    assert (card.state, card.pending) == ("sending", ["send_card"])
    assert card.sent("1h", at="1h").state == "awaiting_buyer"
    assert [(effect.effect, effect.status) for effect in card.machine.state.effects] == [("send_card", "done")]


def test_jd_1_a_card_that_was_sent_before_the_opening_is_not_sent_again() -> None:
    card = Delay(sent_at="-3h")

    assert (card.state, card.pending, card.fired) == ("awaiting_buyer", [], [("sent_before", after("-3h"))])
    assert card.clauses == {"sent_before": "JD-1"}


@pytest.mark.parametrize("state", [state for state in OPEN_STATES if state != "sending"])
def test_jd_1_no_second_card_from_any_state(state: str) -> None:
    with pytest.raises(Refused):
        card_in(state).sent("49h", at="49h")


def test_jd_1_an_unknown_result_of_sending_counts_as_sent_at_24_00_00_not_before() -> None:
    card = Delay().until("24h", by=-SECOND)
    assert card.state == "sending"

    card.until("24h")

    assert (card.state, card.fired, card.clauses) == (
        "awaiting_buyer",
        [("presume_sent", after("24h"))],
        {"presume_sent": "JD-1"},
    )
    assert card.pending == []  # whether it was sent or not, no second one may be


def test_jd_2_accepted_is_approved_and_declined_is_not() -> None:
    accepted, declined = (Delay(sent_at="0s").act("1h", rule) for rule in ("accept", "decline"))

    assert (accepted.state, accepted.clauses["accept"]) == ("approved", "JD-2")
    assert (declined.state, declined.clauses["decline"]) == ("declined", "JD-2")


def test_jd_2_without_a_click_it_is_cancelled_at_48_00_00_from_the_sending_not_before() -> None:
    card = Delay(sent_at="-5h").until("43h", by=-SECOND)
    assert card.state == "awaiting_buyer"

    card.until("43h")

    assert (card.state, card.fired[-1], card.clauses["expire"]) == ("expired", ("expire", after("43h")), "JD-2")


def test_jd_2_the_48_hours_run_from_sent_at_not_from_when_it_was_told() -> None:
    card = Delay().sent("20h", at="2h")

    assert card.clocks["expire"] == after("50h")
    assert card.until("50h", by=-SECOND).state == "awaiting_buyer"
    assert card.until("50h").state == "expired"


def test_jd_2_a_card_told_of_when_its_48_hours_are_over_expires_at_once() -> None:
    card = Delay().sent("20h", at="-40h")

    assert card.until("20h").state == "expired"
    assert card.fired[-1] == ("expire", after("20h"))


def test_jd_2_a_card_that_is_presumed_sent_has_its_48_hours_from_then() -> None:
    assert Delay().until("24h").clocks["expire"] == after("72h")


def test_jd_2_the_buyers_click_at_the_last_second_counts() -> None:
    card = Delay(sent_at="0s").until("48h", by=-SECOND)

    card.machine.decide("accept", None, after("48h") - SECOND)

    assert card.state == "approved"


def test_jd_2_declined_and_expired_stay_apart() -> None:
    declined, expired = card_in("declined"), card_in("expired")

    assert declined.machine.process.state_label("declined") != expired.machine.process.state_label("expired")
    assert (declined.until("72h").state, expired.until("72h").state) == ("declined", "expired")
    assert "expire" not in declined.clauses
    assert "decline" not in expired.clauses


@pytest.mark.parametrize("state", UNREPORTED)
def test_jd_3_a_report_may_be_filed_from_every_open_state_whatever_became_of_the_card(state: str) -> None:
    card = card_in(state).filed(later(state), agreed="21d")

    assert (card.state, card.clauses["file_emergency_report"]) == ("emergency_review", "JD-3")
    assert card.submitted[-1] == "file_report"


def test_jd_3_no_second_report_is_filed_while_one_is_under_review() -> None:
    with pytest.raises(Refused):
        card_in("emergency_review").filed("2h")


@pytest.mark.parametrize("state", UNREPORTED)
def test_jd_3_a_report_called_back_leaves_the_case_where_it_stood(state: str) -> None:
    card = card_in(state)
    sent = [effect for effect in card.pending if effect == "send_card"]

    card.filed(later(state), agreed="21d").act(later(state), "recall_report")

    assert (card.state, card.clauses["recall_report"]) == (state, "JD-3")
    assert card.submitted[-1] == "take_report_back"
    assert [effect for effect in card.pending if effect == "send_card"] == sent  # asked for once


@pytest.mark.parametrize("state", UNREPORTED)
def test_jd_3_only_a_report_under_review_can_be_called_back(state: str) -> None:
    card = card_in(state)

    with pytest.raises(Refused):
        card.act(begun(card), "recall_report")


def test_jd_3_the_time_to_file_again_runs_anew_from_the_calling_back() -> None:
    card = card_in("declined").filed("2h").act("20h", "recall_report")

    assert card.clocks["give_up"] == after("92h")


@pytest.mark.parametrize("state", [state for state in UNREPORTED if state != "approved"])
def test_jd_3_a_refused_report_leaves_the_merchant_free_to_file_again(state: str) -> None:
    card = card_in(state).filed(later(state), agreed="21d").refused(later(state))

    assert (card.state, card.clauses["refuse_report"]) == ("report_refused", "JD-3")
    assert card.machine.state.timeline[-1].form == REFUSAL
    assert card.filed("51h", agreed="21d").state == "emergency_review"


def test_jd_3_a_refusal_says_why() -> None:
    with pytest.raises(BadForm, match="reason"):
        card_in("emergency_review").act("2h", "refuse_report")


def test_jd_3_refused_a_later_time_the_approval_in_force_stays() -> None:
    card = card_in("approved").filed("2h", agreed="30d").refused("3h")

    assert (card.state, card.clocks) == ("approved", {"miss_agreed_ship": after("20d")})


def test_jd_3_approved_a_later_time_it_is_the_new_deadline() -> None:
    card = card_in("approved").filed("2h", agreed="30d")
    assert card.clocks["miss_agreed_ship"] == after("20d")

    assert card.act("3h", "approve_report").clocks == {"miss_agreed_ship": after("30d")}


def test_jd_3_the_approval_in_force_can_run_out_during_the_review_of_a_later_time() -> None:
    card = card_in("approved", proposed_ship_at="30h").filed("20h", agreed="50h").until("30h", by=-SECOND)
    assert "miss_agreed_ship" not in card.clauses

    card.until("30h")

    assert (card.state, card.fired[-1], card.clauses["miss_agreed_ship"]) == (
        "emergency_review",
        ("miss_agreed_ship", after("30h")),
        "JD-5",
    )
    assert card.act("31h", "recall_report").state == "late"


@pytest.mark.parametrize(
    ("at", "ended", "ledger"), [("29h", "shipped_on_time", []), ("31h", "shipped_late", [LATE_SHIPMENT])]
)
def test_jd_5_shipped_during_the_review_of_a_later_time_the_one_in_force_counts(
    at: str, ended: str, ledger: list[object]
) -> None:
    card = card_in("approved", promised_ship_at="10h", proposed_ship_at="30h").filed("20h", agreed="50h").ship(at)

    assert (card.state, card.booked) == (ended, ledger)


def test_jd_5_after_a_missed_agreement_a_refused_report_leaves_the_order_late() -> None:
    late = card_in("late").filed("3h", agreed="30h").refused("4h")
    shipped = card_in("late").filed("3h", agreed="30h").refused("4h").ship("5h")

    assert (shipped.state, shipped.booked) == ("shipped_late", [LATE_SHIPMENT])
    assert (late.until("76h").state, late.booked) == ("not_exempt", [LATE_SHIPMENT])


def test_jd_2_a_card_accepted_during_a_review_is_an_approval_and_the_review_goes_on() -> None:
    card = card_in("awaiting_buyer").filed("2h", agreed="25d").act("3h", "accept")

    assert (card.state, card.clauses["accept"]) == ("emergency_review", "JD-2")
    assert card.clocks["miss_agreed_ship"] == after("20d")
    assert card.refused("4h").state == "approved"


@pytest.mark.parametrize(
    ("after_review", "state"), [("recall_report", "declined"), ("refuse_report", "report_refused")]
)
def test_jd_2_a_card_declined_during_a_review_is_declined_after_it(after_review: str, state: str) -> None:
    card = card_in("awaiting_buyer").filed("2h").act("3h", "decline")
    assert card.state == "emergency_review"

    assert card.act("4h", after_review, REFUSAL if after_review == "refuse_report" else None).state == state
    with pytest.raises(Refused):
        card.act("5h", "accept")


def test_jd_2_a_card_that_is_still_out_can_be_accepted_after_a_refused_report_until_48_00_00_not_later() -> None:
    card = card_in("awaiting_buyer").filed("2h").refused("3h").until("48h", by=-SECOND)
    in_time, too_late = (card_in("awaiting_buyer").filed("2h").refused("3h") for _ in range(2))

    in_time.machine.decide("accept", None, after("48h") - SECOND)

    assert (card.state, in_time.state) == ("report_refused", "approved")
    with pytest.raises(Refused):
        too_late.act("48h", "accept")


def test_jd_1_a_card_can_be_sent_once_also_beside_a_report() -> None:
    card = Delay().filed("1h").sent("2h", at="2h")
    assert (card.state, card.pending) == ("emergency_review", [])

    with pytest.raises(Refused):
        card.sent("3h", at="3h")
    assert card.act("4h", "recall_report").state == "awaiting_buyer"
    assert card.clocks["expire"] == after("50h")


def test_jd_3_a_report_approved_without_a_card_needs_none_any_more() -> None:
    card = Delay().filed("1h").act("2h", "approve_report")

    assert card.state == "approved"
    assert "send_card" not in card.pending


@pytest.mark.parametrize("kind", ["chat_screenshot", "sms", "call_record"])
def test_jd_3_three_kinds_of_evidence_are_taken(kind: str) -> None:
    form = {"agreed_ship_at": after("20d").isoformat(), "evidence": [{**CHAT, "kind": kind}]}

    assert card_in("declined").act("2h", "file_emergency_report", form).state == "emergency_review"


@pytest.mark.parametrize("kind", ["waybill_photo", "logistics_track", "buyer_consent", "other"])
def test_jd_3_no_other_evidence_is_taken(kind: str) -> None:
    card = card_in("declined")
    form = {"agreed_ship_at": after("20d").isoformat(), "evidence": [CHAT, {**CHAT, "kind": kind}]}

    with pytest.raises(BadForm, match=r"evidence\.1\.kind"):
        card.act("2h", "file_emergency_report", form)
    assert card.state == "declined"


def test_jd_3_the_platform_approves_or_refuses() -> None:
    approved = card_in("emergency_review").act("2h", "approve_report")
    refused = card_in("emergency_review").refused("2h")

    assert (approved.state, refused.state) == ("approved", "report_refused")
    assert approved.clauses["approve_report"] == refused.clauses["refuse_report"] == "JD-3"
    assert JdDelayCard.rules["approve_report"].party is JdDelayCard.rules["refuse_report"].party is Party.PLATFORM


def test_jd_4_a_review_over_24_hours_is_escalated_at_25_00_00_not_before_and_stays_pending() -> None:
    card = card_in("emergency_review").until("25h", by=-SECOND)
    assert "review_overdue" not in card.clauses

    card.until("25h")

    assert (card.state, card.fired[-1]) == ("emergency_review", ("review_overdue", after("25h")))
    assert (card.clauses["review_overdue"], card.pending[-1]) == ("JD-4", "escalate_review")


def test_jd_4_it_is_escalated_once_and_never_taken_as_approved() -> None:
    card = card_in("emergency_review").until("300d")

    assert [rule for rule, _ in card.fired].count("review_overdue") == 1
    assert card.pending.count("escalate_review") == 1
    assert (card.state, card.clocks) == ("emergency_review", {})


def test_jd_4_a_new_report_is_reviewed_and_escalated_anew() -> None:
    card = card_in("emergency_review").refused("30h").filed("40h").until("64h")

    assert [at for rule, at in card.fired if rule == "review_overdue"] == [after("25h"), after("64h")]


def test_jd_4_a_new_report_that_the_platform_told_of_is_escalated_anew() -> None:
    card = card_in("emergency_review").refused("30h")

    card.report("40h", rule="file_emergency_report").until("64h")

    assert [at for rule, at in card.fired if rule == "review_overdue"] == [after("25h"), after("64h")]


def test_jd_4_an_overdue_review_can_still_be_decided() -> None:
    approved = card_in("emergency_review").until("100h").act("101h", "approve_report")
    refused = card_in("emergency_review").until("100h").refused("101h")

    assert (approved.state, refused.state) == ("approved", "report_refused")


@pytest.mark.parametrize("state", UNAPPROVED)
def test_jd_5_unapproved_the_promised_time_is_the_deadline(state: str) -> None:
    card = card_in(state)

    assert card.clocks["miss_promise"] == after("10d")
    assert "miss_agreed_ship" not in card.clocks


@pytest.mark.parametrize("state", UNAPPROVED)
def test_jd_5_passing_the_promised_time_moves_nothing_and_stops_no_clock(state: str) -> None:
    card = card_in(state, promised_ship_at="1h") if state != "sending" else Delay(promised_ship_at="1h")
    before = dict(card.machine.state.snapshot.entered)
    clocks = {rule: due for rule, due in card.clocks.items() if rule != "miss_promise"}

    card.until(begun(card)).until("1h" if state in ("sending", "awaiting_buyer") else begun(card))

    assert (card.machine.state.snapshot.entered, card.clocks) == (before, clocks)
    assert [rule for rule, _ in card.fired].count("miss_promise") == 1


@pytest.mark.parametrize(
    ("last", "ended", "ledger"),
    [(-SECOND, "shipped_on_time", []), (0 * SECOND, "shipped_late", [LATE_ORDER, LATE_SHIPMENT])],
)
@pytest.mark.parametrize("state", ["sending", "awaiting_buyer"])
def test_jd_5_unapproved_on_time_is_before_the_promised_time(
    state: str, last: object, ended: str, ledger: list[object]
) -> None:
    card = Delay(promised_ship_at="20h") if state == "sending" else Delay(promised_ship_at="20h", sent_at="0s")
    at = after("20h") + last  # type: ignore[operator]

    card.machine.decide("ship", SHIPMENT, at)

    assert (card.state, card.booked, card.clauses["ship"]) == (ended, ledger, "JD-5")


@pytest.mark.parametrize("state", UNAPPROVED)
def test_jd_5_every_unapproved_state_can_ship_on_time_and_late(state: str) -> None:
    on_time, late = card_in(state), card_in(state, promised_ship_at="30m")
    late.until("1h")

    assert (on_time.ship(begun(on_time)).state, on_time.booked) == ("shipped_on_time", [])
    assert (late.ship("1h" if begun(late) == "0h" else begun(late)).state, late.booked) == (
        "shipped_late",
        [LATE_ORDER, LATE_SHIPMENT],
    )
    assert (on_time.submitted[-1], late.submitted[-1]) == ("push_tracking_number", "push_tracking_number")


def test_jd_5_accepted_the_proposed_time_is_the_new_deadline_also_when_the_promise_has_passed() -> None:
    card = Delay(sent_at="0s", promised_ship_at="1h", proposed_ship_at="30h").act("2h", "accept")

    assert card.clocks == {"miss_agreed_ship": after("30h")}
    card.machine.decide("ship", SHIPMENT, after("30h") - SECOND)
    assert (card.state, card.booked) == ("shipped_on_time", [])


def test_jd_5_a_report_approved_makes_the_agreed_time_the_new_deadline() -> None:
    card = card_in("declined").filed("2h", agreed="99h").act("3h", "approve_report")
    assert card.clocks == {"miss_agreed_ship": after("99h")}

    assert card.until("99h", by=-SECOND).state == "approved"
    card.until("99h")

    assert (card.state, card.fired[-1], card.clauses["miss_agreed_ship"]) == (
        "late",
        ("miss_agreed_ship", after("99h")),
        "JD-5",
    )
    assert card.booked == []


def test_jd_5_the_latest_report_names_the_time() -> None:
    card = card_in("declined").filed("2h", agreed="50h").refused("3h").filed("4h", agreed="60h")

    assert card.act("5h", "approve_report").clocks == {"miss_agreed_ship": after("60h")}


def test_jd_5_after_the_agreed_time_shipping_is_late_and_a_violation_is_recorded() -> None:
    card = card_in("late").ship("3h")

    assert (card.state, card.booked, card.clauses["ship"]) == ("shipped_late", [("JD-5", None)], "JD-5")


def test_jd_5_late_is_late_without_a_clock() -> None:
    assert card_in("late").clocks == {}
    assert card_in("late").until("300d").state == "late"


@pytest.mark.parametrize("state", UNAPPROVED)
def test_jd_14_the_promised_time_passing_without_an_approval_is_one_late_order_at_that_instant(state: str) -> None:
    card = card_in(state, promised_ship_at="60h").until("60h", by=-SECOND)
    assert (card.state, card.booked) == (
        {"sending": "awaiting_buyer", "awaiting_buyer": "expired"}.get(state, state),
        [],
    )

    card.until("60h")

    assert (card.booked, card.clauses["miss_promise"]) == ([LATE_ORDER], "JD-14")
    [entry] = card.machine.state.ledger
    assert (entry.at, entry.counted, entry.once_an_order) == (after("60h"), True, True)
    assert [rule for rule, _ in card.until("70h").fired].count("miss_promise") == 1


def test_jd_14_with_an_approval_in_force_the_promised_time_passes_without_a_late_order() -> None:
    approved = card_in("approved", promised_ship_at="60h").until("61h")
    asking = card_in("approved", promised_ship_at="60h").filed("2h", agreed="30d").until("61h")

    assert (approved.booked, asking.booked) == ([], [])


def test_jd_14_a_promise_that_an_approval_replaced_counts_no_more_once_that_has_run_out() -> None:
    card = card_in("late", promised_ship_at="60h").until("61h").filed("62h", agreed="90h").until("63h")
    assert card.booked == []

    assert card.refused("64h").until("65h").booked == []


def test_jd_14_an_approval_takes_the_late_order_back_and_tells_the_shipment_watch() -> None:
    accepting, approving = (
        [effect.name for effect in effects]
        for effects in (
            effects_of(card_in("awaiting_buyer"), "accept"),
            effects_of(card_in("emergency_review"), "approve_report"),
        )
    )

    assert accepting == ["take_back_late_order", "exempt_by_card"]
    assert approving == ["take_back_late_order", "exempt_by_report"]


def test_jd_14_a_late_order_is_reversed_by_an_approval_that_comes_later() -> None:
    card = card_in("emergency_review", promised_ship_at="3h").until("4h")
    assert card.booked == [LATE_ORDER]

    card.act("5h", "approve_report")

    assert card.booked == []
    assert [(entry.clause, entry.status) for entry in card.machine.state.undone] == [("JD-14", "reversed")]
    assert card.ship("6h").state == "shipped_on_time"


def test_g_15_a_time_that_is_put_right_later_is_told_again_as_another_fact() -> None:
    card = Delay(sent_at="0s", promised_ship_at="20h").filed("1h", agreed="60h").act("5h", "approve_report")
    told = {effect.key: effect.told for effect in card.machine.state.pending}
    for effect in card.machine.state.pending:
        card.machine.complete_effect(effect.serial, EffectOutcome(), after("5h"))

    agreed = {"agreed_ship_at": after("80h").isoformat(), "evidence": [CHAT]}
    card.act("6h", "recall_report", {"occurred_at": after("2h").isoformat()})
    card.act("6h", "file_emergency_report", {**agreed, "occurred_at": after("3h").isoformat()})

    (again,) = card.machine.state.pending
    assert again.key not in told
    untils = [datetime.fromisoformat(form["until"]) for form in (*told.values(), again.told) if form]
    assert untils == [after("60h"), after("80h")]
    card.machine.refold(after("7h"))
    assert [effect.key for effect in card.machine.state.pending] == [again.key]


def test_g_15_a_fact_that_is_taken_back_is_to_be_withdrawn_until_it_was() -> None:
    card = Delay(sent_at="0s", promised_ship_at="20h").filed("1h", agreed="60h").act("5h", "approve_report")
    (told,) = card.machine.state.pending
    assert card.machine.to_withdraw == []

    card.act("6h", "recall_report", {"occurred_at": after("2h").isoformat()})

    assert [fact.key for fact in card.machine.to_withdraw] == [told.key]
    assert card.machine.busy
    old = card.machine.fork()
    old.case = old.case.as_opened_with("2026-11-27")
    assert old.to_withdraw == []
    card.machine.mark_withdrawn(told.serial)
    assert card.machine.to_withdraw == []


@pytest.mark.parametrize("rule", ["approve_report", "refuse_report", "recall_report", "ship", "cancel_order"])
def test_jd_4_nobody_is_to_press_for_a_review_that_is_over(rule: str) -> None:
    card = card_in("emergency_review").until("40h")
    (task,) = [effect for effect in card.machine.state.effects if effect.effect == "escalate_review"]
    card.machine.complete_effect(
        task.serial, EffectOutcome(console_task=ConsoleTask(page="报备", instruction="催审")), after("40h")
    )

    forms = {"refuse_report": {"reason": "凭证不清晰"}, "ship": {"carrier": "JDL", "tracking_no": "JD1"}}
    card.act("41h", rule, forms.get(rule))

    assert [effect for effect in card.machine.state.stuck if effect.effect == "escalate_review"] == []


@pytest.mark.parametrize("state", ["sending", "awaiting_buyer", "approved", "late"])
def test_g_9_a_case_opened_before_the_amendment_keeps_its_rules(state: str) -> None:
    card = card_in(state, BEFORE_AMENDMENT)

    with pytest.raises(Refused):
        card.filed("3h")
    assert effects_of(card_in("awaiting_buyer", BEFORE_AMENDMENT), "accept") == ()


def test_g_9_a_case_opened_before_the_amendment_records_no_late_order() -> None:
    card = card_in("declined", BEFORE_AMENDMENT, promised_ship_at="3h").filed("2h").until("4h")
    assert (card.booked, card.clauses["miss_promise"]) == ([], "JD-5")

    assert card.act("5h", "refuse_report").state == "report_refused"
    with pytest.raises(Refused):
        card.act("6h", "recall_report")
    assert (card.ship("7h").state, card.booked) == ("shipped_late", [LATE_SHIPMENT])


@pytest.mark.parametrize("state", RESTING)
def test_jd_6_without_a_report_it_is_not_exempt_after_72_hours_not_before(state: str) -> None:
    card = card_in(state)
    start = card.machine.state.snapshot.entered[state]
    end = f"{round((start - after('0s')).total_seconds() / 3600) + 72}h"
    assert card.clocks["give_up"] == after(end)

    assert card.until(end, by=-SECOND).state == state
    card.until(end)

    assert (card.state, card.fired[-1], card.clauses["give_up"]) == ("not_exempt", ("give_up", after(end)), "JD-6")
    assert card.booked == []
    assert card.machine.closed


@pytest.mark.parametrize("state", RESTING)
def test_jd_6_a_report_in_the_last_second_is_filed(state: str) -> None:
    card = card_in(state)
    at = card.clocks["give_up"] - SECOND

    card.machine.decide("file_emergency_report", {"agreed_ship_at": after("20d").isoformat(), "evidence": [CHAT]}, at)

    assert (card.state, "give_up" in card.clocks) == ("emergency_review", False)


def test_jd_6_until_the_order_ships() -> None:
    assert card_in("declined").ship("72h").state == "shipped_on_time"


@pytest.mark.parametrize("state", OPEN_STATES)
def test_a_cancelled_order_ends_the_case_from_every_open_state(state: str) -> None:
    card = card_in(state)

    assert card.act(begun(card), "cancel_order").state == "order_cancelled"
    assert (card.machine.closed, card.booked) == (True, [])


@pytest.mark.parametrize("state", OPEN_STATES)
def test_shipping_and_cancelling_are_open_in_every_open_state(state: str) -> None:
    assert {"ship", "cancel_order"} <= set(decisions.orders_by_rule(decisions.allowed(card_in(state).machine)))


def test_g_1_the_card_is_the_only_clock_that_the_platform_runs() -> None:
    settled = {name for name, clock in JdDelayCard.clocks().items() if clock.resolved_by_platform}

    assert settled == {"expire"}


def test_g_2_what_the_platform_says_of_the_expiry_counts() -> None:
    card = Delay(sent_at="0s")
    card.machine.advance(after("48h"))
    (settling,) = card.machine.state.expiries

    assert (card.state, settling.rule, settling.due) == ("awaiting_buyer", "expire", after("48h"))
    with pytest.raises(Refused):
        card.machine.decide("ship", SHIPMENT, after("48h"))


def test_g_5_the_operator_is_reminded_of_shipping_of_filing_and_of_confirming_the_card_and_not_of_the_buyer() -> None:
    reminded = {name for name, clock in JdDelayCard.clocks().items() if clock.figure and clock.of is Party.MERCHANT}

    assert reminded == {"presume_sent", "miss_promise", "miss_agreed_ship", "give_up"}


def test_g_9_clocks_run_by_the_figures_of_the_pinned_policy() -> None:
    card = Delay(policy={"card_click": "24h", "filing": "10h", "review": "1h"}, sent_at="0s")
    assert card.clocks["expire"] == after("24h")

    assert card.act("1h", "decline").clocks["give_up"] == after("11h")
    assert card.filed("2h").clocks["review_overdue"] == after("3h")
