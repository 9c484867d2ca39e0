"""The delay card's rule book, clause by clause and to the second."""

import pytest

from cases.errors import BadForm, Refused
from statecharts.jd_delay_card import JdDelayCard
from statecharts.rules import Party
from tests.support.processes.delays import CHAT, OPEN_STATES, SECOND, SHIPMENT, Delay, after, card_in
from workflows.engine import decisions

UNAPPROVED = [state for state in OPEN_STATES if state not in ("approved", "late")]
RESTING = ["declined", "expired", "report_refused"]


def begun(card: Delay) -> str:
    """Return when the state was entered, as an offset."""
    hours = (card.machine.state.snapshot.entered[card.state] - after("0s")).total_seconds() / 3600
    return f"{hours:.0f}h"


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


@pytest.mark.parametrize("state", RESTING)
def test_jd_3_a_report_may_be_filed_after_a_refusal_an_expiry_and_a_report_refused(state: str) -> None:
    card = card_in(state).filed("49h")

    assert (card.state, card.clauses["file_emergency_report"]) == ("emergency_review", "JD-3")
    assert card.submitted[-1] == "file_report"


@pytest.mark.parametrize("state", [state for state in OPEN_STATES if state not in RESTING])
def test_jd_3_a_report_is_filed_from_no_other_state(state: str) -> None:
    card = card_in(state)

    with pytest.raises(Refused):
        card.filed(begun(card))


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
    approved, refused = (card_in("emergency_review").act("2h", rule) for rule in ("approve_report", "refuse_report"))

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
    card = card_in("emergency_review").act("30h", "refuse_report").filed("40h").until("64h")

    assert [at for rule, at in card.fired if rule == "review_overdue"] == [after("25h"), after("64h")]


def test_jd_4_a_new_report_that_the_platform_told_of_is_escalated_anew() -> None:
    card = card_in("emergency_review").act("30h", "refuse_report")

    card.report("40h", rule="file_emergency_report").until("64h")

    assert [at for rule, at in card.fired if rule == "review_overdue"] == [after("25h"), after("64h")]


@pytest.mark.parametrize("rule", ["approve_report", "refuse_report"])
def test_jd_4_an_overdue_review_can_still_be_decided(rule: str) -> None:
    card = card_in("emergency_review").until("100h").act("101h", rule)

    assert card.state in ("approved", "report_refused")


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
    ("last", "ended", "ledger"), [(-SECOND, "shipped_on_time", []), (0 * SECOND, "shipped_late", [("JD-5", None)])]
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
        [("JD-5", None)],
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
    card = card_in("declined").filed("2h", agreed="50h").act("3h", "refuse_report").filed("4h", agreed="60h")

    assert card.act("5h", "approve_report").clocks == {"miss_agreed_ship": after("60h")}


def test_jd_5_after_the_agreed_time_shipping_is_late_and_a_violation_is_recorded() -> None:
    card = card_in("late").ship("3h")

    assert (card.state, card.booked, card.clauses["ship"]) == ("shipped_late", [("JD-5", None)], "JD-5")


def test_jd_5_late_is_late_without_a_clock() -> None:
    assert card_in("late").clocks == {}
    assert card_in("late").until("300d").state == "late"


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
